//! [`Task`]: the tasks of MedBench.

use serde::Deserialize;

/// The tasks by the names of their sets.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Task {
    /// Letters of a multiple-choice question.
    Choices,
    /// All expected words occur.
    Cloze,
    /// ROUGE-L with a text.
    Text,
    /// ROUGE-L with a report, one `kind：content` per line.
    Smdoc,
    /// The same.
    ImcsV2Mrg,
    /// Sections of a record.
    Dbmhg,
    /// Kinds of things with their names.
    Cmeee,
    /// Relations of two things.
    Cmeie,
    /// Clinical events.
    ChipCdee,
    /// Standard names of diseases.
    ChipCdn,
    /// One class of a sentence.
    ChipCtc,
}
