//! [`PartReport`]: what happened in one part, in numbers that add up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::read::Damage;

/// A number of documents and their bytes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Count {
    /// How many documents were counted.
    pub documents: u64,
    /// Bytes of captures before `extract`, of text after it.
    pub bytes: u64,
}

impl Count {
    /// Adds one document of `bytes` bytes.
    pub fn add(&mut self, bytes: u64) {
        self.documents += 1;
        self.bytes += bytes;
    }

    fn merge(&mut self, other: Self) {
        self.documents += other.documents;
        self.bytes += other.bytes;
    }
}

/// What one stage did, over one part or a whole run.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct StageReport {
    /// Label of the stage: its name, numbered from its second use on.
    pub stage: String,
    /// Documents that the stage got.
    pub input: Count,
    /// Documents that the stage kept. Their bytes differ from `input` - `dropped` by what the stage changed inside
    /// of documents.
    pub kept: Count,
    /// Dropped documents by reason.
    pub dropped: BTreeMap<String, Count>,
}

impl StageReport {
    /// A report of zero documents.
    #[must_use]
    pub fn new(stage: &str) -> Self {
        Self { stage: stage.to_owned(), ..Self::default() }
    }

    /// Counts a dropped document.
    pub fn drop(&mut self, rule: &str, bytes: u64) {
        self.dropped.entry(rule.to_owned()).or_default().add(bytes);
    }

    /// Documents dropped for any reason.
    #[must_use]
    pub fn dropped_documents(&self) -> u64 {
        self.dropped.values().map(|count| count.documents).sum()
    }

    /// Adds the numbers of another part.
    pub fn merge(&mut self, other: &Self) {
        self.input.merge(other.input);
        self.kept.merge(other.kept);
        for (rule, count) in &other.dropped {
            self.dropped.entry(rule.clone()).or_default().merge(*count);
        }
    }
}

/// A byte range of an archive that gave no record, or only the beginning of one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DamagedRange {
    /// The archive, as documents name it.
    pub file: String,
    /// The bytes, and what is wrong with them.
    #[serde(flatten)]
    pub damage: Damage,
}

/// Which bytes of an archive a part really read.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct ReadRange {
    /// First byte of its first member or record; `None` when none starts in the range.
    pub(crate) start: Option<u64>,
    /// Byte at which the next part has to begin.
    pub(crate) end: u64,
}

/// What one part did.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct PartReport {
    /// The stages in order; the first is `read` when the part came from an archive.
    pub(crate) stages: Vec<StageReport>,
    /// Damage of the archive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) damaged: Vec<DamagedRange>,
    /// The bytes that were read, when the part was a byte range of an archive.
    #[serde(default, rename = "part", skip_serializing_if = "Option::is_none")]
    pub(crate) range: Option<ReadRange>,
}
