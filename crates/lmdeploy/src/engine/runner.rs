//! The engine thread: it reads its inbox, then takes a step: schedule, execute, sample, commit, emit. Between two steps
//! it may sleep, wake, or go over to other weights.

mod compute;
mod pace;
mod panic_message;
mod rest;
mod sampling;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use internlm_model::Tokenizer;

use self::pace::Pace;
use self::rest::Rest;
use self::sampling::{Part, sample_parts};
use super::active::Active;
use super::command::{Command, Shared};
use super::gauges::StepTimes;
use super::mailbox::{MailLevel, Mailbox};
use super::timeline::Timelines;
use super::{
    Batch, CancelCause, End, EngineConfig, EngineFault, Event, Executor, Finished, GenerateRequest, Logits,
    Rejected, RequestId, Row, Scheduler, StepResult,
};

/// How often requests are looked at while none of them can run: they may wait for slow readers, or expire.
const IDLE_POLL: Duration = Duration::from_millis(10);

/// Everything that the engine thread owns.
pub(super) struct Runner {
    scheduler: Scheduler,
    executor: Box<dyn Executor>,
    tokenizer: Option<Tokenizer>,
    /// Number of columns of the logits that stand for no id of the tokenizer.
    padding: usize,
    /// Size of unread text, in bytes, above which a request is paused.
    max_unread_bytes: usize,
    shared: Arc<Shared>,
    active: BTreeMap<RequestId, Active>,
    levels: BTreeMap<RequestId, MailLevel>,
    timelines: Timelines,
    pace: Pace,
    intake: Intake,
    rest: Rest,
}

/// Whether new requests are taken.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Intake {
    Open,
    Closed,
}

/// Whether a step had anything to compute.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Progress {
    Made,
    Idle,
}

impl Runner {
    /// A runner without requests. The gauges show its cache from now on.
    ///
    /// # Panics
    /// When the limits cannot run anything (see [`Scheduler::new`]).
    pub(super) fn new(executor: Box<dyn Executor>, config: EngineConfig, shared: Arc<Shared>) -> Self {
        let EngineConfig { scheduler, tokenizer, max_unread_bytes, .. } = config;
        let scheduler = Scheduler::new(scheduler);
        shared.gauges.set(scheduler.stats());
        let known = tokenizer.as_ref().map_or(usize::MAX, Tokenizer::vocab_size);
        let padding = executor.capacity().vocab.saturating_sub(known);
        Self {
            scheduler,
            executor,
            tokenizer,
            padding,
            max_unread_bytes,
            shared,
            active: BTreeMap::new(),
            levels: BTreeMap::new(),
            timelines: Timelines::default(),
            pace: Pace::default(),
            intake: Intake::Open,
            rest: Rest::default(),
        }
    }

    /// Runs until it is drained or stopped, or nobody is left who could send requests.
    pub(super) fn run(mut self, inbox: &Receiver<Command>) {
        let mut progress = Progress::Made;
        loop {
            if !self.scheduler.has_work() {
                if self.intake == Intake::Closed {
                    return;
                }
                self.fall_asleep();
                let Ok(command) = inbox.recv() else { return };
                self.obey(command);
            } else if progress == Progress::Idle {
                match inbox.recv_timeout(IDLE_POLL) {
                    Ok(command) => self.obey(command),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => std::thread::sleep(IDLE_POLL),
                }
            }
            self.drain(inbox);
            progress = self.step();
        }
    }

    /// Obeys all commands that are there.
    fn drain(&mut self, inbox: &Receiver<Command>) {
        loop {
            match inbox.try_recv() {
                Ok(command) => self.obey(command),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.intake = Intake::Closed;
                    return;
                }
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Submit { id, request, mailbox } => self.submit(id, *request, mailbox),
            Command::Cancel { id, cause } => self.scheduler.cancel(id, cause),
            Command::CancelAll { cause } => self.scheduler.cancel_all(cause),
            Command::Resume { id } => self.scheduler.resume(id),
            Command::Sleep { level, reply } => self.plan_sleep(level, reply),
            Command::Wake { parts, reply } => self.wake(&parts, &reply),
            Command::Replace { executor, reply } => self.replace(executor, &reply),
            Command::Drain => self.intake = Intake::Closed,
            Command::Stop => {
                self.intake = Intake::Closed;
                self.scheduler.cancel_all(CancelCause::Shutdown);
            }
        }
    }

    fn submit(&mut self, id: RequestId, request: GenerateRequest, mailbox: Mailbox) {
        self.shared.count_received();
        let (now, prompt) = (self.shared.gauges.now(), request.prompt.len());
        let taken = match self.intake {
            Intake::Closed => Err(Rejected::Draining),
            Intake::Open if self.rests() => Err(Rejected::Sleeping),
            Intake::Open => {
                let mut scheduled = request.to_schedule(id);
                scheduled.detail = scheduled.detail.with_padding(self.padding);
                self.scheduler.submit(scheduled, now)
            }
        };
        match taken {
            Ok(()) => {
                self.timelines.submitted(id, prompt, now);
                self.levels.insert(id, mailbox.level());
                self.active.insert(id, Active::new(request, self.tokenizer.as_ref(), mailbox));
            }
            Err(rejected) => {
                self.shared.gauges.count_rejected(&rejected);
                self.shared.ended(id);
                let end = End::Error(EngineFault::Rejected(rejected));
                mailbox.finish(Finished::without_output(end, prompt));
            }
        }
    }

    fn step(&mut self) -> Progress {
        let begun = Instant::now();
        self.scheduler.set_prompt_share(self.pace.share());
        let batch = self.scheduler.schedule(self.shared.gauges.now());
        let scheduler = begun.elapsed();
        self.shared.gauges.set(self.scheduler.stats());
        // Readers hear of requests that have expired, and metrics of those that have begun, before the long part.
        self.emit();
        if batch.steps.is_empty() {
            return Progress::Idle;
        }
        let begun = Instant::now();
        let (computed, masks) = self.execute(&batch);
        let times = StepTimes { scheduler, executor: begun.elapsed(), masks, tokens: batch.tokens() };
        self.pace.observe(&batch, times.executor);
        self.shared.gauges.step(&times);
        let results = match computed {
            Ok(logits) => {
                self.shared.gauges.step_succeeded();
                self.sample(&batch, &logits)
            }
            Err(error) => {
                self.shared.gauges.step_failed();
                tracing::error!(%error, sequences = batch.steps.len(), "a step failed");
                batch.steps.iter().map(|_| StepResult::Failed(error.to_string())).collect()
            }
        };
        self.scheduler.commit(&batch, results);
        self.shared.gauges.set(self.scheduler.stats());
        self.emit();
        Progress::Made
    }

    /// Takes the rows of each sequence to its next id; the order of the results is that of the batch.
    fn sample(&mut self, batch: &Batch, logits: &Logits) -> Vec<StepResult> {
        let (mut rows, mut hidden) = (logits.rows(), logits.hidden_rows());
        let mut parts = Vec::with_capacity(batch.steps.len());
        let mut active: BTreeMap<RequestId, &mut Active> =
            self.active.iter_mut().map(|(id, active)| (*id, active)).collect();
        for (index, step) in batch.steps.iter().enumerate() {
            let rows: Vec<Row<'_>> = rows.by_ref().take(step.rows()).collect();
            let hidden = hidden.by_ref().take(step.hidden_rows()).collect();
            let history = self.scheduler.tokens(step.id).expect("sequences under way are kept");
            let active = active.remove(&step.id).expect("every sequence has its output");
            parts.push(Part { step, rows, hidden, history, active, fault: logits.fault(index) });
        }
        sample_parts(parts)
    }

    /// Tells the readers what the scheduler has confirmed.
    fn emit(&mut self) {
        let now = self.shared.gauges.now();
        for event in self.scheduler.take_events() {
            let gauges = &self.shared.gauges;
            match event {
                Event::Admitted { id, cached_tokens } => {
                    self.timelines.admitted(id, cached_tokens, gauges);
                    self.active.get_mut(&id).expect("it has not ended").set_cached(cached_tokens);
                }
                Event::Token { id, .. } => {
                    self.timelines.token(id, gauges);
                    self.active.get_mut(&id).expect("tokens come before the end").confirm();
                    if self.levels.get(&id).is_some_and(|level| level.pauses(self.max_unread_bytes)) {
                        self.scheduler.pause(id, now);
                    }
                }
                Event::End { id, end } => {
                    let active = self.active.remove(&id).expect("a request ends once");
                    self.levels.remove(&id);
                    self.shared.ended(id);
                    let generated = active.finish(end.clone());
                    self.timelines.ended(id, &end, generated, gauges);
                }
            }
        }
    }
}

impl Drop for Runner {
    /// However the thread ends, `/health` says so.
    fn drop(&mut self) {
        self.shared.gauges.set_ended();
        self.shared.all_ended();
    }
}
