//! `xtuner train`: a whole fine-tuning run from a config.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::context::RunContext;
use internlm_kit::outln;
use internlm_kit::stop::Stop;
use internlm_train::report::End;

use super::launcher::Launcher;
use crate::report::write_report;
use crate::{FinetuneConfig, Finished, Resume, Start, finetune};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner train recipes/tiny/3-finetune.toml
  xtuner train recipes/tiny/3-finetune.toml --work-dir runs/full --set model.method=full --set optim.lr=1e-3
  xtuner train recipes/tiny/3-finetune.toml --work-dir runs/trial --resume none
  xtuner train internlm2_chat_7b_qlora_oasst1_e3 --set model.path=models/internlm2-chat-7b

On SIGTERM, SIGINT or SIGHUP the current step is finished, a checkpoint is written, and the exit code is 0.
A finished run whose config differs is never replaced without --force or --resume none.
The folder ends with hf/ (the model), adapter/ (with adapters), metrics.jsonl, summary.json, and curves in report.html.
NPROC_PER_NODE, NNODES and NODE_RANK have to describe one process; ADDR and PORT are not needed.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Train {
    /// TOML of the run, or the name of a ready configuration.
    config: PathBuf,
    /// Override one key, for instance `optim.lr=1e-3`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder to write; default: `run.out` of the config.
    #[arg(long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
    /// Start from the newest checkpoint of the same settings (auto), at step 0 (none), or from a checkpoint folder; the
    /// same as auto without a value.
    #[arg(long, default_value = "auto", num_args = 0..=1, default_missing_value = "auto", value_name = "auto|none|DIR")]
    resume: Resume,
    /// Replace a finished run in the same folder whose config differs.
    #[arg(long)]
    force: bool,
    /// Seed of adapters, packing and data order; default: `run.seed` of the config.
    #[arg(long)]
    seed: Option<u64>,
    /// Device to train on; default: `run.device` of the config.
    #[arg(long, value_name = "cpu|cuda:N|vulkan:N")]
    device: Option<String>,
    /// Program that started this process; a launcher of more than one process is refused.
    #[arg(long, value_enum, default_value = "none")]
    launcher: Launcher,
}

impl Train {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let variables = std::env::vars_os();
        let variables =
            variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        self.launcher.check(&variables.collect())?;
        let mut config = FinetuneConfig::load_with(&self.config, &self.set)?;
        let settings = &mut config.run;
        settings.out = self.work_dir.unwrap_or_else(|| settings.out.clone());
        settings.seed = self.seed.unwrap_or(settings.seed);
        settings.device = self.device.unwrap_or_else(|| settings.device.clone());
        let finished = if self.force { Finished::Replace } else { Finished::Protect };
        let start = Start::from(self.resume).with_finished(finished);
        let context = RunContext::terminal(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .with_stop(Stop::on_signals()?);
        let report = finetune(&config, start, &context)?;
        if let Some(page) = write_report(&config.run.out)? {
            tracing::info!("curves: {}", page.display());
        }
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
