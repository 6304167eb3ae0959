//! Parts of the rows of a set: Python slices such as `[:100]`, `[10:]` and `[:100][0:16]`, and random subsets.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::random::PythonRandom;
use crate::{Error, Result};

/// One or more Python slices with step 1, each applied to the result of the one before; or the size of a random
/// subset, as a number of rows or as a share below 1.
///
/// The rows of a subset are the first ones after `random.Random(size).shuffle`, as in OpenCompass, so a published
/// subset can be asked again.
///
/// ```
/// use opencompass::dataset::RowRange;
/// let range = RowRange::parse("[10:100][-5:]").expect("two slices");
/// assert_eq!(range.of(1000), 95..100);
/// assert_eq!(range.of(12), 10..12);
/// let subset = RowRange::subset(3.0).expect("a size");
/// assert_eq!(subset.rows(10), [1, 5, 6]);
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct RowRange {
    text: String,
    slices: Vec<(Option<i64>, Option<i64>)>,
    subset: Option<Subset>,
}

/// The size of a random subset.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Subset {
    /// Number of rows.
    Rows(usize),
    /// Share of the rows, as the bits of a number between 0 and 1.
    Share(u64),
}

/// The ways in which files write it.
#[derive(Clone, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "expected a Python slice as \"[:100]\", a number of rows or a share of the rows"
)]
enum Form {
    Rows(usize),
    Share(f64),
    Slices(String),
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
        Ok(Self { text: text.to_owned(), slices, subset: None })
    }

    /// Creates a random subset of `size` rows, or of a share of the rows if `size` is below 1.
    ///
    /// # Errors
    /// [`Error::Value`] for a size that is not positive, or above 1 and not whole.
    pub fn subset(size: f64) -> Result<Self> {
        let subset = match size {
            size if size > 0.0 && size < 1.0 => Subset::Share(size.to_bits()),
            size if size >= 1.0 && size.fract() == 0.0 && size < 2_f64.powi(53) => {
                Subset::Rows(size as usize)
            }
            _ => {
                return Err(Error::Value {
                    place: "row range".to_owned(),
                    found: size.to_string(),
                    expected: "a number of rows, or a share between 0 and 1".to_owned(),
                });
            }
        };
        Ok(Self { text: String::new(), slices: Vec::new(), subset: Some(subset) })
    }

    /// Returns the selected rows of a set of `count` rows, in the order in which they are asked.
    #[must_use]
    pub fn rows(&self, count: usize) -> Vec<usize> {
        let Some(subset) = self.subset else { return self.of(count).collect() };
        let size = match subset {
            Subset::Rows(size) => size,
            Subset::Share(bits) => (f64::from_bits(bits) * count as f64) as usize,
        };
        if matches!(subset, Subset::Rows(_)) && size >= count {
            return (0..count).collect();
        }
        let mut rows: Vec<usize> = (0..count).collect();
        PythonRandom::new(size as u64).shuffle(&mut rows);
        rows.truncate(size);
        rows
    }

    /// Returns the rows that the slices select of a set of `count` rows; all rows for a subset.
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

impl TryFrom<Form> for RowRange {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        match form {
            Form::Rows(rows) => Self::subset(rows as f64),
            Form::Share(share) => Self::subset(share),
            Form::Slices(text) => Self::parse(&text),
        }
    }
}

impl From<RowRange> for Form {
    fn from(range: RowRange) -> Self {
        match range.subset {
            None => Self::Slices(range.text),
            Some(Subset::Rows(rows)) => Self::Rows(rows),
            Some(Subset::Share(bits)) => Self::Share(f64::from_bits(bits)),
        }
    }
}

impl From<RowRange> for String {
    fn from(range: RowRange) -> Self {
        match Form::from(range) {
            Form::Slices(text) => text,
            Form::Rows(rows) => rows.to_string(),
            Form::Share(share) => share.to_string(),
        }
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

    #[test]
    fn subsets_are_those_of_python() {
        let rows = |size: f64, count: usize| RowRange::subset(size).expect("a size").rows(count);
        assert_eq!(rows(5.0, 100), [91, 2, 30, 33, 58]);
        assert_eq!(rows(0.05, 100), [91, 2, 30, 33, 58]);
        assert_eq!(rows(200.0, 3), [0, 1, 2]);
        assert_eq!(rows(0.1, 3), [0_usize; 0]);
        for size in [0.0, -1.0, 1.5, f64::NAN] {
            assert!(RowRange::subset(size).is_err(), "{size}");
        }
        let read = |text: &str| serde_json::from_str::<RowRange>(text).map_err(|error| error.to_string());
        assert_eq!(read("5").expect("rows"), RowRange::subset(5.0).expect("a size"));
        assert_eq!(serde_json::to_string(&read("0.25").expect("a share")).expect("plain data"), "0.25");
        assert_eq!(
            serde_json::to_string(&read("\"[:3]\"").expect("a slice")).expect("plain data"),
            "\"[:3]\""
        );
        assert!(read("-3").is_err() && read("[]").is_err());
    }
}
