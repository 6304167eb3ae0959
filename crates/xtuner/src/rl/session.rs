//! [`Session`]: what a run of rounds writes, and how it resumes.
//!
//! `checkpoints/round-N/` holds the state after N rounds: `actor/step-M/` and, with a critic, `critic/step-K/` in the form
//! of `internlm-train`, and `counters.json`. The folder appears whole or not at all. Answers are in `rounds/`. A run that
//! was killed at any moment goes back to its newest complete checkpoint and learns from the same answers again: prompts,
//! seeds and learning rates are functions of the round and the step.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use internlm_kit::context::RunContext;
use internlm_kit::file::{self, AtPath};
use internlm_kit::run_folder::OtherRun;
use internlm_train::checkpoint::{self, Loaded};
use internlm_train::metrics::MetricsLog;
use internlm_train::{Finished, FitOptions, Resume, Start, StepOutcome, StepReport, Trainer, flops};
use serde::{Deserialize, Serialize};

use crate::config::FinetuneConfig;
use crate::setup;
use crate::{Error, Result};

/// The trainers of a run.
pub(super) struct Trainers {
    /// The model that answers.
    pub(super) actor: Trainer,
    /// The model that values the beginnings of answers; PPO only.
    pub(super) critic: Option<Trainer>,
}

/// What a checkpoint holds besides models.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counters {
    /// Number of rounds that are done.
    pub(super) rounds: u64,
    /// Seconds over all sessions of the run.
    pub(super) seconds: f64,
    /// Mean reward of the last round.
    pub(super) reward: f64,
    /// Mean reward of the last validation.
    pub(super) valid_reward: Option<f64>,
    /// The best measured weights so far.
    pub(super) best: Option<Best>,
}

/// A round after which the weights were the best so far.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Best {
    /// Number of rounds that were done; 0 for the weights before training.
    pub(super) rounds: u64,
    /// Mean reward on the validation prompts.
    pub(super) reward: f64,
}

/// A run of rounds in its folder.
pub(super) struct Session<'a> {
    config: &'a FinetuneConfig,
    context: &'a RunContext,
    /// Identity of data, settings and rewards.
    run: String,
    pub(super) counters: Counters,
    /// Rounds of the checkpoint that the run resumed from.
    pub(super) resumed_from: Option<u64>,
    log: MetricsLog,
    /// FLOP/s of a plain matrix product, which a utilization of 100 % means.
    pub(super) peak: f64,
    began: Instant,
    /// Holds the lock of the folder.
    _options: FitOptions,
}

/// How a run begins.
pub(super) struct Opening<'a> {
    pub(super) start: &'a Start,
    /// Identity of data, settings and rewards.
    pub(super) run: String,
    /// What is brought to the starting point.
    pub(super) trainers: &'a mut Trainers,
}

/// Names of the folders in a checkpoint.
const ACTOR: &str = "actor";
const CRITIC: &str = "critic";
const COUNTERS: &str = "counters.json";

impl Trainers {
    fn all(&self) -> impl Iterator<Item = (&'static str, &Trainer)> {
        [(ACTOR, &self.actor)].into_iter().chain(self.critic.iter().map(|critic| (CRITIC, critic)))
    }

    /// Steps of the trainer that takes part in every round.
    pub(super) fn steps(&self) -> u64 {
        self.critic.as_ref().unwrap_or(&self.actor).state().step
    }
}

impl<'a> Session<'a> {
    /// Opens the folder of the run and brings its trainers to the starting point.
    ///
    /// # Errors
    /// A run of other settings in the folder, another process that trains into it, and checkpoints that cannot be used.
    pub(super) fn begin(
        config: &'a FinetuneConfig,
        context: &'a RunContext,
        mut opening: Opening<'_>,
    ) -> Result<Self> {
        let out = &config.run.out;
        let options = FitOptions::new(out).with_context(context).with_lock()?;
        let found = opening.resume(out)?;
        let resumed_from = found.as_ref().map(|counters| counters.rounds);
        setup::record(config, context)?;
        let metrics = out.join("metrics.jsonl");
        if found.is_none() && metrics.exists() {
            // A run that starts over measures the weights before training again.
            fs::remove_file(&metrics).at(&metrics, "remove")?;
        }
        let log = MetricsLog::open(metrics, opening.trainers.steps())?;
        let peak = flops::measure_peak(opening.trainers.actor.device());
        let (run, counters) = (opening.run, found.unwrap_or_default());
        Ok(Self {
            config,
            context,
            run,
            counters,
            resumed_from,
            log,
            peak,
            began: Instant::now(),
            _options: options,
        })
    }

    /// Whether somebody asked the run to stop.
    pub(super) fn stopped(&self) -> bool {
        self.context.stop.is_requested()
    }

    /// Writes a row of `metrics.jsonl` about one step and, every `monitor.log-every` steps, one log line. `report` is
    /// that of the trainer that takes part in every round, `measured` what else is known.
    pub(super) fn record(&mut self, report: &StepReport, measured: &[(String, f64)]) -> Result<()> {
        let step = report.step;
        if let StepOutcome::Skipped { tensor } = &report.outcome {
            tracing::warn!("step {step} skipped: `{tensor}` is not finite, loss {}", report.loss);
        }
        let (times, seconds) = (report.times, report.times.total().max(f64::MIN_POSITIVE));
        let mut row = vec![
            ("step", step as f64),
            ("round", self.counters.rounds as f64),
            ("loss", report.loss),
            ("lr", report.lr),
            ("grad_norm", report.grad_norm),
            ("step_tokens", report.tokens as f64),
            ("tokens_per_second", report.tokens as f64 / seconds),
            ("mfu", report.flops / seconds / self.peak),
            ("seconds_forward", times.forward),
            ("seconds_backward", times.backward),
            ("seconds_optimizer", times.optimizer),
        ];
        let all = report.measured.iter().chain(measured);
        row.extend(all.map(|(name, value)| (name.as_str(), *value)));
        if step.is_multiple_of(self.config.monitor.log_every) {
            let numbers: Vec<String> = (report.measured.iter().chain(measured))
                .map(|(name, value)| format!("{name} {value:.4}"))
                .collect();
            tracing::info!("step {step:>6}  loss {:.4}  {}", report.loss, numbers.join("  "));
        }
        Ok(self.log.push(&row)?)
    }

    /// Writes the numbers of a validation after `step` steps.
    pub(super) fn record_validation(&mut self, step: u64, measured: &[(String, f64)]) -> Result<()> {
        let numbers: Vec<String> =
            measured.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        tracing::info!("step {step:>6}  {}", numbers.join("  "));
        let mut row = vec![("step", step as f64)];
        row.extend(measured.iter().map(|(name, value)| (name.as_str(), *value)));
        Ok(self.log.push(&row)?)
    }

    /// Keeps the weights of `actor` when `reward` is higher than every one before.
    pub(super) fn keep_best(&mut self, actor: &Trainer, reward: f64) -> Result<()> {
        let rounds = self.counters.rounds;
        if self.counters.best.is_some_and(|best| best.reward >= reward) {
            return Ok(());
        }
        self.write_trainer(actor, &self.best_folder(rounds))?;
        self.counters.best = Some(Best { rounds, reward });
        Ok(())
    }

    /// The best weights of the run as a checkpoint of `actor`; `None` when nothing was measured.
    pub(super) fn best(&self, actor: &Trainer) -> Result<Option<Loaded>> {
        let Some(best) = self.counters.best else { return Ok(None) };
        let folder = self.best_folder(best.rounds);
        let Some((path, _)) = checkpoint::newest(&folder)? else {
            let place = folder.display().to_string();
            return Err(Error::mismatch(place, "no complete checkpoint", "the best weights of the run"));
        };
        Ok(Some(checkpoint::open(path, actor.parameters(), actor.coverage())?))
    }

    fn best_folder(&self, rounds: u64) -> PathBuf {
        self.config.run.out.join("best").join(format!("round-{rounds}"))
    }

    /// Writes the checkpoint of the present round and removes old ones.
    pub(super) fn save(&mut self, trainers: &Trainers) -> Result<()> {
        self.counters.seconds += self.began.elapsed().as_secs_f64();
        self.began = Instant::now();
        let checkpoints = self.config.run.out.join("checkpoints");
        let target = checkpoints.join(format!("round-{}", self.counters.rounds));
        file::replace_folder(&target, |folder| {
            for (name, trainer) in trainers.all() {
                self.write_trainer(trainer, &folder.join(name))?;
            }
            let text = serde_json::to_value(&self.counters).expect("counters are valid JSON");
            file::write(folder.join(COUNTERS), format!("{text:#}\n"))?;
            Ok::<(), Error>(())
        })?;
        for (_, path) in list(&checkpoints)?.into_iter().skip(self.config.checkpoint.keep_last) {
            discard(&path)?;
        }
        // Older checkpoints that are kept may have another best.
        let checkpoints = list(&checkpoints)?;
        let kept = checkpoints.iter().filter_map(|(_, path)| counters(path).ok()?.best);
        let kept: Vec<u64> = kept.map(|best| best.rounds).collect();
        for (rounds, path) in list(&self.config.run.out.join("best"))? {
            if !kept.contains(&rounds) {
                discard(&path)?;
            }
        }
        Ok(())
    }

    /// Writes one trainer as `FOLDER/step-N`.
    fn write_trainer(&self, trainer: &Trainer, folder: &Path) -> Result<()> {
        let mut snapshot = trainer.snapshot();
        snapshot.state.data.clone_from(&self.run);
        snapshot.state.seconds = self.counters.seconds;
        snapshot.write(folder)?;
        Ok(())
    }
}

impl Opening<'_> {
    /// Restores the newest usable checkpoint and gives its counters; `None` when the run starts from nothing.
    fn resume(&mut self, out: &Path) -> Result<Option<Counters>> {
        let checkpoints = out.join("checkpoints");
        let candidates = match &self.start.resume {
            Resume::None => Vec::new(),
            Resume::From(folder) => vec![folder.clone()],
            Resume::Auto => list(&checkpoints)?.into_iter().map(|(_, path)| path).collect(),
        };
        // Answers say which run they belong to: those of a run that was killed before its first checkpoint are used.
        let mut left = vec!["checkpoints", "best"];
        if self.start.resume == Resume::None {
            left.push("rounds");
        }
        for folder in candidates {
            match open(&folder, self.trainers) {
                Ok(opened) if self.start.resume != Resume::Auto || self.is_same_run(out, &opened)? => {
                    return restore(&checkpoints, opened, self.trainers).map(Some);
                }
                Ok(_) => {
                    left.push("rounds");
                    break;
                }
                Err(error) if self.start.resume != Resume::Auto => return Err(error),
                Err(error) => tracing::warn!("passed over: {error}"),
            }
        }
        for folder in left {
            set_aside(&out.join(folder))?;
        }
        Ok(None)
    }

    /// Whether a checkpoint belongs to this run. One of a finished run of other settings does not, when it may be
    /// replaced.
    fn is_same_run(&self, out: &Path, opened: &Opened) -> Result<bool> {
        let (run, stored) = (&self.run, &opened.actor.state);
        let mut keys = Vec::new();
        if stored.config != self.trainers.actor.state().config {
            keys.push("model, optim or schedule".to_owned());
        }
        if stored.data != *run {
            keys.push(format!("prompts, rewards or objective ({run} here, {} there)", stored.data));
        }
        if keys.is_empty() {
            return Ok(true);
        }
        let finished = setup::summary_file(out).exists();
        if finished && self.start.finished == Finished::Replace {
            tracing::warn!("{}: replaces a finished run that differs in {}", out.display(), keys.join(", "));
            return Ok(false);
        }
        let state = if finished { "finished" } else { "unfinished" };
        let advice = "choose another run.out, or start over with --resume none".to_owned();
        Err(internlm_train::Error::from(OtherRun { folder: out.to_path_buf(), state, keys, advice }).into())
    }
}

/// A checkpoint whose files are complete.
struct Opened {
    folder: PathBuf,
    counters: Counters,
    actor: Loaded,
    critic: Option<Loaded>,
}

fn open(folder: &Path, trainers: &Trainers) -> Result<Opened> {
    let counters = counters(folder)?;
    let mut loaded = Vec::new();
    for (name, trainer) in trainers.all() {
        let folder = folder.join(name);
        let Some((path, _)) = checkpoint::newest(&folder)? else {
            let place = folder.display().to_string();
            return Err(Error::mismatch(place, "no complete checkpoint", "one"));
        };
        loaded.push(checkpoint::open(path, trainer.parameters(), trainer.coverage())?);
    }
    let mut loaded = loaded.into_iter();
    let Some(actor) = loaded.next() else { unreachable!("every run has an actor") };
    Ok(Opened { folder: folder.to_path_buf(), counters, actor, critic: loaded.next() })
}

/// The counters of a checkpoint.
fn counters(folder: &Path) -> Result<Counters> {
    let path = folder.join(COUNTERS);
    serde_json::from_str(&file::read_to_string(&path)?).map_err(|error| {
        Error::mismatch(path.display().to_string(), error.to_string(), "the counters of a round")
    })
}

fn restore(checkpoints: &Path, opened: Opened, trainers: &mut Trainers) -> Result<Counters> {
    let Opened { folder, counters, actor, critic } = opened;
    trainers.actor.restore(actor);
    if let (Some(trainer), Some(loaded)) = (&mut trainers.critic, critic) {
        trainer.restore(loaded);
    }
    // Those after the starting point belong to a branch that this run leaves.
    for (_, path) in list(checkpoints)?.into_iter().filter(|(rounds, _)| *rounds > counters.rounds) {
        discard(&path)?;
    }
    tracing::info!("resumes after round {} from {}", counters.rounds, folder.display());
    Ok(counters)
}

/// Folders `round-N` in `parent` with their numbers, highest first; none when it does not exist.
fn list(parent: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    if !parent.exists() {
        return Ok(found);
    }
    for entry in fs::read_dir(parent).at(parent, "list")? {
        let path = entry.at(parent, "list")?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(rounds) = name.strip_prefix("round-").and_then(|rounds| rounds.parse().ok()) {
            found.push((rounds, path));
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    Ok(found)
}

/// Removes a folder. It is renamed first: a kill in between leaves no half of it under its name.
fn discard(path: &Path) -> Result<()> {
    let doomed = path.with_extension("tmp");
    file::remove_dir_all(&doomed)?;
    fs::rename(path, &doomed).at(path, "rename")?;
    Ok(file::remove_dir_all(&doomed)?)
}

/// Moves a folder of another run out of the way, to `NAME.old`.
fn set_aside(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let old = folder.with_extension("old");
    file::remove_dir_all(&old)?;
    Ok(fs::rename(folder, &old).at(folder, "rename")?)
}
