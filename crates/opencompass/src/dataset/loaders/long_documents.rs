//! Loaders of long documents: reports of Congress, stories and conversations.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::cell::{each, expand, list, text, texts};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::dataset::python_json::python_json;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "crs_report", upstream: &["GovRepcrsDataset"], load: crs_report },
    LoaderEntry { name: "story", upstream: &["NarrativeQADataset"], load: story },
    LoaderEntry { name: "mrcr", upstream: &["MRCRDataset"], load: mrcr },
];

/// Letters of a story that are read.
const STORY_LETTERS: usize = 100_000;

/// The random letters that an answer has to begin with.
static PREFIX: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"Prepend[\s\x1c-\x1f]+([^\s\x1c-\x1f]+)[\s\x1c-\x1f]+to")
        .expect("the pattern is a constant that compiles")
});

/// `crs_report`: a report of the Congressional Research Service with its sections one below the other becomes `content`,
/// the paragraphs of its summary `summary`.
fn crs_report(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    each(rows, |columns| {
        let mut content = text(columns, "title")?.to_owned();
        content.push('\n');
        let mut sections = Vec::new();
        for section in list(columns, "/reports/subsections")? {
            let title = section["section_title"].as_str().unwrap_or_default();
            let paragraphs = section["paragraphs"].as_array();
            let paragraphs = paragraphs.ok_or("paragraphs: found no list in a section, expected texts")?;
            let paragraphs: Vec<&str> = paragraphs
                .iter()
                .map(|paragraph| {
                    paragraph.as_str().ok_or_else(|| format!("paragraphs: found {paragraph}, expected texts"))
                })
                .collect::<Result<_, _>>()?;
            sections.push(format!("{title}\n{}", paragraphs.join("\n")));
        }
        content.push_str(&sections.join("\n"));
        let summary = texts(columns, "summary")?.join("\n");
        columns.insert("content".to_owned(), Value::String(content));
        columns.insert("summary".to_owned(), Value::String(summary));
        Ok(())
    })
}

/// `story`: the rows of NarrativeQA's part `valid`, with the beginning of the story and both answers.
fn story(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    expand(rows, |_, mut columns| {
        if text(&columns, "set")? != "valid" {
            return Ok(Vec::new());
        }
        let answers = json!([text(&columns, "answer1")?, text(&columns, "answer2")?]);
        let evidence = text(&columns, "evidence")?;
        let end = evidence.char_indices().nth(STORY_LETTERS).map_or(evidence.len(), |(end, _)| end);
        let evidence = Value::from(&evidence[..end]);
        columns.insert("answer".to_owned(), answers);
        columns.insert("evidence".to_owned(), evidence);
        Ok(vec![columns])
    })
}

/// `mrcr`: the first answer and the letters that it has to begin with become the column `gold`.
fn mrcr(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    each(rows, |columns| {
        let question = text(columns, "question")?;
        let prefix = PREFIX.captures(question).map_or("", |found| found.extract::<1>().1[0]);
        let answers = texts(columns, "answers")?;
        let answer = answers.first().ok_or("answers: found none, expected at least one")?;
        let gold = python_json(&json!({"answer": answer, "prefix": prefix}));
        columns.insert("gold".to_owned(), Value::String(gold));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, rows: Value) -> Result<Value, String> {
        let rows: Vec<Columns> = serde_json::from_value(rows).expect("objects");
        let load = ENTRIES.iter().find(|entry| entry.name == name).expect("an entry").load;
        load(&Named::new(name), rows).map(|rows| json!(rows))
    }

    #[test]
    fn a_report_becomes_one_text() {
        let section = |title: Value| json!({"section_title": title, "paragraphs": ["a", "b"]});
        let report = json!([{
            "title": "T",
            "summary": ["s", "t"],
            "reports": {"subsections": [section(json!("One")), section(Value::Null)]},
        }]);
        let rows = load("crs_report", report).expect("loads");
        assert_eq!(rows[0]["content"], "T\nOne\na\nb\n\na\nb");
        assert_eq!(rows[0]["summary"], "s\nt");
        let error = load("crs_report", json!([{"title": "T", "reports": {"subsections": [{}]}}]));
        assert!(error.expect_err("no paragraphs").contains("row 0: paragraphs"));
    }

    #[test]
    fn a_story_is_cut() {
        let row = |set: &str| {
            let story = "é".repeat(STORY_LETTERS + 1);
            json!({"set": set, "question": "q", "answer1": "a", "answer2": "b", "evidence": story})
        };
        let rows = load("story", json!([row("train"), row("valid")])).expect("loads");
        assert_eq!(rows.as_array().expect("rows").len(), 1);
        assert_eq!(rows[0]["evidence"].as_str().expect("text").chars().count(), STORY_LETTERS);
        assert_eq!(rows[0]["answer"], json!(["a", "b"]));
    }

    #[test]
    fn a_conversation_has_its_prefix() {
        let row = json!([{"question": "Prepend k9x to the 2nd poem.", "answers": ["k9xÉ"], "context": "c"}]);
        let rows = load("mrcr", row).expect("loads");
        assert_eq!(rows[0]["gold"], "{\"answer\": \"k9x\\u00c9\", \"prefix\": \"k9x\"}");
        let rows = load("mrcr", json!([{"question": "?", "answers": ["a"]}])).expect("loads");
        assert_eq!(rows[0]["gold"], "{\"answer\": \"a\", \"prefix\": \"\"}");
        assert!(load("mrcr", json!([{"question": "?", "answers": []}])).is_err());
    }
}
