//! Units: the steps of a run that are journaled, each with a key over all it depends on.
//!
//! Parts of a segment, imported archives, a pass, the tokenizer and the shards are units. A unit whose key is
//! unchanged and whose files are intact is taken over instead of being done again.

use internlm_kit::hash;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::artifact::Artifact;
use crate::run_folder::RunFolder;
use crate::{Error, Result};

/// One unit before it runs.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// Folder of the segment, or `tokenizer`, `shards`.
    pub(super) segment: String,
    /// Number inside the segment, from 0.
    pub(super) index: usize,
    /// Hash of everything the result depends on.
    pub(super) key: String,
}

impl Unit {
    /// A unit that depends on `inputs` and on the version of this crate, nothing else.
    pub(super) fn new(segment: &str, index: usize, inputs: &impl Serialize) -> Self {
        Self { segment: segment.to_owned(), index, key: key(inputs) }
    }
}

/// sha256 of a value as JSON; callers put [`VERSION`] first.
pub(super) fn key(inputs: &impl Serialize) -> String {
    hash::sha256(serde_json::to_vec(inputs).expect("settings are plain data"))
}

/// The version of this crate, part of every key: another version may write other bytes.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A finished unit: one line of the journal.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct UnitRecord {
    /// Folder of the segment it belongs to.
    pub(super) segment: String,
    /// Number inside the segment.
    pub(super) unit: usize,
    /// Hash of everything it depends on.
    pub(super) key: String,
    /// Its files, the main output first.
    pub(super) outputs: Vec<Artifact>,
    /// Its numbers: a `PartReport`, or whatever the kind of unit counts.
    pub(super) report: Value,
    /// Wall-clock seconds, for people; not part of any key.
    pub(super) seconds: f64,
}

impl UnitRecord {
    /// The numbers as what this kind of unit counts; errors name the journal of `folder`, which has this record.
    pub(super) fn report<R: DeserializeOwned>(&self, folder: &RunFolder) -> Result<R> {
        serde_json::from_value(self.report.clone()).map_err(|error| Error::Format {
            path: folder.journal(),
            offset: 0,
            found: error.to_string(),
            expected: format!("the report of {} unit {}", self.segment, self.unit),
        })
    }
}
