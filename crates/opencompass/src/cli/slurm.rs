//! `--launcher slurm`: the tasks of a run as a job array, whose answers are put together afterwards.
//!
//! ```text
//! RUN/slurm/run.toml             the run file of the tasks
//! RUN/slurm/tasks.json           which rows each task asks
//! RUN/slurm/job.sh               the script of the array
//! RUN/slurm/store_N.jsonl        answers of task N
//! RUN/slurm/failures_N.json      requests that failed in task N
//! RUN/slurm/models/MODEL/...     what the tasks found out about their model
//! RUN/logs/slurm/N.out           output of task N
//! ```

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use clap::{Args, ValueEnum};
use internlm_kit::exit::UsageError;
use internlm_kit::file;
use serde::{Deserialize, Serialize};

use crate::counted::counted;
use crate::partition::{SetSize, TaskPart};
use crate::run_folder::{MetModel, Role, RunFolder};
use crate::{Evaluation, EvaluationConfig, Failures, Part, Store};

#[derive(Args, Debug)]
#[group(id = "slurm")]
pub(super) struct Arguments {
    /// How the tasks of the partitioner are carried out.
    #[arg(long, value_enum, default_value_t = Launcher::Local, help_heading = "Job arrays")]
    launcher: Launcher,
    /// Slurm partition of the job array [default: the cluster's].
    #[arg(short = 'p', long, value_name = "NAME", help_heading = "Job arrays")]
    partition: Option<String>,
    /// Slurm quality of service of the job array [default: the cluster's].
    #[arg(long, value_name = "NAME", help_heading = "Job arrays")]
    qos: Option<String>,
    /// Carry out one task of a job array; only the script of the array uses this.
    #[arg(long, hide = true, value_name = "N")]
    pub(super) task: Option<usize>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Launcher {
    /// In this process.
    Local,
    /// As a Slurm job array, one task each. Waits for its end.
    Slurm,
}

impl Arguments {
    /// Says whether the models are asked by a job array.
    pub(super) fn is_wanted(&self) -> bool {
        self.launcher == Launcher::Slurm
    }
}

/// One task of the array.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Task {
    /// Index of the model.
    pub(super) model: usize,
    /// Rows of datasets.
    pub(super) parts: Vec<TaskPart>,
    /// Whether judges and programs are left out.
    answers_only: bool,
}

impl Task {
    /// Returns what the task asks for.
    pub(super) fn part(&self) -> Part {
        if self.answers_only { Part::Answers } else { Part::AnswersAndEvidence }
    }
}

/// Submits the tasks as a job array, waits for its end, and puts the answers into the store of the run. Returns the
/// requests that failed.
pub(super) fn carry_out(
    arguments: &Arguments,
    config: &EvaluationConfig,
    folder: &RunFolder,
    part: Part,
) -> anyhow::Result<Failures> {
    let mut models = config.models().chain(&config.judges).chain(&config.retrieval);
    if let Some(model) = models.find(|model| model.api_key.is_some()) {
        let name = &model.name;
        let message =
            format!("model {name}: found an api-key, which is never written to the files of a job array");
        return Err(UsageError(message).into());
    }
    let home = std::path::absolute(folder.path())?;
    let count = write_tasks(config, folder, part)?;
    let script = home.join("slurm/job.sh");
    file::create_dir_all(home.join("logs/slurm"))?;
    file::write(&script, job_script(&home)?)?;
    let mut sbatch = Command::new("sbatch");
    sbatch.arg("--wait").arg(format!("--array=0-{}", count - 1));
    for (flag, value) in [("--partition", &arguments.partition), ("--qos", &arguments.qos)] {
        sbatch.args(value.iter().map(|value| format!("{flag}={value}")));
    }
    let tasks = counted(count, "task");
    tracing::info!("Slurm gets {tasks}; the output is in {}/logs/slurm", home.display());
    let missing = |error| UsageError(format!("sbatch: {error}; --launcher slurm needs a Slurm cluster"));
    // Standard output is for the table; what sbatch says there is a message.
    let ended = sbatch.arg(&script).stderr(Stdio::inherit()).output().map_err(missing)?;
    tracing::info!("{}", String::from_utf8_lossy(&ended.stdout).trim_end());
    if !ended.status.success() {
        // What the other tasks answered counts; the rest is reported as not asked.
        tracing::warn!("sbatch ended with {}; see {}/logs/slurm", ended.status, home.display());
    }
    merge(config, folder, count)
}

/// Writes the run file and the list of tasks, and returns the number of tasks.
fn write_tasks(config: &EvaluationConfig, folder: &RunFolder, part: Part) -> anyhow::Result<usize> {
    let sizes: Vec<SetSize> = config.datasets()?.iter().map(SetSize::of).collect();
    let answers_only = part == Part::Answers;
    let of_model = |model: usize| {
        let tasks = config.run.partitioner.tasks(&sizes).into_iter();
        tasks.map(move |parts| Task { model, parts, answers_only })
    };
    let tasks: Vec<Task> = (0..config.models().count()).flat_map(of_model).collect();
    if tasks.is_empty() {
        return Err(UsageError("the run has no rows to ask".to_owned()).into());
    }
    recover(config, folder)?;
    file::remove_dir_all(folder.path().join("slurm"))?;
    file::write(folder.path().join("slurm/tasks.json"), serde_json::to_vec(&tasks)?)?;
    let mut config = config.clone();
    config.run.store = Some(folder.store_path(&config));
    config.run.folder = Some(folder.path().to_path_buf());
    let origin = internlm_kit::provenance::Provenance::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    internlm_kit::run_folder::write_config(folder.path().join("slurm/run.toml"), &config, &origin)?;
    Ok(tasks.len())
}

/// Takes over the answers of an earlier array that nobody waited for.
fn recover(config: &EvaluationConfig, folder: &RunFolder) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder.path().join("slurm")).into_iter().flatten().flatten();
    let is_store = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("store_")
    };
    let mut stores: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_store).collect();
    if stores.is_empty() {
        return Ok(());
    }
    stores.sort();
    let mut store = Store::open(folder.store_path(config))?;
    for part in stores {
        store.merge(part)?;
    }
    Ok(())
}

/// Returns the script of the array.
fn job_script(home: &Path) -> anyhow::Result<String> {
    let program = std::env::current_exe().context("cannot find this program's own path")?;
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', "'\\''"));
    Ok(format!(
        "#!/bin/sh\n#SBATCH --job-name=opencompass\n#SBATCH --output={}/logs/slurm/%a.out\n\
         exec {} run {} --task \"$SLURM_ARRAY_TASK_ID\"\n",
        home.display(),
        quoted(&program),
        quoted(&home.join("slurm/run.toml")),
    ))
}

/// Puts answers, failures and profiles of all tasks together.
fn merge(config: &EvaluationConfig, folder: &RunFolder, count: usize) -> anyhow::Result<Failures> {
    let mut store = Store::open(folder.store_path(config))?;
    let mut failures = Failures::new();
    for task in 0..count {
        let added = store.merge(store_path(folder, task))?;
        tracing::info!("task {task}: {}", counted(added, "answer"));
        if let Ok(text) = file::read_to_string(failures_path(folder, task)) {
            failures.extend(serde_json::from_str::<Failures>(&text)?);
        }
    }
    let mut profiles = Vec::new();
    for model in config.models() {
        let profile = model_folder(folder, &model.name).stored_profile(Role::Evaluated, model)?;
        let profile = profile.with_context(|| {
            let logs = folder.path().join("logs/slurm");
            format!("model {}: no task could connect to it; see {}", model.name, logs.display())
        })?;
        profiles.push((model, profile));
    }
    let met = profiles.iter().map(|(config, profile)| MetModel { role: Role::Evaluated, config, profile });
    folder.write_profiles(&met.collect::<Vec<_>>())?;
    Ok(failures)
}

/// Reads one task of the array.
pub(super) fn task(folder: &RunFolder, number: usize) -> anyhow::Result<Task> {
    let path = folder.path().join("slurm/tasks.json");
    let damaged =
        |error| UsageError(format!("{}: expected the tasks of a job array: {error}", path.display()));
    let tasks: Vec<Task> = serde_json::from_str(&file::read_to_string(&path)?).map_err(damaged)?;
    let count = tasks.len();
    let missing = || UsageError(format!("--task: found {number}, expected a number below {count}"));
    Ok(tasks.into_iter().nth(number).ok_or_else(missing)?)
}

/// Writes what the task found out about its model.
pub(super) fn write_profile(
    config: &EvaluationConfig,
    folder: &RunFolder,
    evaluation: &Evaluation,
    model: usize,
) -> anyhow::Result<()> {
    if let (Some(described), Some(profile)) = (config.models().nth(model), evaluation.profiles().get(model)) {
        let met = MetModel { role: Role::Evaluated, config: described, profile };
        model_folder(folder, &described.name).write_profiles(&[met])?;
    }
    Ok(())
}

/// Writes the requests of a task that failed.
pub(super) fn write_failures(folder: &RunFolder, task: usize, failures: &Failures) -> anyhow::Result<()> {
    Ok(file::write(failures_path(folder, task), serde_json::to_vec(failures)?)?)
}

/// Returns the path of the answers of a task.
pub(super) fn store_path(folder: &RunFolder, task: usize) -> PathBuf {
    folder.path().join(format!("slurm/store_{task}.jsonl"))
}

fn failures_path(folder: &RunFolder, task: usize) -> PathBuf {
    folder.path().join(format!("slurm/failures_{task}.json"))
}

/// The tasks of one model write the same file, so they cannot get into each other's way.
fn model_folder(folder: &RunFolder, model: &str) -> RunFolder {
    RunFolder::new(folder.path().join("slurm/models").join(model))
}
