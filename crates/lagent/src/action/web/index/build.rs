//! [`build_index`]: a folder of pages and texts into a search index.
//!
//! The index itself is the journal: what is in it with the hash of its file is not read again. So an interrupted run
//! resumes where it last committed, and a later run takes what changed.

use std::collections::BTreeSet;
use std::path::Path;

use internlm_kit::context::RunContext;
use internlm_kit::file;
use internlm_kit::hash::sha256;
use serde::{Deserialize, Serialize};
use tantivy::collector::Count;
use tantivy::query::TermQuery;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{IndexWriter, Searcher, TantivyDocument, TantivyError, Term};

use super::fields::{Fields, is_index, open_or_create, searcher};
use super::pages::Kind;
use crate::{Error, Result};

/// Memory of the writer, bytes.
const MEMORY: usize = 64 << 20;
/// Number of files between two commits.
const COMMIT: usize = 500;
/// Maximum size of a file that is indexed, bytes.
const LIMIT: usize = 20 << 20;

/// What a run did with the files of the folder.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct IndexSummary {
    /// Number of files that were new or had changed.
    pub indexed: usize,
    /// Number of files that were in the index already.
    pub unchanged: usize,
    /// Number of files without text, or too large.
    pub skipped: usize,
    /// Number of pages that were removed because their files are gone.
    pub removed: usize,
}

/// Builds or updates the index in `out` from the HTML, Markdown and text files below `folder`.
///
/// The address of a page is `base` followed by the file's path below the folder.
///
/// # Errors
/// [`Error::File`] for files that cannot be read, and [`Error::Index`] when `out` is another folder, the index cannot
/// be written, or the run was stopped.
pub fn build_index(folder: &Path, out: &Path, base: &str, context: &RunContext) -> Result<IndexSummary> {
    let wrong = |message: String| Error::Index { path: out.to_path_buf(), message };
    if !folder.is_dir() {
        return Err(wrong(format!("found no folder at {}, expected one with pages", folder.display())));
    }
    file::create_dir_all(out)?;
    if !is_index(out) && !is_empty(out) {
        return Err(wrong(
            "found a folder with other files, expected an index or an empty folder".to_owned(),
        ));
    }
    let mut work = Work::open(out, base).map_err(|error| wrong(error.to_string()))?;
    let mut files: Vec<_> = file::files_below(folder)?;
    let inside = out.canonicalize().ok();
    files.retain(|path| {
        let is_own =
            inside.as_ref().is_some_and(|out| path.canonicalize().is_ok_and(|path| path.starts_with(out)));
        Kind::of(path).is_some() && !is_own
    });
    let progress = context.reporter.start("index", "files", files.len() as u64);
    for (number, path) in files.iter().enumerate() {
        if context.stop.is_requested() {
            work.writer.commit().map_err(|error| wrong(error.to_string()))?;
            let total = files.len();
            return Err(wrong(format!(
                "interrupted: {number} of {total} files are done; run again to resume"
            )));
        }
        let bytes = file::read(path)?;
        let name = path.strip_prefix(folder).unwrap_or(path);
        work.take(name, &bytes).map_err(|error| wrong(error.to_string()))?;
        progress.advance(1);
    }
    work.finish().map_err(|error| wrong(error.to_string()))
}

/// Whether a folder has no files. A run that was killed at its very beginning leaves files with a point in front.
fn is_empty(folder: &Path) -> bool {
    let mut entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.all(|entry| entry.file_name().to_string_lossy().starts_with('.'))
}

/// A run in progress.
struct Work<'a> {
    writer: IndexWriter,
    /// The index as it was before the run.
    before: Searcher,
    fields: Fields,
    base: &'a str,
    seen: BTreeSet<String>,
    summary: IndexSummary,
}

impl<'a> Work<'a> {
    fn open(out: &Path, base: &'a str) -> Result<Self, TantivyError> {
        let (index, fields) = open_or_create(out)?;
        // One thread, so that the order of the pages does not depend on the machine.
        let writer = index.writer_with_num_threads(1, MEMORY)?;
        let before = searcher(&index)?;
        Ok(Self { writer, before, fields, base, seen: BTreeSet::new(), summary: IndexSummary::default() })
    }

    /// Indexes one file unless the index has it.
    fn take(&mut self, name: &Path, bytes: &[u8]) -> Result<(), TantivyError> {
        let url = format!("{}{}", self.base, address(name));
        let version = format!("{} {} {url}", env!("CARGO_PKG_VERSION"), sha256(bytes));
        self.seen.insert(url.clone());
        if self.has(self.fields.version, &version)? {
            self.summary.unchanged += 1;
            return Ok(());
        }
        self.writer.delete_term(Term::from_field_text(self.fields.url, &url));
        let kind = Kind::of(name).filter(|_| bytes.len() <= LIMIT);
        let page = kind.map(|kind| kind.read(name, bytes)).filter(|(_, text)| !text.trim().is_empty());
        let Some((title, text)) = page else {
            tracing::warn!(file = %name.display(), bytes = bytes.len(), "skipped: found no text of at most {LIMIT} bytes");
            self.summary.skipped += 1;
            return Ok(());
        };
        let mut document = TantivyDocument::default();
        let fields = self.fields;
        let values =
            [(fields.url, url), (fields.version, version), (fields.title, title), (fields.body, text)];
        for (field, value) in values {
            document.add_text(field, value);
        }
        self.writer.add_document(document)?;
        self.summary.indexed += 1;
        if self.summary.indexed.is_multiple_of(COMMIT) {
            self.writer.commit()?;
        }
        Ok(())
    }

    /// Removes the pages whose files are gone, and commits.
    fn finish(mut self) -> Result<IndexSummary, TantivyError> {
        let mut known = BTreeSet::new();
        for segment in self.before.segment_readers() {
            let terms = segment.inverted_index(self.fields.url)?;
            let mut stream = terms.terms().stream()?;
            while stream.advance() {
                known.insert(String::from_utf8_lossy(stream.key()).into_owned());
            }
        }
        for url in known.difference(&self.seen) {
            if self.has(self.fields.url, url)? {
                self.writer.delete_term(Term::from_field_text(self.fields.url, url));
                self.summary.removed += 1;
            }
        }
        self.writer.commit()?;
        self.writer.wait_merging_threads()?;
        Ok(self.summary)
    }

    /// Whether the index had a page with this value before the run.
    fn has(&self, field: Field, value: &str) -> Result<bool, TantivyError> {
        let query = TermQuery::new(Term::from_field_text(field, value), IndexRecordOption::Basic);
        Ok(self.before.search(&query, &Count)? > 0)
    }
}

/// A path below the folder as the end of an address.
fn address(name: &Path) -> String {
    let parts: Vec<String> = name.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts.join("/")
}
