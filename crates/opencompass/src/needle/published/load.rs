//! [`load_published`]: the rows of a published needle set.

use internlm_model::TokenId;
use serde_json::json;

use super::arguments::{Arguments, Edition};
use super::document::{TokenizedTexts, body_length, with_needles};
use super::facts::Facts;
use super::wording::prompt;
use crate::dataset::Named;
use crate::needle::config::{NeedleConfig, Task};
use crate::needle::generate::{NeedleRow, generate};
use crate::needle::question::Question;
use crate::needle::source_files::{SourceFiles, whole_texts};
use crate::needle::sources::NeedleSources;
use crate::random::PythonRandom;

/// `needle_set`: questions from whole files: texts of the haystack, facts, and the vocabulary that counts tokens; for
/// `trace` only names. Rows have `prompt`, `answer`, `repeat`, and `length` and `depth` or `question_type`.
///
/// A haystack with fewer tokens than asked for gives shorter documents, as upstream's does.
///
/// # Errors
/// The argument or file that cannot be used, with what was expected.
pub(crate) fn load_published(named: &Named, rows: Vec<NeedleRow>) -> Result<Vec<NeedleRow>, String> {
    let arguments: Arguments = named.arguments().map_err(|error| error.to_string())?;
    let config = arguments.config()?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    if config.task == Task::Trace {
        return traced(&config, rows);
    }
    let names = ["texts with one JSON object per line", Facts::file(config.task, arguments.edition)];
    let files = SourceFiles::read(rows, &names, arguments.tokenizer.as_deref())?;
    let haystack = NeedleSources::default().with_texts(&files.texts[0]);
    let texts = haystack.map_err(|error| error.to_string())?.texts;
    let facts = Facts::parse(&config, arguments.edition, &files.texts[1])?;
    let mut order: Vec<usize> = (0..texts.len()).collect();
    let mut repeats = Vec::with_capacity(config.repeats.min(1000));
    for repeat in 0..config.repeats {
        // The texts are shuffled again and again, not always from their first order.
        PythonRandom::new(repeat as u64).shuffle(&mut order);
        let question = facts.draw(&config, &arguments, repeat)?;
        let needles = question.needles.iter().map(|needle| files.tokens.ids(&format!("\n{needle}\n")));
        let needles: Vec<Vec<TokenId>> = needles.collect();
        repeats.push(Repeat { order: order.clone(), question, needles });
    }
    let mut haystack = TokenizedTexts::new(&texts, &files.tokens);
    let mut found = Vec::new();
    for length in &config.lengths {
        for depth in depths(&config) {
            for (number, repeat) in repeats.iter().enumerate() {
                let body = haystack.first(&repeat.order, body_length(&config, *length, &repeat.needles));
                let document = with_needles(&config, body, &repeat.needles, *depth);
                let mut row = repeat.row(&config, arguments.edition, &files.tokens.text(&document));
                row.insert("length".to_owned(), json!(length));
                if config.task != Task::Parallel {
                    row.insert("depth".to_owned(), json!(depth));
                }
                row.insert("repeat".to_owned(), json!(number));
                found.push(row);
            }
        }
    }
    Ok(found)
}

/// The depths of documents: one document has all depths of `parallel`.
fn depths(config: &NeedleConfig) -> &[u32] {
    match config.task {
        Task::Parallel => &config.depths[..1],
        _ => &config.depths,
    }
}

/// What the documents of one repeat have in common.
struct Repeat {
    /// The texts of the haystack by their places in the file.
    order: Vec<usize>,
    question: Question,
    /// The tokens of the needles with their line breaks.
    needles: Vec<Vec<TokenId>>,
}

impl Repeat {
    fn row(&self, config: &NeedleConfig, edition: Edition, document: &str) -> NeedleRow {
        match edition {
            Edition::Second => self.question.row(config, document),
            Edition::First => {
                let text = prompt(config.task, config.language, document, &self.question.question);
                NeedleRow::from_iter([
                    ("prompt".to_owned(), text.into()),
                    ("answer".to_owned(), self.question.answer.clone().into()),
                ])
            }
        }
    }
}

/// The questions about chains of relations, from the file of names.
fn traced(config: &NeedleConfig, rows: Vec<NeedleRow>) -> Result<Vec<NeedleRow>, String> {
    let texts = whole_texts(rows)?;
    let [names] = &texts[..] else {
        return Err(format!("found {} files, expected the names, such as names.json", texts.len()));
    };
    let sources =
        NeedleSources::default().with_names(names, config.language).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    let mut emit = |row: NeedleRow| {
        found.push(row);
        Ok(())
    };
    generate(config, &sources, None, &mut emit).map_err(|error| error.to_string())?;
    Ok(found)
}
