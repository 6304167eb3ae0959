//! `internlm-train plan`: what a run will cost, before anything is allocated. Its time is an estimate from the peak of
//! the device, which is measured in a fraction of a second.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::outln;
use internlm_model::device;

use crate::flops;
use crate::plan::{Plan as Costs, duration};
use crate::pretrain::PretrainConfig;

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  internlm-train plan recipes/tiny/2-pretrain.toml
  internlm-train plan recipes/tiny/2-pretrain.toml --set model.hidden=512 --json";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Plan {
    /// TOML of the run.
    config: PathBuf,
    /// Override one key, for instance `model.hidden=512`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print one JSON object with exact numbers instead of lines.
    #[arg(long)]
    json: bool,
}

impl Plan {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = PretrainConfig::load_with(&self.config, &self.set)?;
        let costs = Costs::of(&config)?;
        if self.json {
            outln!("{}", serde_json::to_string(&costs)?)?;
        } else {
            for (name, value) in costs.lines() {
                outln!("{name:>28}  {value}")?;
            }
            // Memory is counted without the device, its speed is measured on it.
            let time = match device::parse(&config.run.device) {
                Ok(device) => {
                    let peak = flops::measure_peak(&device);
                    let time = duration(costs.run_seconds(peak));
                    format!("about {time} at half of {:.0} GFLOP/s", peak / 1e9)
                }
                Err(error) => format!("not known: {error}"),
            };
            outln!("{:>28}  {time}", "time of the run")?;
        }
        Ok(())
    }
}
