//! The loop of a run: rows, steps, metrics, validation and checkpoints, until the last step or a request to stop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use internlm_kit::context::RunContext;
use internlm_kit::journal::{Durability, Journal};
use internlm_kit::reporter::Progress;
use internlm_kit::stop::Stop;
use internlm_model::decoder::Decoder;
use serde::de::IgnoredAny;

use crate::batch::with_prefetch;
use crate::checkpoint::Saver;
use crate::metrics::MetricsLog;
use crate::report::{End, RunReport, StepOutcome, StepReport};
use crate::{Objective, Result, Row, RowSource, Start, Trainer, TrainerConfig, flops, resume};

/// The empty file in a run's folder that is locked by the process that trains into it. `metrics.jsonl` cannot take its
/// place, because it is replaced when a run resumes.
const LOCK: &str = ".lock";

/// Where a run writes, how it starts, and what it gets from whoever started it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FitOptions {
    /// Folder that `checkpoints/` and `metrics.jsonl` are written into.
    pub out: PathBuf,
    /// How the run starts, by default from its newest checkpoint.
    pub start: Start,
    /// A stop request ends the run after the current step, with a checkpoint; progress goes to the reporter.
    pub context: RunContext,
    /// The lock of the folder, when the caller holds it for longer than the loop.
    lock: Option<Arc<Journal>>,
}

impl FitOptions {
    /// A run into the folder `out` that resumes by itself.
    #[must_use]
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Self { out: out.into(), ..Self::default() }
    }

    /// The same run, started as `start` says.
    #[must_use]
    pub fn with_start(self, start: impl Into<Start>) -> Self {
        Self { start: start.into(), ..self }
    }

    /// The same run with this stop signal and reporter.
    #[must_use]
    pub fn with_context(self, context: &RunContext) -> Self {
        Self { context: context.clone(), ..self }
    }

    /// The same run, whose folder is locked from now on until the last copy of these options is dropped: for callers
    /// that write more into it after the loop. Otherwise [`Trainer::fit`] locks it for its own time.
    ///
    /// # Errors
    /// Another process that trains into the folder, and a folder that cannot be created.
    pub fn with_lock(self) -> Result<Self> {
        let lock = Some(self.locked()?);
        Ok(Self { lock, ..self })
    }

    /// The lock that is held already, or a new one. The system frees it when the process ends, however it ends.
    fn locked(&self) -> Result<Arc<Journal>> {
        if let Some(lock) = &self.lock {
            return Ok(Arc::clone(lock));
        }
        let opened = Journal::open::<IgnoredAny>(self.out.join(LOCK), Durability::Process)?;
        Ok(Arc::new(opened.journal))
    }
}

/// What the owner of a run adds to the loop; `()` adds nothing.
pub trait Hooks {
    /// Called once, when the run has been allowed to start and before it writes anything: a run that is refused leaves
    /// its folder as it was.
    ///
    /// # Errors
    /// Any error here ends the run.
    fn started(&mut self) -> Result<()> {
        Ok(())
    }

    /// The loss of the run, when it is not cross entropy.
    fn objective(&mut self) -> Option<&mut dyn Objective> {
        None
    }

    /// Measures the model after `step` steps; the numbers are written to `metrics.jsonl` under their names.
    ///
    /// # Errors
    /// Any error here ends the run.
    fn validate(&mut self, step: u64, decoder: &Decoder) -> Result<Vec<(String, f64)>>;
}

impl Hooks for () {
    fn validate(&mut self, _step: u64, _decoder: &Decoder) -> Result<Vec<(String, f64)>> {
        Ok(Vec::new())
    }
}

/// The parts of a running loop that are not the trainer's.
struct Loop<'a> {
    hooks: &'a mut dyn Hooks,
    stop: &'a Stop,
    progress: Box<dyn Progress>,
    /// FLOP/s of a plain matrix product, which a utilization of 100 % means.
    peak: f64,
    /// The numbers of the newest validation.
    validation: Vec<(String, f64)>,
    /// `None` on every rank but 0: only one of them writes.
    files: Option<Files>,
}

/// What a run writes while it trains.
struct Files {
    log: MetricsLog,
    saver: Saver,
}

impl Trainer {
    /// Trains to the last step of the schedule, or until a stop is requested.
    ///
    /// A run that was killed at any moment resumes from its newest complete checkpoint and ends with the same bits as
    /// an uninterrupted one. With several ranks every rank calls this with equal arguments and equal sources; rank 0
    /// alone validates and writes.
    ///
    /// # Errors
    /// Data, checkpoint and I/O errors, another process that trains into the folder, and [`crate::Error::NotFinite`].
    pub fn fit(
        &mut self,
        source: &mut dyn RowSource,
        hooks: &mut dyn Hooks,
        options: &FitOptions,
    ) -> Result<RunReport> {
        self.state_mut().data = source.fingerprint();
        let writes = self.collective().rank() == 0;
        // Before any checkpoint is looked at or moved: it may be that of a run in progress.
        let _lock = writes.then(|| options.locked()).transpose()?;
        let resumed_from = self.start_in_turn(&options.out, &options.start)?;
        let (first, last) = (self.state().step, self.config().schedule.steps);
        if writes {
            hooks.started()?;
        }
        let files = writes.then(|| Files::open(&options.out, first, self.config())).transpose()?;
        let progress = options.context.reporter.start("train", "steps", last);
        progress.advance(first);
        let mut running = Loop {
            hooks,
            stop: &options.context.stop,
            progress,
            peak: flops::measure_peak(self.device()),
            validation: Vec::new(),
            files,
        };
        let end = if first < last {
            with_prefetch(source, first..last, |next| running.run(self, next))?
        } else {
            running.validation = running.hooks.validate(last, &self.validation_decoder())?;
            End::Finished
        };
        if let Some(files) = &mut running.files {
            files.saver.wait()?;
        }
        Ok(RunReport { end, resumed_from, validation: running.validation, peak: running.peak })
    }

    /// Brings every rank to the starting point. Rank 0 goes first, because it moves the folders of other runs out of
    /// the way, and no rank trains before the last one has read its checkpoint.
    fn start_in_turn(&mut self, out: &Path, start: &Start) -> Result<Option<u64>> {
        let mut resumed_from = None;
        for turn in 0..self.collective().size().min(2) {
            let first = self.collective().rank() == 0;
            if first == (turn == 0) {
                resumed_from = resume::start(self, out, start)?;
            }
            self.collective().all_reduce_f64(0.0)?;
        }
        Ok(resumed_from)
    }
}

impl Files {
    fn open(out: &Path, first: u64, config: &TrainerConfig) -> Result<Self> {
        Ok(Self {
            log: MetricsLog::open(out.join("metrics.jsonl"), first)?,
            saver: Saver::open(out.join("checkpoints"), config.checkpoint.keep_last)?,
        })
    }
}

impl Loop<'_> {
    fn run(&mut self, trainer: &mut Trainer, next: &mut dyn FnMut() -> Result<Vec<Row>>) -> Result<End> {
        let last = trainer.config().schedule.steps;
        loop {
            let start = Instant::now();
            let rows = next()?;
            let waited = start.elapsed().as_secs_f64();
            let mut report = match self.hooks.objective() {
                Some(objective) => trainer.step_with(&rows, objective)?,
                None => trainer.step(&rows)?,
            };
            report.times.data = waited;
            trainer.state_mut().seconds += start.elapsed().as_secs_f64();
            self.record(trainer, &report)?;
            // All ranks stop after the same step, whichever of them was asked to.
            let vote = f64::from(u8::from(self.stop.is_requested()));
            let stopped = trainer.collective().all_reduce_f64(vote)? > 0.0;
            let finished = report.step == last;
            self.validate(trainer, finished)?;
            if finished || stopped || report.step.is_multiple_of(trainer.config().checkpoint.every) {
                self.save(trainer);
            }
            match (finished, stopped) {
                (true, _) => return Ok(End::Finished),
                (false, true) => return Ok(End::Stopped),
                (false, false) => {}
            }
        }
    }

    /// Writes one row of `metrics.jsonl` and, every `monitor.log-every` steps, one log line.
    fn record(&mut self, trainer: &Trainer, report: &StepReport) -> Result<()> {
        let Some(files) = &mut self.files else { return Ok(()) };
        let (state, step) = (trainer.state(), report.step);
        let seconds = report.times.total();
        let (rate, mfu) = (report.tokens as f64 / seconds, report.flops / seconds / self.peak);
        self.progress.advance(1);
        self.progress.message(&format!("steps, loss {:.4}", report.loss));
        if let StepOutcome::Skipped { tensor } = &report.outcome {
            tracing::warn!("step {step} skipped: `{tensor}` is not finite, loss {}", report.loss);
        }
        if step.is_multiple_of(trainer.config().monitor.log_every) {
            let (loss, lr, norm) = (report.loss, report.lr, report.grad_norm);
            let percent = 100.0 * mfu;
            tracing::info!(
                "step {step:>6}  loss {loss:.4}  lr {lr:.2e}  grad norm {norm:.3}  {rate:.0} tokens/s  mfu {percent:.0} %"
            );
        }
        let mut row = vec![
            ("step", step as f64),
            ("loss", report.loss),
            ("lr", report.lr),
            ("grad_norm", report.grad_norm),
            ("tokens", state.tokens as f64),
            ("skipped", state.skipped as f64),
            ("tokens_per_second", rate),
            ("mfu", mfu),
            ("seconds_data", report.times.data),
            ("seconds_forward", report.times.forward),
            ("seconds_backward", report.times.backward),
            ("seconds_optimizer", report.times.optimizer),
        ];
        row.extend(report.measured.iter().map(|(name, value)| (name.as_str(), *value)));
        files.log.push(&row)
    }

    fn validate(&mut self, trainer: &Trainer, finished: bool) -> Result<()> {
        let step = trainer.state().step;
        let every = trainer.config().monitor.valid_every;
        let due = finished || (every > 0 && step.is_multiple_of(every));
        let Some(files) = self.files.as_mut().filter(|_| due) else { return Ok(()) };
        self.validation = self.hooks.validate(step, &trainer.validation_decoder())?;
        if self.validation.is_empty() {
            return Ok(());
        }
        let mut row = vec![("step", step as f64)];
        row.extend(self.validation.iter().map(|(name, value)| (name.as_str(), *value)));
        let text: Vec<String> =
            self.validation.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        tracing::info!("step {step:>6}  {}", text.join("  "));
        files.log.push(&row)
    }

    /// Starts a save. One that fails is reported; the run continues and tries again at the next checkpoint.
    fn save(&mut self, trainer: &Trainer) {
        let Some(files) = &mut self.files else { return };
        if let Err(error) = files.saver.start(trainer.snapshot()) {
            tracing::error!("the previous checkpoint was not written: {error}");
        }
    }
}
