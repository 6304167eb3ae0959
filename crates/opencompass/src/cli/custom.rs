//! The flags of a file of questions without a dataset file.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::{CustomSetConfig, EvaluationConfig};

#[derive(Args, Clone, Debug)]
#[group(id = "custom")]
pub(super) struct Arguments {
    /// Evaluate a .jsonl or .csv file with the columns question and answer, and A, B and so on for multiple choice.
    #[arg(long, value_name = "FILE", help_heading = "Files of questions")]
    custom_dataset_path: Option<PathBuf>,
    /// Kind of the file [default: what its columns say].
    #[arg(long, value_parser = ["mcq", "qa"], value_name = "KIND", requires = "custom_dataset_path", help_heading = "Files of questions")]
    custom_dataset_data_type: Option<String>,
    /// How the file is asked: the model answers, or the option with the lowest perplexity wins [default: gen].
    #[arg(long, value_parser = ["gen", "ppl"], value_name = "METHOD", requires = "custom_dataset_path", help_heading = "Files of questions")]
    custom_dataset_infer_method: Option<String>,
}

impl Arguments {
    /// Adds the file to the run. Returns whether there is one.
    pub(super) fn add_to(&self, config: &mut EvaluationConfig) -> anyhow::Result<bool> {
        let Some(path) = &self.custom_dataset_path else { return Ok(false) };
        let custom: CustomSetConfig = serde_json::from_value(json!({
            "path": path,
            "data-type": self.custom_dataset_data_type,
            "infer-method": self.custom_dataset_infer_method,
        }))?;
        config.custom.push(custom);
        Ok(true)
    }
}
