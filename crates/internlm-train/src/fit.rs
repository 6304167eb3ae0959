//! The loop of a run: rows, steps, metrics, validation, checkpoints, until the last step or a request to stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use internlm_kit::progress::Progress;
use internlm_model::decoder::Decoder;

use crate::batch::with_prefetch;
use crate::checkpoint::{Resume, Saver};
use crate::metrics::MetricsLog;
use crate::report::{End, RunReport, StepOutcome, StepReport};
use crate::{Result, Row, RowSource, Trainer, flops, resume};

/// Where a run writes and how it begins and ends.
#[derive(Clone, Debug, Default)]
pub struct RunConfig {
    /// Folder of `checkpoints/` and `metrics.jsonl`.
    pub out: PathBuf,
    /// Where the run starts from.
    pub resume: Resume,
    /// Set (by a signal handler, say) to save after the current step and return.
    pub stop: Arc<AtomicBool>,
}

/// What the owner of a run adds to the loop. `()` adds nothing.
pub trait Hooks {
    /// Measures the model after `step` steps; the numbers go into `metrics.jsonl` under their names.
    ///
    /// # Errors
    /// Whatever ends the run.
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
    stop: &'a AtomicBool,
    log: MetricsLog,
    saver: Saver,
    progress: Progress,
    /// FLOP/s of a plain matrix product.
    peak: f64,
    validation: Vec<(String, f64)>,
}

impl Trainer {
    /// Trains to the last step of the schedule, or until `run.stop` is set.
    ///
    /// A run that was killed at any moment continues from its newest complete checkpoint to the same bits as
    /// an uninterrupted one.
    ///
    /// # Errors
    /// Data, checkpoint and I/O errors, and [`crate::Error::NotFinite`].
    pub fn fit(
        &mut self,
        source: &mut dyn RowSource,
        hooks: &mut dyn Hooks,
        run: &RunConfig,
    ) -> Result<RunReport> {
        self.state_mut().data = source.fingerprint();
        let checkpoints = run.out.join("checkpoints");
        let resumed_from = resume::start(self, &checkpoints, &run.resume)?;
        let (first, last) = (self.state().step, self.config().schedule.steps);
        let progress = Progress::new("train", "steps", last);
        progress.advance(first);
        let mut running = Loop {
            hooks,
            stop: &run.stop,
            log: MetricsLog::open(&run.out.join("metrics.jsonl"), first)?,
            saver: Saver::new(&checkpoints, self.config().checkpoint.keep_last),
            progress,
            peak: flops::measure_peak(self.device()),
            validation: Vec::new(),
        };
        let end = if first < last {
            with_prefetch(source, first..last, |next| running.run(self, next))?
        } else {
            running.validation = running.hooks.validate(last, &self.validation_decoder())?;
            End::Finished
        };
        running.saver.wait()?;
        Ok(RunReport { end, resumed_from, validation: running.validation, peak: running.peak })
    }
}

impl Loop<'_> {
    fn run(&mut self, trainer: &mut Trainer, next: &mut dyn FnMut() -> Result<Vec<Row>>) -> Result<End> {
        let last = trainer.config().schedule.steps;
        loop {
            let start = Instant::now();
            let rows = next()?;
            let waited = start.elapsed().as_secs_f64();
            let mut report = trainer.step(&rows)?;
            report.times.data = waited;
            trainer.state_mut().seconds += start.elapsed().as_secs_f64();
            self.record(trainer, &report)?;
            let stopped = self.stop.load(Ordering::Relaxed);
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

    /// One row of `metrics.jsonl`, one log line now and then.
    fn record(&mut self, trainer: &Trainer, report: &StepReport) -> Result<()> {
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
        self.log.push(&[
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
        ])
    }

    fn validate(&mut self, trainer: &Trainer, finished: bool) -> Result<()> {
        let step = trainer.state().step;
        let every = trainer.config().monitor.valid_every;
        if !finished && (every == 0 || !step.is_multiple_of(every)) {
            return Ok(());
        }
        self.validation = self.hooks.validate(step, &trainer.validation_decoder())?;
        if self.validation.is_empty() {
            return Ok(());
        }
        let mut row = vec![("step", step as f64)];
        row.extend(self.validation.iter().map(|(name, value)| (name.as_str(), *value)));
        let text: Vec<String> =
            self.validation.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        tracing::info!("step {step:>6}  {}", text.join("  "));
        self.log.push(&row)
    }

    /// Starts a save. A failed one is reported; the run goes on and tries again at the next checkpoint.
    fn save(&mut self, trainer: &Trainer) {
        if let Err(error) = self.saver.start(trainer.snapshot()) {
            tracing::error!("the previous checkpoint was not written: {error}");
        }
    }
}
