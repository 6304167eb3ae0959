//! The results of a summary while groups are added to it.

use indexmap::IndexMap;
use serde_json::{Map, Value};

/// The results of one cell without its details: metrics by name, or `error`.
pub type ResultMap = Map<String, Value>;

/// Results by model and dataset. Groups are added under their own names, so that later groups can contain them.
pub(super) struct Board {
    /// Models in column order.
    pub(super) models: Vec<String>,
    /// Model -> dataset -> result as it was written.
    pub(super) raw: IndexMap<String, IndexMap<String, ResultMap>>,
    /// Model -> dataset -> metrics that tables may show.
    pub(super) parsed: IndexMap<String, IndexMap<String, IndexMap<String, f64>>>,
    /// Dataset -> metrics in the order of the table.
    pub(super) metrics: IndexMap<String, Vec<String>>,
    /// Dataset -> mode, `gen`, `ppl` or `ll`.
    pub(super) modes: IndexMap<String, String>,
}

impl Board {
    /// Returns the mode of a dataset or group; `unknown` without one, as in upstream.
    pub(super) fn mode(&self, name: &str) -> String {
        self.modes.get(name).cloned().unwrap_or_else(|| "unknown".to_owned())
    }
}
