//! `opencompass RUN.toml`: plans, asks, scores, writes the results and prints the table.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use internlm_kit::context::RunContext;
use internlm_kit::exit::Failure;
use internlm_kit::outln;
use internlm_kit::stop::Stop;

use crate::plan::{Plan, Work};
use crate::run_folder::{Reuse, RunFolder};
use crate::{CellResult, CellState, Evaluation, EvaluationConfig, Failures, Part, Store};

const EXAMPLES: &str = "Examples:
  opencompass run recipes/tiny/5-evaluate.toml
  opencompass run run.toml --datasets gsm8k 'ARC-*' --set model.base-url=http://127.0.0.1:23333
  opencompass run run.toml --dry-run
  opencompass run run.toml -r latest";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[group(id = "evaluate")]
pub(super) struct Arguments {
    /// The run file in TOML.
    #[arg(required = true)]
    run: Option<PathBuf>,
    /// Override one key of the run file, for instance model.base-url=http://127.0.0.1:23333. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Evaluate these datasets instead of the run file's: names, file stems, patterns or paths.
    #[arg(long, num_args = 1.., value_name = "NAME")]
    datasets: Vec<String>,
    /// Part of the work to do.
    #[arg(short = 'm', long, value_enum, default_value_t = Mode::All)]
    mode: Mode,
    /// Resume a run of the work folder: its timestamp, or `latest`, the default when no value is given.
    #[arg(short = 'r', long, value_name = "TIMESTAMP", num_args = 0..=1, default_missing_value = "latest")]
    reuse: Option<String>,
    /// Write the run into a new folder with a timestamp below DIR, instead of the run file's folder.
    #[arg(short = 'w', long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
    /// Number of open requests per model [default: run.workers of the run file, 8].
    #[arg(long, value_name = "N")]
    max_num_workers: Option<usize>,
    /// Print the plan without asking anything.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Mode {
    /// Ask the models, then score.
    All,
    /// Only ask the models and store the answers.
    Infer,
    /// Only score the stored answers; needs no answers from a model.
    Eval,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = arguments.run.as_deref().unwrap_or(Path::new("run.toml"));
    let mut config = EvaluationConfig::load_with(path, &arguments.overrides)?;
    if !arguments.datasets.is_empty() {
        config.restrict(&arguments.datasets)?;
    }
    if let Some(folder) = &arguments.work_dir {
        config.run.work_dir.clone_from(folder);
        config.run.folder = None;
    }
    if let Some(workers) = arguments.max_num_workers {
        config.run.workers = workers;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(evaluate(arguments, &config))
}

async fn evaluate(arguments: &Arguments, config: &EvaluationConfig) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let stamp = match &arguments.reuse {
        Some(stamp) => RunFolder::find(&config.run.work_dir, stamp)?,
        None => timestamp(),
    };
    let folder = RunFolder::of(config, &stamp);
    let evaluation = Evaluation::prepare(config).await?;
    let plan = evaluation.plan(config.context());
    if arguments.dry_run {
        print_plan(&plan)?;
        return Ok(ExitCode::SUCCESS);
    }
    plan.check(config.run.unsupported)?;
    let reuse = if arguments.reuse.is_some() { Reuse::Same } else { Reuse::Any };
    // The first signal finishes the open requests, the second one ends the process.
    let context = RunContext::terminal(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .with_stop(Stop::on_signals()?);
    folder.write_config(config, &evaluation, reuse, &context)?;
    let mut store = Store::open(folder.store_path(config))?;
    let stored = store.len();
    if stored > 0 {
        tracing::info!("{stored} answers are already stored");
    }
    let failures = match arguments.mode {
        Mode::Eval => Failures::new(),
        Mode::All => evaluation.ask(&plan, &mut store, config.run.workers, &context).await?,
        Mode::Infer => {
            let how = (config.run.workers, &context);
            evaluation.ask_part(&plan, &mut store, Part::Answers, how).await?
        }
    };
    if arguments.mode == Mode::Infer {
        tracing::info!("{} answers stored, {} requests failed", store.len() - stored, failures.len());
        return Ok(if failures.is_empty() { ExitCode::SUCCESS } else { Failure::Partial.code().into() });
    }
    let results = evaluation.conclude(&plan, &store, &failures)?;
    let summary = folder.write_results(config, &evaluation, &results)?;
    folder.write_flat_summary(config, &evaluation, &results, started.elapsed().as_secs_f64())?;
    outln!("{}", summary.table())?;
    warn_of_ties(&plan, &results);
    warn_of_cut_answers(&plan, &results);
    tracing::info!("results are in {}", folder.path().display());
    Ok(exit_code(&plan, &results))
}

/// Names the cells whose scores do not tell the labels apart. The table marks them with `?`.
fn warn_of_ties(plan: &Plan, results: &[CellResult]) {
    for (result, cell) in results.iter().zip(&plan.cells) {
        if let (Some(ties), Some(scores)) = (result.ties(), result.scores()) {
            tracing::warn!(
                "{}: {ties} of {} items are ties: their labels have the same log-probabilities, and order or length \
                 chose among them",
                cell.name,
                scores.details.len()
            );
        }
    }
}

/// Names the cells with answers that the maximum number of tokens ended: they may lack what the score looks for.
fn warn_of_cut_answers(plan: &Plan, results: &[CellResult]) {
    for (result, cell) in results.iter().zip(&plan.cells) {
        if let CellState::Scored { predictions, .. } = &result.state {
            let cut = predictions.iter().filter(|prediction| prediction.cut).count();
            if cut > 0 {
                tracing::warn!(
                    "{}: {cut} of {} answers end at infer.max-out-len, not at their own end",
                    cell.name,
                    predictions.len()
                );
            }
        }
    }
}

/// Returns 0 if every item of every cell was answered; otherwise reports what is missing and returns 3.
fn exit_code(plan: &Plan, results: &[CellResult]) -> ExitCode {
    let partial = results.iter().zip(&plan.cells).filter(|(result, _)| result.is_partial());
    let mut code = ExitCode::SUCCESS;
    for (result, cell) in partial {
        match &result.state {
            CellState::Refused(reason) => tracing::warn!("{}: {reason}", cell.name),
            CellState::Scored { predictions, scores, .. } => {
                let failed = scores.details.len() - scores.answered;
                let first = predictions.iter().find_map(|prediction| prediction.error.as_deref());
                tracing::warn!(
                    "{}: {failed} items failed, the first: {}",
                    cell.name,
                    first.unwrap_or_default()
                );
            }
        }
        code = Failure::Partial.code().into();
    }
    code
}

fn print_plan(plan: &Plan) -> std::io::Result<()> {
    for cell in &plan.cells {
        match &cell.work {
            Work::Refused(reason) => outln!("{}: refused: {reason}", cell.name)?,
            Work::Ready(items) => {
                let requests: usize = items.iter().map(|item| item.asks.len()).sum();
                outln!("{}: {} items, {requests} requests", cell.name, items.len())?;
            }
        }
    }
    Ok(())
}

/// Returns the current time in UTC as `20240326_120000`.
fn timestamp() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days as i64);
    format!("{year:04}{month:02}{day:02}_{:02}{:02}{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Computes the date of a day counted from 1970-01-01 (Hinnant's `civil_from_days`).
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_days() {
        for (days, expected) in [(0, (1970, 1, 1)), (19_808, (2024, 3, 26)), (11_016, (2000, 2, 29))] {
            assert_eq!(date(days), expected);
        }
    }
}
