//! `xtuner list-dataset-format`: the formats that training sets may have.

use clap::Args;
use internlm_kit::outln;
use serde_json::json;

use crate::dataset::format::{Format, WRITTEN};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner list-dataset-format
  xtuner list-dataset-format --json

Files are JSON lines, one JSON list or, in a build with the feature `parquet`, Parquet tables. The format is found out
from the keys of the first row, or named by `dataset.format`. Formats marked with * can be written by
`xtuner preprocess`.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ListDatasetFormat {
    /// Print one JSON object per format.
    #[arg(long)]
    json: bool,
}

impl ListDatasetFormat {
    pub(super) fn run(self) -> anyhow::Result<()> {
        for format in Format::all() {
            let (name, rule, shape) = (format.name(), format.rule(), format.shape());
            let is_written = WRITTEN.contains(&format);
            if self.json {
                let row = json!({"name": name, "row": shape, "rule": rule, "written": is_written});
                outln!("{row}")?;
            } else {
                let mark = if is_written { '*' } else { ' ' };
                outln!("{name:<16} {mark} a row {shape}")?;
                outln!("{:<16}   {rule}", "")?;
            }
        }
        Ok(())
    }
}
