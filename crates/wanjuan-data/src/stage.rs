//! The seams of the pipeline: [`Stage`] decides about one document, [`Pass`] about a whole corpus.
//!
//! Both only decide. Threads, counting, timing, resume and the writing of rejected documents belong to the
//! executor (`run`), so that a stage is a pure function that a test calls directly.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Document;

/// A decision about one document at a time.
///
/// ```
/// use wanjuan_data::{Document, Reason, Stage, Verdict};
///
/// struct NoShouting;
///
/// impl Stage for NoShouting {
///     fn name(&self) -> &'static str { "no-shouting" }
///     fn apply(&self, document: Document) -> Verdict {
///         let marks = document.content.matches('!').count();
///         if marks > 3 {
///             Verdict::drop(document, Reason::above("exclamation-marks", marks as f64, 3.0))
///         } else {
///             Verdict::Keep(document)
///         }
///     }
/// }
///
/// let document = Document::new("dump", "record", "Buy now!!!!");
/// assert!(matches!(NoShouting.apply(document), Verdict::Drop(_, reason) if reason.value == Some(4.0)));
/// ```
pub trait Stage: Send + Sync {
    /// Name in configs, reports and the `rejected/` folder.
    fn name(&self) -> &'static str;

    /// Keeps the document, perhaps changed, or drops it with a reason.
    fn apply(&self, document: Document) -> Verdict;
}

/// A decision that needs the whole corpus, in three steps so that documents need not stay in memory:
/// every document leaves a sketch, the sketches decide together, the decision is applied to each document.
pub trait Pass: Send + Sync {
    /// What each document contributes to the common decision; kept in memory for the whole corpus.
    type Sketch: Send;
    /// The decision about one document.
    type Decision: Send + Sync;

    /// Name in configs, reports and the `rejected/` folder.
    fn name(&self) -> &'static str;

    /// Extracts the sketch of one document. Called by several threads.
    fn sketch(&self, document: &Document) -> Self::Sketch;

    /// One decision per sketch, in the same order. Must not depend on the order of the corpus.
    fn decide(&self, sketches: Vec<Self::Sketch>) -> Vec<Self::Decision>;

    /// Carries out the decision. Called by several threads.
    fn apply(&self, document: Document, decision: &Self::Decision) -> Verdict;
}

/// What happens to a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It goes to the next stage, perhaps changed.
    Keep(Document),
    /// It is counted under the reason and written to `rejected/`, unless that is switched off.
    Drop(Document, Box<Reason>),
}

impl Verdict {
    /// Drops the document for `reason`.
    #[must_use]
    pub fn drop(document: Document, reason: Reason) -> Self {
        Self::Drop(document, Box::new(reason))
    }

    /// Drops the document when there is a reason, else keeps it.
    #[must_use]
    pub fn from_reason(document: Document, reason: Option<Reason>) -> Self {
        match reason {
            None => Self::Keep(document),
            Some(reason) => Self::drop(document, reason),
        }
    }
}

/// Why a document was dropped: the rule, and the numbers it compared.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Reason {
    /// The rule, for instance `too-few-words`.
    #[serde(rename = "reason")]
    pub rule: Cow<'static, str>,
    /// The number the rule looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The number it was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// On which side of `threshold` documents are kept. Known while a run decides, not written to `rejected/`.
    #[serde(skip)]
    pub bound: Option<Bound>,
    /// What was seen, where a number does not say enough: a language, a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// For duplicates: what it duplicates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<Duplicate>,
}

/// The side of a threshold on which documents are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bound {
    /// Values above the threshold are dropped.
    Maximum,
    /// Values below the threshold are dropped.
    Minimum,
}

/// The cluster to which a duplicate belongs.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Duplicate {
    /// Id of the document that is kept.
    pub keeper: String,
    /// Smallest id of the cluster: its name.
    pub component: String,
    /// Id of the document that linked this one to the cluster.
    pub neighbor: String,
    /// Exact Jaccard similarity with the neighbor, 1 for exact duplicates.
    pub jaccard: f64,
}

impl Reason {
    /// A reason without numbers.
    #[must_use]
    pub fn new(rule: impl Into<Cow<'static, str>>) -> Self {
        Self { rule: rule.into(), ..Self::default() }
    }

    /// `value` is above the maximum `threshold`.
    #[must_use]
    pub fn above(rule: impl Into<Cow<'static, str>>, value: f64, threshold: f64) -> Self {
        Self::outside(rule, Bound::Maximum, value, threshold)
    }

    /// `value` is below the minimum `threshold`.
    #[must_use]
    pub fn below(rule: impl Into<Cow<'static, str>>, value: f64, threshold: f64) -> Self {
        Self::outside(rule, Bound::Minimum, value, threshold)
    }

    fn outside(rule: impl Into<Cow<'static, str>>, bound: Bound, value: f64, threshold: f64) -> Self {
        let (value, threshold) = (Some(value), Some(threshold));
        Self { value, threshold, bound: Some(bound), ..Self::new(rule) }
    }

    /// Adds what was seen, as text.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}

/// `too-few-words: found 11, expected at least 50`.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule)?;
        if let Some(value) = self.value {
            write!(f, ": found {value}")?;
        }
        match (self.bound, self.threshold) {
            (Some(Bound::Maximum), Some(threshold)) => write!(f, ", expected at most {threshold}")?,
            (Some(Bound::Minimum), Some(threshold)) => write!(f, ", expected at least {threshold}")?,
            (None, Some(threshold)) => write!(f, ", threshold {threshold}")?,
            (_, None) => {}
        }
        self.detail.iter().try_for_each(|detail| write!(f, " ({detail})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_say_on_which_side_of_the_limit_the_value_is() {
        for (reason, text) in [
            (Reason::below("too-few-words", 11.0, 50.0), "too-few-words: found 11, expected at least 50"),
            (Reason::above("short-lines", 0.7, 0.67), "short-lines: found 0.7, expected at most 0.67"),
            (Reason::new("language").with_detail("de"), "language (de)"),
        ] {
            assert_eq!(reason.to_string(), text);
        }
    }

    /// `rejected/` has the same keys as ever; what is read back no longer knows the side.
    #[test]
    fn the_side_is_not_written() {
        let line = serde_json::to_string(&Reason::below("stop-words", 1.0, 2.0)).expect("writes");
        assert_eq!(line, r#"{"reason":"stop-words","value":1.0,"threshold":2.0}"#);
        let read: Reason = serde_json::from_str(&line).expect("reads");
        assert_eq!(read.to_string(), "stop-words: found 1, threshold 2");
    }
}
