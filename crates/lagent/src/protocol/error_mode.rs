//! What happens to replies that do not keep to the format.

use serde::{Deserialize, Serialize};

/// What happens to a reply that does not keep to the format, or to a call that cannot be understood.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorMode {
    /// What can be understood is understood; otherwise the model is told what is wrong and asked again, at most
    /// `limits.corrections` times in a row.
    #[default]
    Fixed,
    /// Read by the letter and answered in upstream's words, faults included. A question whose turns are used up
    /// ends with upstream's sentence as its answer.
    Compat,
}
