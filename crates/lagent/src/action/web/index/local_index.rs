//! [`LocalIndex`]: searches an index and returns the texts of its pages.

use std::path::Path;

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, PhraseQuery, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Value};
use tantivy::snippet::SnippetGenerator;
use tantivy::{Searcher, TantivyDocument, TantivyError, Term};

use super::fields::{Fields, open, searcher};
use super::words::{is_single, words};
use crate::action::web::hit::Hit;

/// Weight of a word in a title, relative to one in the text.
const TITLE: f32 = 2.0;
/// Weight of a phrase relative to its words.
const PHRASE: f32 = 4.0;
/// Length of a summary, characters.
const SUMMARY: usize = 300;
/// Maximum number of words of a query that count.
const WORDS: usize = 64;

/// An index that is open for reading, as it was when it was opened.
pub(in crate::action::web) struct LocalIndex {
    searcher: Searcher,
    fields: Fields,
}

impl LocalIndex {
    /// Opens the index of a folder.
    ///
    /// # Errors
    /// What was found there and what is expected.
    pub(in crate::action::web) fn open(path: &Path) -> Result<Self, String> {
        let (index, fields) = open(path)?;
        let searcher = searcher(&index).map_err(|error| format!("index {}: {error}", path.display()))?;
        Ok(Self { searcher, fields })
    }

    /// Returns the pages that fit the words of a query best, by BM25.
    ///
    /// # Errors
    /// The index cannot be read.
    pub(in crate::action::web) fn search(&self, text: &str, limit: usize) -> Result<Vec<Hit>, String> {
        self.find(text, limit).map_err(|error| format!("index: {error}"))
    }

    fn find(&self, text: &str, limit: usize) -> Result<Vec<Hit>, TantivyError> {
        let query = self.query(text);
        let best = self.searcher.search(&query, &TopDocs::with_limit(limit.max(1)).order_by_score())?;
        let mut snippets = SnippetGenerator::create(&self.searcher, &query, self.fields.body)?;
        snippets.set_max_num_chars(SUMMARY);
        let hit = |address| -> Result<Hit, TantivyError> {
            let document: TantivyDocument = self.searcher.doc(address)?;
            let body = value(&document, self.fields.body);
            let snippet = snippets.snippet(body).fragment().to_owned();
            // A page that was found by its title alone begins at the beginning.
            let summary = if snippet.is_empty() { body.chars().take(SUMMARY).collect() } else { snippet };
            let [url, title] =
                [self.fields.url, self.fields.title].map(|field| value(&document, field).to_owned());
            Ok(Hit { url, title, summary })
        };
        best.into_iter().map(|(_, address)| hit(address)).collect()
    }

    /// Any of the words; phrases of characters that are words of their own count more.
    fn query(&self, text: &str) -> BooleanQuery {
        let mut parts: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        let words: Vec<String> = words(text).into_iter().take(WORDS).map(|word| word.text).collect();
        for (field, weight) in [(self.fields.title, TITLE), (self.fields.body, 1.0)] {
            let term = |word: &String| Term::from_field_text(field, word);
            for word in &words {
                let query = TermQuery::new(term(word), IndexRecordOption::WithFreqs);
                parts.push((Occur::Should, Box::new(BoostQuery::new(Box::new(query), weight))));
            }
            for run in words.chunk_by(|left, right| is_character(left) && is_character(right)) {
                if run.len() > 1 {
                    let query = PhraseQuery::new(run.iter().map(term).collect());
                    parts.push((Occur::Should, Box::new(BoostQuery::new(Box::new(query), weight * PHRASE))));
                }
            }
        }
        BooleanQuery::new(parts)
    }

    /// Returns the text of an address; `None` if the index does not have it.
    ///
    /// # Errors
    /// The index cannot be read.
    pub(in crate::action::web) fn page(&self, url: &str) -> Result<Option<String>, String> {
        self.stored(url).map_err(|error| format!("index: {error}"))
    }

    fn stored(&self, url: &str) -> Result<Option<String>, TantivyError> {
        let query = TermQuery::new(Term::from_field_text(self.fields.url, url), IndexRecordOption::Basic);
        let found = self.searcher.search(&query, &TopDocs::with_limit(1).order_by_score())?;
        let Some((_, address)) = found.first() else { return Ok(None) };
        let document: TantivyDocument = self.searcher.doc(*address)?;
        Ok(Some(value(&document, self.fields.body).to_owned()))
    }
}

fn is_character(word: &str) -> bool {
    word.chars().all(is_single)
}

/// A stored text.
fn value(document: &TantivyDocument, field: Field) -> &str {
    document.get_first(field).and_then(|value| value.as_str()).unwrap_or_default()
}
