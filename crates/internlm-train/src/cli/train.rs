//! `internlm-train train`: a whole run from a TOML.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use internlm_kit::config;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::pretrain::{PretrainConfig, pretrain};
use crate::report::End;
use crate::{Error, Resume};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  internlm-train train recipes/tiny/2-pretrain.toml
  internlm-train train recipes/tiny/2-pretrain.toml --set schedule.steps=200 --set optim.lr=2e-3
  internlm-train train recipes/tiny/2-pretrain.toml --resume none
  internlm-train train recipes/tiny/2-pretrain.toml --resume runs/tiny/pretrain/checkpoints/step-2400

SIGTERM and SIGINT: the current step is finished, a checkpoint is written, exit code 0.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Train {
    /// The run's TOML.
    config: PathBuf,
    /// Overrides one key, for instance `optim.lr=1e-3`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// `auto`: newest complete checkpoint of the same settings; `none`: from the start; or a checkpoint folder.
    #[arg(long, default_value = "auto")]
    resume: Resume,
    /// Device, instead of the config's `run.device`.
    #[arg(long, value_name = "cpu|cuda:N|vulkan:N")]
    device: Option<String>,
}

impl Train {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut config: PretrainConfig = config::load_with(&self.config, &self.set).map_err(Error::from)?;
        if let Some(device) = self.device {
            config.run.device = device;
        }
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))?;
            signal_hook::flag::register(signal, Arc::clone(&stop))?;
        }
        let report = pretrain(&config, self.resume, stop)?;
        match (report.run.end, &report.summary) {
            (End::Finished, Some(summary)) => {
                for (name, value) in summary.rows() {
                    println!("{name:>24}  {value}");
                }
            }
            _ => tracing::info!("stopped and saved; the same command continues"),
        }
        Ok(())
    }
}
