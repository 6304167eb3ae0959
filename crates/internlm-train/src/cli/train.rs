//! `internlm-train train`: a whole run from a TOML.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::context::RunContext;
use internlm_kit::outln;
use internlm_kit::stop::Stop;

use crate::pretrain::{PretrainConfig, pretrain};
use crate::report::End;
use crate::{Finished, Resume, Start};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  internlm-train train recipes/tiny/2-pretrain.toml
  internlm-train train recipes/tiny/2-pretrain.toml --set schedule.steps=200 --set run.out=runs/trial
  internlm-train train recipes/tiny/2-pretrain.toml --resume none
  internlm-train train recipes/tiny/2-pretrain.toml --resume runs/tiny/pretrain/checkpoints/step-2400 \\
      --set optim.lr=5e-4 --force

On SIGTERM, SIGINT or SIGHUP the current step is finished, a checkpoint is written, and the exit code is 0.
A finished run whose config differs is never replaced without --force or --resume none.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Train {
    /// TOML of the run.
    config: PathBuf,
    /// Override one key, for instance `optim.lr=1e-3`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Start from the newest checkpoint of the same settings (auto), at step 0 (none), or from a checkpoint folder.
    #[arg(long, default_value = "auto", value_name = "auto|none|DIR")]
    resume: Resume,
    /// Replace a finished run in the same folder whose config differs.
    #[arg(long)]
    force: bool,
    /// Device to train on; default: `run.device` of the config.
    #[arg(long, value_name = "cpu|cuda:N|vulkan:N")]
    device: Option<String>,
}

impl Train {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut config = PretrainConfig::load_with(&self.config, &self.set)?;
        if let Some(device) = self.device {
            config.run.device = device;
        }
        let finished = if self.force { Finished::Replace } else { Finished::Protect };
        let start = Start::from(self.resume).with_finished(finished);
        let context = RunContext::terminal(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .with_stop(Stop::on_signals()?);
        let report = pretrain(&config, start, &context)?;
        match (report.run.end, &report.summary) {
            (End::Finished, Some(summary)) => {
                for (name, value) in summary.rows() {
                    outln!("{name:>24}  {value}")?;
                }
            }
            _ => tracing::info!("stopped and saved; the same command resumes"),
        }
        Ok(())
    }
}
