//! `wanjuan-data run`: a whole pipeline.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use internlm_kit::context::RunContext;
use internlm_kit::stop::Stop;

use super::corpus;
use crate::PipelineConfig;
use crate::executor::{Force, RunOptions, Share, run_share};

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wanjuan-data run recipes/tiny/1-data.toml
  wanjuan-data run recipes/tiny/1-data.toml --threads 1 --set output=runs/one
  wanjuan-data run crawl.toml --rank 0 --world 4
  wanjuan-data run recipes/tiny/1-data.toml --set import.source=folder --set import.dir=pages")]
pub(super) struct RunArguments {
    /// Pipeline to run, a TOML file.
    config: PathBuf,
    /// Override one key of the config, such as import.dump=mine; repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Number of worker threads; 0 for one per core. The output does not depend on it.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Do finished work again instead of resuming.
    #[arg(long)]
    force: bool,
    /// Do only the parts of this worker, counted from 0. After all workers, a run without --rank does the rest.
    #[arg(long, requires = "world", conflicts_with = "force")]
    rank: Option<usize>,
    /// Number of workers that share the archives.
    #[arg(long, requires = "rank")]
    world: Option<usize>,
}

pub(super) fn run(arguments: &RunArguments) -> anyhow::Result<()> {
    let started = Instant::now();
    let config: PipelineConfig = internlm_kit::config::load_with(&arguments.config, &arguments.overrides)?;
    let corpus = corpus::resolve(&config.import)?;
    let context = RunContext::terminal(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .with_stop(Stop::on_signals()?);
    let options = RunOptions::default().with_threads(arguments.threads);
    if let (Some(rank), Some(world)) = (arguments.rank, arguments.world) {
        let parts = run_share(&config, &corpus, options, Share::new(rank, world)?, &context)?;
        tracing::info!("{}: {parts} parts of worker {rank} of {world} done", config.output.display());
        return Ok(());
    }
    let force = if arguments.force { Force::Redo } else { Force::Resume };
    let outcome = crate::executor::run(&config, &corpus, options.with_force(force), &context)?;
    internlm_kit::out!("{}", outcome.funnel.to_text())?;
    let seconds = started.elapsed().as_secs_f64();
    let output = config.output.display();
    if outcome.skipped {
        tracing::info!("{output}: already complete, checked in {seconds:.2} s");
    } else {
        tracing::info!("{output}: complete in {seconds:.1} s");
    }
    Ok(())
}
