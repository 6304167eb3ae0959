//! `opencompass RUN.toml`: plan, ask, score, write, print the table.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use internlm_kit::exit::Failure;

use crate::infer::InferContext;
use crate::output::{self, Reuse};
use crate::{
    CellResult, CellState, Evaluation, Failures, Plan, RunConfig, Stop, Store, Work, check_refusals,
    run_folder, store_path,
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The run file.
    #[arg(required = true)]
    run: Option<PathBuf>,
    /// Override a key of the run file, as model.base-url=http://127.0.0.1:23333.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Datasets instead of the run file's: names, file stems, patterns, paths.
    #[arg(long, num_args = 1.., value_name = "NAME")]
    datasets: Vec<String>,
    /// What to do.
    #[arg(short = 'm', long, value_enum, default_value_t = Mode::All)]
    mode: Mode,
    /// Go on with a run below the work folder: its timestamp, or `latest`.
    #[arg(short = 'r', long, value_name = "TIMESTAMP", num_args = 0..=1, default_missing_value = "latest")]
    reuse: Option<String>,
    /// Folder of runs, instead of the run file's.
    #[arg(short = 'w', long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
    /// Requests under way at a time, per model.
    #[arg(long, value_name = "N")]
    max_num_workers: Option<usize>,
    /// Print the plan and ask nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Mode {
    /// Ask and score.
    All,
    /// Only ask.
    Infer,
    /// Only score what is stored.
    Eval,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = arguments.run.as_deref().unwrap_or(Path::new("run.toml"));
    let mut config = RunConfig::load(path, &arguments.overrides)?;
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

async fn evaluate(arguments: &Arguments, config: &RunConfig) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let stamp = match &arguments.reuse {
        Some(stamp) => reused(&config.run.work_dir, stamp)?,
        None => timestamp(),
    };
    let (folder, label) = run_folder(config, &stamp);
    let evaluation = Evaluation::prepare(config).await?;
    let context = InferContext { seed: config.run.seed, denominator: config.run.ppl_denominator };
    let plan = evaluation.plan(context);
    if arguments.dry_run {
        print_plan(&plan);
        return Ok(ExitCode::SUCCESS);
    }
    check_refusals(&plan, config.run.unsupported)?;
    let reuse = if arguments.reuse.is_some() { Reuse::Same } else { Reuse::Any };
    output::write_config(&folder, config, &evaluation, reuse)?;
    let mut store = Store::open(&store_path(config, &folder))?;
    let stored = store.len();
    if stored > 0 {
        tracing::info!("{stored} answers are stored already");
    }
    let failures = match arguments.mode {
        Mode::Eval => Failures::new(),
        Mode::All | Mode::Infer => {
            let stop = Stop::default();
            stop_on_interrupt(stop.clone());
            evaluation.ask(&plan, &mut store, config.run.workers, &stop).await?
        }
    };
    if arguments.mode == Mode::Infer {
        tracing::info!("{} answers stored, {} requests failed", store.len() - stored, failures.len());
        return Ok(if failures.is_empty() { ExitCode::SUCCESS } else { Failure::Partial.code().into() });
    }
    let results = evaluation.conclude(&plan, &store, &failures);
    let summary = output::write_results(&folder, &label, config, &evaluation, &results)?;
    output::write_flat_summary(&folder, config, &evaluation, &results, started.elapsed().as_secs_f64())?;
    println!("{}", summary.table());
    tracing::info!("results are in {}", folder.display());
    Ok(exit_code(&plan, &results))
}

/// 0 when every item of every cell was answered, else 3 after saying what is missing.
fn exit_code(plan: &Plan, results: &[CellResult]) -> ExitCode {
    let partial = results.iter().zip(&plan.cells).filter(|(result, _)| result.is_partial());
    let mut code = ExitCode::SUCCESS;
    for (result, cell) in partial {
        match &result.state {
            CellState::Refused(reason) => tracing::warn!("{}: {reason}", cell.name),
            CellState::Scored { predictions, scores } => {
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

fn print_plan(plan: &Plan) {
    for cell in &plan.cells {
        match &cell.work {
            Work::Refused(reason) => println!("{}: refused: {reason}", cell.name),
            Work::Ready(items) => {
                let requests: usize = items.iter().map(|item| item.asks.len()).sum();
                println!("{}: {} items, {requests} requests", cell.name, items.len());
            }
        }
    }
}

/// Ctrl-C finishes the requests under way; a second one ends the process.
fn stop_on_interrupt(stop: Stop) {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            tracing::warn!("finishing the requests under way");
            stop.set();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(i32::from(Failure::Failed.code()));
        }
    });
}

/// The run to go on with.
fn reused(work_dir: &Path, stamp: &str) -> crate::Result<String> {
    let missing = |hint: String| crate::Error::UnknownName { kind: "run", name: stamp.to_owned(), hint };
    if stamp != "latest" {
        let folder = work_dir.join(stamp);
        return if folder.is_dir() {
            Ok(stamp.to_owned())
        } else {
            Err(missing(format!("expected the folder {}", folder.display())))
        };
    }
    let entries = std::fs::read_dir(work_dir).into_iter().flatten().flatten();
    let runs = entries.filter(|entry| entry.path().join("configs/run.toml").is_file());
    let latest = runs.map(|entry| entry.file_name().to_string_lossy().into_owned()).max();
    latest.ok_or_else(|| missing(format!("expected a run below {}", work_dir.display())))
}

/// `20240326_120000`, in UTC.
fn timestamp() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days as i64);
    format!("{year:04}{month:02}{day:02}_{:02}{:02}{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Date of a day after 1970-01-01 (Hinnant's `civil_from_days`).
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
