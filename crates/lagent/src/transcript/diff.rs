//! Compares two transcripts run by run.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{Recorded, RecordedRun, read_transcript};
use crate::Result;

/// Number of characters that a difference shows of each side.
const SHOWN: usize = 160;
/// Number of characters that a difference shows of what both sides have in common.
const BEFORE: usize = 40;

/// Where two transcripts differ.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Difference {
    /// Only one of them contains a run with this id.
    Missing {
        /// Id of the run.
        id: String,
        /// Whether the first transcript is the one without it.
        from_first: bool,
    },
    /// Both contain the run, and its lines differ.
    Changed {
        /// Id of the run.
        id: String,
        /// Numbers of the first differing lines in the two files; absent where the run has ended.
        lines: (Option<usize>, Option<usize>),
        /// The texts of the two lines from shortly before their first difference; empty where the run has ended.
        texts: (String, String),
    },
}

/// Compares the runs of two transcripts by their ids, and returns at most one difference for each. Times are not
/// compared: the fields `milliseconds` of events.
///
/// Runs with the same id are compared in their order.
///
/// # Errors
/// The same as [`read_transcript`].
pub fn diff(first: impl AsRef<Path>, second: impl AsRef<Path>) -> Result<Vec<Difference>> {
    let (first, second) = (numbered(read_transcript(first)?), numbered(read_transcript(second)?));
    let mut differences = Vec::new();
    for (key, run) in &first {
        match second.iter().find(|(other, _)| other == key) {
            Some((_, other)) => differences.extend(compare(run, other)?),
            None => differences.push(Difference::Missing { id: key.0.clone(), from_first: false }),
        }
    }
    let only_second = second.iter().filter(|(key, _)| !first.iter().any(|(other, _)| other == key));
    differences
        .extend(only_second.map(|(key, _)| Difference::Missing { id: key.0.clone(), from_first: true }));
    Ok(differences)
}

/// The runs with what tells them apart: their id, and how many runs before had the same one.
fn numbered(runs: Vec<RecordedRun>) -> Vec<((String, usize), RecordedRun)> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let numbered = runs.into_iter().map(|run| {
        let count = seen.entry(run.header.id.clone()).or_default();
        *count += 1;
        ((run.header.id.clone(), *count), run)
    });
    numbered.collect()
}

/// The first difference of two runs.
fn compare(first: &RecordedRun, second: &RecordedRun) -> Result<Option<Difference>> {
    let (left, right) = (timeless(first)?, timeless(second)?);
    let length = left.len().max(right.len());
    let Some(at) = (0..length).find(|at| left.get(*at) != right.get(*at)) else { return Ok(None) };
    let line = |run: &RecordedRun, lines: &[String]| lines.get(at).map(|_| run.line + at);
    let lines = (line(first, &left), line(second, &right));
    let text = |lines: &[String]| lines.get(at).cloned().unwrap_or_default();
    let texts = shortened(&text(&left), &text(&right));
    Ok(Some(Difference::Changed { id: first.header.id.clone(), lines, texts }))
}

/// The lines of a run without times.
fn timeless(run: &RecordedRun) -> Result<Vec<String>> {
    let mut lines = vec![serde_json::to_string(&run.header)?];
    for step in &run.steps {
        lines.push(match step {
            Recorded::Event(event) => {
                let mut event = serde_json::to_value(event)?;
                // They are fields of the outcome alone, so that arguments of this name stay.
                if let Some(Value::Object(outcome)) = event.get_mut("outcome") {
                    outcome.shift_remove("milliseconds");
                }
                event.to_string()
            }
            Recorded::Command(command) => serde_json::to_string(command)?,
        });
    }
    Ok(lines)
}

/// The parts of two texts around their first difference.
fn shortened(left: &str, right: &str) -> (String, String) {
    let same = left.chars().zip(right.chars()).take_while(|(left, right)| left == right).count();
    let skipped = same.saturating_sub(BEFORE);
    let part = |text: &str| text.chars().skip(skipped).take(SHOWN).collect();
    (part(left), part(right))
}
