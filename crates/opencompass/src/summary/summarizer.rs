//! [`SummarizerConfig`]: the rows and groups of a table, as a file of its own.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{GroupConfig, Subset};
use crate::Result;

/// The `[summarizer]` table of a run file, or a file for `--summarizer`. Names are upstream's.
///
/// ```
/// use opencompass::summary::SummarizerConfig;
/// let text = "rows = [\"gsm8k\", [\"mmlu\", \"naive_average\"]]\n[[group]]\nname = \"mmlu\"\nsubsets = [\"a\", \"b\"]\n";
/// let summarizer = SummarizerConfig::parse(text, "summarizer.toml")?;
/// assert_eq!(summarizer.group[0].name(), "mmlu");
/// # Ok::<(), opencompass::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SummarizerConfig {
    /// Rows of the table: names, or pairs of name and metric. Default: every dataset and group with all its metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<Subset>>,
    /// Groups of datasets. They follow those of the run file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<GroupConfig>,
}

impl SummarizerConfig {
    /// Parses the text of a summarizer file. `name` is the file's name in messages.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) with the line.
    pub fn parse(text: &str, name: impl AsRef<Path>) -> Result<Self> {
        Ok(internlm_kit::config::parse_unchecked(text, name, &[""; 0])?)
    }

    /// Reads a summarizer file.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config); [`Error::File`](crate::Error::File).
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(&internlm_kit::file::read_to_string(path)?, path)
    }

    /// Says whether the table is the default one.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
