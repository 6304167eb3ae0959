//! `opencompass RUN.toml`: plans, asks, scores, writes the results and prints the table.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, ValueEnum};
use internlm_kit::context::RunContext;
use internlm_kit::exit::Failure;
use internlm_kit::outln;
use internlm_kit::stop::Stop;

use super::ask::{answered, ask};
use super::models::{Connection, Ready, connected};
use super::outcome::{exit_code, print_plan, table_code, warn};
use super::timestamp::timestamp;
use super::{settings, slurm};
use crate::plan::Plan;
use crate::report::write_report;
use crate::run_folder::{Reuse, RunFolder};
use crate::{Evaluation, EvaluationConfig, Failures, Part, Store};

const EXAMPLES: &str = "Examples:
  opencompass run recipes/tiny/5-evaluate.toml
  opencompass run run.toml --datasets gsm8k 'ARC-*' --set model.base-url=http://127.0.0.1:23333
  opencompass run --models model.gguf http://127.0.0.1:23333 --datasets gsm8k --set run.data-dirs='[\"data\"]'
  opencompass run run.toml --dry-run
  opencompass run run.toml -w outputs -r latest -m eval
  opencompass run run.toml --launcher slurm -p gpu --set run.partitioner.kind=num_worker";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[group(id = "evaluate")]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) settings: settings::Arguments,
    /// Part of the work to do.
    #[arg(short = 'm', long, value_enum, default_value_t = Mode::All)]
    pub(super) mode: Mode,
    /// Resume a run of the work folder: its timestamp, or `latest`, the default when no value is given.
    #[arg(short = 'r', long, value_name = "TIMESTAMP", num_args = 0..=1, default_missing_value = "latest")]
    reuse: Option<String>,
    /// Print the plan without asking anything. Needs no server.
    #[arg(long)]
    dry_run: bool,
    /// Ask one request at a time and log every prompt with its answer.
    #[arg(long)]
    debug: bool,
    #[command(flatten)]
    slurm: slurm::Arguments,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Mode {
    /// Ask the models, score the answers, print the table.
    All,
    /// Only ask the models and store the answers.
    Infer,
    /// Only score the stored answers; the models are not asked.
    Eval,
    /// Only print the table of the scores and write the report again.
    Viz,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut config = settings::config(&arguments.settings)?;
    if arguments.debug {
        config.run.workers = 1;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(evaluate(arguments, &config))
}

async fn evaluate(arguments: &Arguments, config: &EvaluationConfig) -> anyhow::Result<ExitCode> {
    let stamp = match &arguments.reuse {
        Some(stamp) => RunFolder::find(&config.run.work_dir, stamp)?,
        None => timestamp(),
    };
    let folder = RunFolder::of(config, &stamp);
    // The first signal finishes the open requests, the second one ends the process.
    let context = RunContext::terminal(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .with_stop(Stop::on_signals()?);
    let run = Run { arguments, config, folder, context, started: Instant::now() };
    if let Some(task) = arguments.slurm.task {
        return run.array_task(task).await;
    }
    match (arguments.mode, arguments.dry_run) {
        (_, true) => run.dry_run().await,
        (Mode::Viz, false) => run.show(),
        (mode, false) => run.carry_out(mode).await,
    }
}

/// A run with everything that its parts need.
struct Run<'a> {
    arguments: &'a Arguments,
    config: &'a EvaluationConfig,
    folder: RunFolder,
    context: RunContext,
    started: Instant,
}

impl Run<'_> {
    async fn dry_run(&self) -> anyhow::Result<ExitCode> {
        let Ready { evaluation, .. } = connected(self.config, &self.folder, Connection::Assumed).await?;
        print_plan(&evaluation.plan(self.config.context()))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Prints the table of results that were written earlier.
    fn show(&self) -> anyhow::Result<ExitCode> {
        let summary = self.folder.write_summary_of_files(self.config)?;
        write_report(&[&self.folder])?;
        outln!("{}", summary.table())?;
        summary.problems.iter().for_each(|problem| tracing::warn!("{problem}"));
        Ok(table_code(&summary))
    }

    async fn carry_out(&self, mode: Mode) -> anyhow::Result<ExitCode> {
        let array = self.arguments.slurm.is_wanted() && mode != Mode::Eval;
        let mut failures = Failures::new();
        if array {
            let part = if mode == Mode::Infer { Part::Answers } else { Part::AnswersAndEvidence };
            failures = slurm::carry_out(&self.arguments.slurm, self.config, &self.folder, part)?;
        }
        let connection = match (array || mode == Mode::Eval, self.arguments.debug) {
            (true, _) => Connection::Stored,
            (false, true) => Connection::Logged,
            (false, false) => Connection::Now,
        };
        let Ready { mut evaluation, switches } = connected(self.config, &self.folder, connection).await?;
        failures.extend(self.retrieve(&mut evaluation, &self.folder.store_path(self.config)).await?);
        let plan = evaluation.plan(self.config.context());
        plan.check(self.config.run.unsupported)?;
        let reuse = if self.arguments.reuse.is_some() { Reuse::Same } else { Reuse::Any };
        self.folder.write_config(self.config, &evaluation, reuse, &self.context)?;
        let mut store = Store::open(self.folder.store_path(self.config))?;
        let stored = store.len();
        if stored > 0 {
            tracing::info!("{stored} answers are already stored");
        }
        for (place, switch) in switches.iter().enumerate() {
            switch.start(&self.folder, (&evaluation, &plan), place);
        }
        failures.extend(self.ask(&evaluation, &plan, &mut store, mode).await?);
        self.folder.write_infer_logs((&evaluation, &plan), &store, &failures)?;
        if mode == Mode::Infer {
            tracing::info!("{} answers stored, {} requests failed", store.len() - stored, failures.len());
            return Ok(if failures.is_empty() { ExitCode::SUCCESS } else { Failure::Partial.code().into() });
        }
        self.conclude(&evaluation, &plan, (&store, &failures))
    }

    /// Chooses the examples that need vectors or likelihoods.
    async fn retrieve(&self, evaluation: &mut Evaluation, store: &Path) -> anyhow::Result<Failures> {
        if !evaluation.waits_for_examples() {
            return Ok(Failures::new());
        }
        let mut store = Store::open(store)?;
        Ok(evaluation.retrieve(&mut store, (self.config.run.workers, &self.context)).await?)
    }

    /// Asks what the mode needs and the store lacks.
    async fn ask(
        &self,
        evaluation: &Evaluation,
        plan: &Plan,
        store: &mut Store,
        mode: Mode,
    ) -> anyhow::Result<Failures> {
        let array = self.arguments.slurm.is_wanted();
        let how = (self.config, &self.context);
        Ok(match mode {
            _ if array => Failures::new(),
            Mode::Infer => ask(evaluation, plan, (store, Part::Answers), how).await?,
            Mode::All => ask(evaluation, plan, (store, Part::AnswersAndEvidence), how).await?,
            // The models are done; judges and the sandbox may still be asked about their answers.
            Mode::Eval | Mode::Viz => {
                let answered = answered(plan, store);
                ask(evaluation, &answered, (store, Part::AnswersAndEvidence), how).await?
            }
        })
    }

    fn conclude(
        &self,
        evaluation: &Evaluation,
        plan: &Plan,
        (store, failures): (&Store, &Failures),
    ) -> anyhow::Result<ExitCode> {
        let results = evaluation.conclude(plan, store, failures)?;
        let summary = self.folder.write_results(self.config, evaluation, &results)?;
        let seconds = self.started.elapsed().as_secs_f64();
        self.folder.write_flat_summary(self.config, evaluation, &results, seconds)?;
        write_report(&[&self.folder])?;
        outln!("{}", summary.table())?;
        warn(evaluation, plan, &results);
        summary.problems.iter().for_each(|problem| tracing::warn!("{problem}"));
        tracing::info!("results are in {}", self.folder.path().display());
        let code = exit_code(plan, &results);
        // A group without its members is a cell without a score.
        Ok(if summary.problems.is_empty() { code } else { Failure::Partial.code().into() })
    }

    /// Carries out one task of a job array.
    async fn array_task(&self, number: usize) -> anyhow::Result<ExitCode> {
        let task = slurm::task(&self.folder, number)?;
        let connection = Connection::Only(task.model);
        let Ready { mut evaluation, .. } = connected(self.config, &self.folder, connection).await?;
        self.retrieve(&mut evaluation, &slurm::store_path(&self.folder, number)).await?;
        slurm::write_profile(self.config, &self.folder, &evaluation, task.model)?;
        let plan =
            crate::partition::restricted(&evaluation.plan(self.config.context()), task.model, &task.parts);
        let mut store = Store::open(slurm::store_path(&self.folder, number))?;
        store.remember(self.folder.store_path(self.config))?;
        let how = (self.config.run.workers, &self.context);
        let failures = evaluation.ask_part(&plan, &mut store, task.part(), how).await?;
        slurm::write_failures(&self.folder, number, &failures)?;
        tracing::info!("task {number}: {} requests failed", failures.len());
        Ok(ExitCode::SUCCESS)
    }
}
