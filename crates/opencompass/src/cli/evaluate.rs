//! `opencompass RUN.toml`: plans, asks, scores, writes the results and prints the table.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, ValueEnum};
use internlm_kit::context::RunContext;
use internlm_kit::exit::{Failure, UsageError};
use internlm_kit::outln;
use internlm_kit::stop::Stop;

use super::ask::{answered, ask};
use super::models::{Connection, Helpers, Ready, connected, with_helpers};
use super::outcome::{exit_code, foresee, print_plan, table_code, warn};
use super::timestamp::{new_folder, timestamp};
use super::{settings, slurm};
use crate::counted::counted;
use crate::plan::Plan;
use crate::report::write_report;
use crate::run_folder::{Reuse, RunFolder};
use crate::{Error, Evaluation, EvaluationConfig, Failures, Part, Store};

const EXAMPLES: &str = "Examples:
  opencompass run recipes/tiny/5-evaluate.toml
  opencompass run run.toml --datasets gsm8k 'ARC-*' --set model.base-url=http://127.0.0.1:23333
  opencompass run --models model.gguf http://127.0.0.1:23333 --datasets gsm8k --data-dirs data --max-rows 100
  opencompass run run.toml --dry-run
  opencompass run run.toml -w outputs -r latest -m eval
  opencompass run run.toml --launcher slurm -p gpu --set run.partitioner.kind=num_worker";

/// The value of `-r` that means the newest run.
const LATEST: &str = "latest";

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
    #[arg(short = 'r', long, value_name = "TIMESTAMP", num_args = 0..=1, default_missing_value = LATEST)]
    reuse: Option<String>,
    /// Print the plan without asking anything, and refuse what the run would refuse. Needs no server.
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
    let folder = RunFolder::of(config, &stamp(arguments, config)?);
    // The first signal finishes the open requests, the second one ends the process.
    let context = RunContext::terminal(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .with_stop(Stop::on_signals()?);
    let run = Run { arguments, config, folder, context, started: Instant::now() };
    if let Some(task) = arguments.slurm.task {
        return run.array_task(task).await;
    }
    let ended = match (arguments.mode, arguments.dry_run) {
        (_, true) => run.dry_run().await,
        (Mode::Viz, false) => run.show(),
        (mode, false) => run.carry_out(mode).await,
    };
    if let Err(error) = &ended
        && config.run.folder.is_none()
    {
        // The folder of a run that was refused is empty, and only an empty one can be removed like this.
        let _ = std::fs::remove_dir(run.folder.path());
        if let Some(Error::Interrupted { .. }) = error.downcast_ref() {
            tracing::info!("`-r {}` and the same arguments resume this run", run.folder.label());
        }
    }
    ended
}

/// Returns the timestamp of the run: that of an earlier one for `-r`, otherwise the current time. A run with a folder of
/// its own needs neither; a new one gets its folder here, so that it is known to be writable before models are loaded.
fn stamp(arguments: &Arguments, config: &EvaluationConfig) -> anyhow::Result<String> {
    match (&arguments.reuse, &config.run.folder) {
        (Some(stamp), None) => Ok(RunFolder::find(&config.run.work_dir, stamp)?),
        (Some(stamp), Some(folder)) if stamp != LATEST => {
            let found = format!("-r {stamp}: found the folder {} in the run file", folder.display());
            let expected = "expected -r without a timestamp, or -w DIR";
            Err(UsageError(format!("{found}, {expected}")).into())
        }
        (None, None) if reads_only(arguments.mode, config) => {
            let message = "-m: found a mode that needs an earlier run, expected -r [TIMESTAMP] or run.folder";
            Err(UsageError(message.to_owned()).into())
        }
        (None, None) if !arguments.dry_run => Ok(new_folder(&config.run.work_dir)?),
        (_, _) => Ok(timestamp()),
    }
}

/// Says whether a mode needs what an earlier run has written. Answers may also come from a store that runs share.
fn reads_only(mode: Mode, config: &EvaluationConfig) -> bool {
    match mode {
        Mode::All | Mode::Infer => false,
        Mode::Eval => config.run.store.is_none(),
        Mode::Viz => true,
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
        let (evaluation, plan) = self.assumed().await?;
        print_plan(&plan)?;
        foresee(&evaluation);
        plan.check(self.config.run.unsupported)?;
        if self.reuse() == Reuse::Same {
            self.folder.check_results_of(self.config)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Plans the run without connecting anyone.
    async fn assumed(&self) -> anyhow::Result<(Evaluation, Plan)> {
        let part = self.part();
        let ready = connected(self.config, &self.folder, Connection::Assumed, part).await?;
        let mut evaluation = ready.evaluation;
        if part == Part::AnswersAndEvidence {
            evaluation = evaluation.sandboxed()?;
        }
        evaluation.assume_examples();
        let plan = self.plan(&evaluation)?;
        Ok((evaluation, plan))
    }

    /// Plans what the mode asks for. Scoring stored answers needs judges only for what is not judged yet.
    fn plan(&self, evaluation: &Evaluation) -> anyhow::Result<Plan> {
        let plan = evaluation.plan_part(self.config.context(), self.part());
        if self.arguments.mode != Mode::Eval || plan.refusals().is_empty() {
            return Ok(plan);
        }
        let mut plan = evaluation.plan_part(self.config.context(), Part::Answers);
        let path = self.folder.store_path(self.config);
        // A plan writes nothing, and opening a store creates its file.
        if path.is_file() {
            evaluation.refuse_unjudged(&mut plan, &Store::open(&path)?)?;
        }
        Ok(plan)
    }

    /// Returns the part of the run that the mode asks for.
    fn part(&self) -> Part {
        match self.arguments.mode {
            Mode::Infer | Mode::Viz => Part::Answers,
            Mode::All | Mode::Eval => Part::AnswersAndEvidence,
        }
    }

    fn reuse(&self) -> Reuse {
        if self.arguments.reuse.is_some() { Reuse::Same } else { Reuse::Any }
    }

    /// Prints the table of results that were written earlier.
    fn show(&self) -> anyhow::Result<ExitCode> {
        self.folder.check_results_of(self.config)?;
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
            // What is refused only after the array has waited for the cluster in vain.
            self.assumed().await?.1.check(self.config.run.unsupported)?;
            failures = slurm::carry_out(&self.arguments.slurm, self.config, &self.folder, self.part())?;
        }
        let connection = match (array || mode == Mode::Eval, self.arguments.debug) {
            (true, _) => Connection::Stored,
            (false, true) => Connection::Logged,
            (false, false) => Connection::Now,
        };
        let Ready { mut evaluation, switches, mut helpers } =
            connected(self.config, &self.folder, connection, self.part()).await?;
        let path = self.folder.store_path(self.config);
        // The tasks of an array have connected the helpers anew.
        if helpers == Helpers::Offline && (array || lacks_examples(&evaluation, &path)?) {
            evaluation = with_helpers(evaluation, self.config).await?;
            helpers = Helpers::Connected;
        }
        failures.extend(self.retrieve(&mut evaluation, &path).await?);
        let plan = self.plan(&evaluation)?;
        plan.check(self.config.run.unsupported)?;
        foresee(&evaluation);
        self.folder.write_config(self.config, &evaluation, self.reuse(), &self.context)?;
        let mut store = Store::open(&path)?;
        let stored = store.len();
        if stored > 0 {
            tracing::info!("already stored: {}", counted(stored, "answer"));
        }
        if mode == Mode::Eval && helpers == Helpers::Offline {
            evaluation = self.with_missing_helpers(evaluation, &plan, &store).await?;
        }
        for (place, switch) in switches.iter().enumerate() {
            switch.start(&self.folder, (&evaluation, &plan), place);
        }
        failures.extend(self.ask(&evaluation, &plan, &mut store, mode).await?);
        self.folder.write_infer_logs((&evaluation, &plan), &store, &failures)?;
        if mode == Mode::Infer {
            let (answers, failed) = (store.len() - stored, failures.len());
            tracing::info!("stored {}, failed: {}", counted(answers, "answer"), counted(failed, "request"));
            return Ok(if failures.is_empty() { ExitCode::SUCCESS } else { Failure::Partial.code().into() });
        }
        self.conclude(&evaluation, &plan, (&store, &failures))
    }

    /// Connects the judges if the store lacks something that they are asked about the stored answers.
    async fn with_missing_helpers(
        &self,
        evaluation: Evaluation,
        plan: &Plan,
        store: &Store,
    ) -> anyhow::Result<Evaluation> {
        if !evaluation.lacks_judgements(&answered(plan, store), store)? {
            return Ok(evaluation);
        }
        let evaluation = with_helpers(evaluation, self.config).await?;
        self.folder.write_met_models(self.config, &evaluation)?;
        Ok(evaluation)
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
        if self.config.run.details {
            self.folder.write_evidence(evaluation, &results, (store, failures))?;
        }
        self.folder.write_flat_summary(self.config, evaluation, &results, seconds)?;
        write_report(&[&self.folder])?;
        outln!("{}", summary.table())?;
        warn(evaluation, plan, &results);
        summary.problems.iter().for_each(|problem| tracing::warn!("{problem}"));
        let folder = self.folder.path().display();
        tracing::info!("results are in {folder}, the report is {folder}/report/index.html");
        let code = exit_code(plan, &results);
        // A group without its members is a cell without a score.
        Ok(if summary.problems.is_empty() { code } else { Failure::Partial.code().into() })
    }

    /// Carries out one task of a job array.
    async fn array_task(&self, number: usize) -> anyhow::Result<ExitCode> {
        let task = slurm::task(&self.folder, number)?;
        let connection = Connection::Only(task.model);
        let Ready { mut evaluation, .. } =
            connected(self.config, &self.folder, connection, task.part()).await?;
        self.retrieve(&mut evaluation, &slurm::store_path(&self.folder, number)).await?;
        slurm::write_profile(self.config, &self.folder, &evaluation, task.model)?;
        let plan = evaluation.plan_part(self.config.context(), task.part());
        let plan = crate::partition::restricted(&plan, task.model, &task.parts);
        let mut store = Store::open(slurm::store_path(&self.folder, number))?;
        store.remember(self.folder.store_path(self.config))?;
        let how = (self.config.run.workers, &self.context);
        let failures = evaluation.ask_part(&plan, &mut store, task.part(), how).await?;
        slurm::write_failures(&self.folder, number, &failures)?;
        tracing::info!("task {number}: {} failed", counted(failures.len(), "request"));
        Ok(ExitCode::SUCCESS)
    }
}

/// Says whether the model for retrieval has to be asked for examples.
fn lacks_examples(evaluation: &Evaluation, store: &Path) -> anyhow::Result<bool> {
    Ok(evaluation.waits_for_examples() && evaluation.lacks_examples(&Store::open(store)?))
}
