//! The fields of an index, and opening one.

use std::path::Path;

use tantivy::directory::MmapDirectory;
use tantivy::schema::{Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions};
use tantivy::{Index, IndexReader, ReloadPolicy, Searcher, TantivyError};

use super::words::Words;

/// Name of the tokenizer in the files of the index.
const WORDS: &str = "words";
/// The file that makes a folder an index.
const META: &str = "meta.json";

/// The fields of a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    /// Address of the page.
    pub(super) url: Field,
    /// Hash of the file and the program that read it: equal if nothing is to be done.
    pub(super) version: Field,
    pub(super) title: Field,
    pub(super) body: Field,
}

/// The schema of every index.
fn schema() -> (Schema, Fields) {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(WORDS)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let text = TextOptions::default().set_indexing_options(indexing).set_stored();
    let mut builder = Schema::builder();
    let fields = Fields {
        url: builder.add_text_field("url", STRING | STORED),
        version: builder.add_text_field("version", STRING),
        title: builder.add_text_field("title", text.clone()),
        body: builder.add_text_field("body", text),
    };
    (builder.build(), fields)
}

/// Whether there is an index in a folder.
pub(super) fn is_index(path: &Path) -> bool {
    path.join(META).is_file()
}

/// Opens the index of a folder, or creates it there.
pub(super) fn open_or_create(path: &Path) -> Result<(Index, Fields), TantivyError> {
    let (schema, fields) = schema();
    let index = Index::open_or_create(MmapDirectory::open(path)?, schema)?;
    index.tokenizers().register(WORDS, Words);
    Ok((index, fields))
}

/// Opens the index of a folder to read it.
pub(super) fn open(path: &Path) -> Result<(Index, Fields), String> {
    let name = path.display();
    if !is_index(path) {
        return Err(format!(
            "unavailable: needs an index in {name}: run `lagent index build FOLDER --out {name}`"
        ));
    }
    let (schema, fields) = schema();
    let index = Index::open_in_dir(path).map_err(|error| format!("index {name}: {error}"))?;
    if index.schema() != schema {
        return Err(format!("index {name}: found other fields, expected those of `lagent index build`"));
    }
    index.tokenizers().register(WORDS, Words);
    Ok((index, fields))
}

/// The pages of an index as they are now.
pub(super) fn searcher(index: &Index) -> Result<Searcher, TantivyError> {
    let reader: IndexReader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    Ok(reader.searcher())
}
