//! Files of comparisons with the domain of each.
//!
//! Rows have the forms that [`parse_preference`] reads; the key `domain` next to them picks the system prompt.

use std::path::{Path, PathBuf};

use internlm_model::chat::Message;
use serde::Deserialize;

use crate::dataset::format::read_rows;
use crate::preference::{Preference, parse_preference};
use crate::{Error, Result};

/// Two answers to a prompt, one better than the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The kind of preference, such as `code` or `harmlessness`; `None` where the row does not say.
    pub domain: Option<String>,
    /// The conversation so far, tools included as a system message.
    pub prompt: Vec<Message>,
    /// The answer that people prefer.
    pub chosen: Vec<Message>,
    /// The answer that is not as good.
    pub rejected: Vec<Message>,
    /// File and line, for messages.
    pub place: (PathBuf, usize),
}

/// The key that says more than which answer is better.
#[derive(Deserialize)]
struct Tagged {
    #[serde(default)]
    domain: Option<String>,
}

impl Comparison {
    /// An error about this comparison.
    pub(super) fn error(&self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        let (path, line) = self.place.clone();
        Error::Line { path, line, found: found.into(), expected: expected.into() }
    }

    /// A comparison of one row, or (found, expected).
    fn parse(row: &str) -> Result<Self, (String, String)> {
        let Preference::Pair { prompt, chosen, rejected } = parse_preference(row)? else {
            let expected = "a pair of answers: `chosen` and `rejected`";
            return Err(("a single answer".to_owned(), expected.to_owned()));
        };
        let tagged: Tagged = serde_json::from_str(row)
            .map_err(|error| (format!("domain: {error}"), "the name of a domain".to_owned()))?;
        let domain = tagged.domain.filter(|domain| !domain.is_empty());
        Ok(Self { domain, prompt, chosen, rejected, place: (PathBuf::new(), 0) })
    }
}

/// Reads every row of a file, or of all files below a folder: JSON lines, one JSON list or, with the feature `parquet`,
/// a Parquet table; blank lines are skipped.
///
/// # Errors
/// A file that cannot be read or has no rows, and [`Error::Line`] for the first row that is not a pair of answers.
pub fn read_comparisons(path: impl AsRef<Path>) -> Result<Vec<Comparison>> {
    read_rows(path.as_ref(), "comparison", |file, row| {
        Ok(Comparison { place: (file.to_path_buf(), row.line), ..Comparison::parse(row.text)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_is_read_from_every_form() {
        let rows = [
            r#"{"domain": "code", "prompt": "2 + 2?", "chosen": "4", "rejected": "5"}"#,
            r#"{"domain": "code", "conversations": [{"from": "human", "value": "2 + 2?"}],
                "chosen": {"from": "gpt", "value": "4"}, "rejected": {"from": "gpt", "value": "5"}}"#,
        ];
        for row in rows {
            let comparison = Comparison::parse(row).expect(row);
            assert_eq!(comparison.domain.as_deref(), Some("code"));
            let texts = [&comparison.prompt, &comparison.chosen, &comparison.rejected]
                .map(|messages| messages[0].text().to_owned());
            assert_eq!(texts, ["2 + 2?", "4", "5"]);
        }
        for empty in ["null", "\"\""] {
            let row = format!(r#"{{"domain": {empty}, "prompt": "a", "chosen": "b", "rejected": "c"}}"#);
            assert_eq!(Comparison::parse(&row).expect("a pair").domain, None);
        }
    }

    #[test]
    fn what_is_not_a_pair_is_refused() {
        let single = r#"{"prompt": "a", "completion": "b", "label": true}"#;
        assert_eq!(Comparison::parse(single).expect_err("one answer").0, "a single answer");
        let number = r#"{"domain": 3, "prompt": "a", "chosen": "b", "rejected": "c"}"#;
        assert!(Comparison::parse(number).expect_err("a number").0.starts_with("domain: invalid type"));
    }
}
