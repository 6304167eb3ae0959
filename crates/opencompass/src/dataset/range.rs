//! Python slices of rows, such as `[:100]`, `[10:]`, `[-5:]` and `[:100][0:16]`.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One or more Python slices with step 1, each applied to the result of the one before.
///
/// ```
/// use opencompass::dataset::RowRange;
/// let range = RowRange::parse("[10:100][-5:]").expect("two slices");
/// assert_eq!(range.of(1000), 95..100);
/// assert_eq!(range.of(12), 10..12);
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RowRange {
    text: String,
    slices: Vec<(Option<i64>, Option<i64>)>,
}

impl RowRange {
    /// Parses slices as a dataset or run file writes them.
    ///
    /// # Errors
    /// [`Error::Value`] for a text that is not a list of slices.
    pub fn parse(text: &str) -> Result<Self> {
        let fail = || Error::Value {
            place: "row range".to_owned(),
            found: format!("`{text}`"),
            expected: "a Python slice as [:100]".to_owned(),
        };
        let mut slices = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (inside, tail) =
                rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or_else(fail)?;
            let (from, to) = inside.split_once(':').ok_or_else(fail)?;
            slices.push((bound(from).ok_or_else(fail)?, bound(to).ok_or_else(fail)?));
            rest = tail;
        }
        Ok(Self { text: text.to_owned(), slices })
    }

    /// Returns the selected rows of a set of `count` rows.
    #[must_use]
    pub fn of(&self, count: usize) -> Range<usize> {
        let mut range = 0..count;
        for (from, to) in &self.slices {
            let length = range.len() as i64;
            let clip = |bound: i64| if bound < 0 { bound + length } else { bound }.clamp(0, length) as usize;
            let from = from.map_or(0, clip);
            let to = to.map_or(range.len(), clip).max(from);
            range = range.start + from..range.start + to;
        }
        range
    }
}

/// Parses a bound. An empty bound is absent; the outer option is `None` if the text is not a number.
fn bound(text: &str) -> Option<Option<i64>> {
    let text = text.trim();
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

impl TryFrom<String> for RowRange {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<RowRange> for String {
    fn from(range: RowRange) -> Self {
        range.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_follow_python() {
        for (text, count, expected) in [
            ("", 7, 0..7),
            ("[:3]", 7, 0..3),
            ("[5:3]", 7, 5..5),
            ("[-2:]", 7, 5..7),
            ("[:-2]", 7, 0..5),
            ("[:100]", 7, 0..7),
            ("[:100][16:32]", 50, 16..32),
        ] {
            assert_eq!(RowRange::parse(text).expect("a slice").of(count), expected, "{text}");
        }
        for text in ["3", "[3]", "[a:]", "[1:2"] {
            assert!(RowRange::parse(text).is_err(), "{text}");
        }
    }
}
