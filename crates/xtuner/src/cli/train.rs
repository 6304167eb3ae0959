//! `xtuner train`: a whole fine-tuning run from a TOML.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use internlm_kit::config;
use internlm_train::Resume;
use internlm_train::report::End;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::{Error, FinetuneConfig, finetune};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner train recipes/tiny/3-finetune.toml
  xtuner train recipes/tiny/3-finetune.toml --set model.method=full --set optim.lr=1e-3
  xtuner train recipes/tiny/3-finetune.toml --work-dir runs/trial --resume none

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
    /// Folder to write, instead of the config's `run.out`.
    #[arg(long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
    /// `auto`: newest complete checkpoint of the same settings; `none`: from the start; or a checkpoint folder.
    #[arg(long, default_value = "auto", num_args = 0..=1, default_missing_value = "auto")]
    resume: Resume,
    /// Seed, instead of the config's `run.seed`.
    #[arg(long)]
    seed: Option<u64>,
    /// Device, instead of the config's `run.device`.
    #[arg(long, value_name = "cpu|cuda:N|vulkan:N")]
    device: Option<String>,
}

impl Train {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut config: FinetuneConfig = config::load_with(&self.config, &self.set).map_err(Error::from)?;
        let settings = &mut config.run;
        settings.out = self.work_dir.unwrap_or_else(|| settings.out.clone());
        settings.seed = self.seed.unwrap_or(settings.seed);
        settings.device = self.device.unwrap_or_else(|| settings.device.clone());
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))?;
            signal_hook::flag::register(signal, Arc::clone(&stop))?;
        }
        let report = finetune(&config, self.resume, stop)?;
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
