//! `xtuner plan`: what a run will take, before anything is allocated.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::outln;

use crate::FinetuneConfig;
use crate::plan::Plan as Costs;

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner plan recipes/tiny/3-finetune.toml
  xtuner plan recipes/tiny/3-finetune.toml --set run.recompute=layers --json";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Plan {
    /// TOML of the run.
    config: PathBuf,
    /// Override one key, for instance `model.method=qlora`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print one JSON object with exact numbers instead of lines.
    #[arg(long)]
    json: bool,
}

impl Plan {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let costs = Costs::of(&FinetuneConfig::load_with(&self.config, &self.set)?)?;
        if self.json {
            outln!("{}", serde_json::to_string(&costs)?)?;
        } else {
            for (name, value) in costs.lines() {
                outln!("{name:>24}  {value}")?;
            }
        }
        Ok(())
    }
}
