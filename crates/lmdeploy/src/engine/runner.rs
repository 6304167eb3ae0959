//! The engine thread: it reads its inbox, then takes a step: schedule, execute, sample, commit, emit.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use internlm_model::{TokenId, Tokenizer};

use super::active::Active;
use super::command::{Command, Shared};
use super::mailbox::Mailbox;
use super::{
    Batch, CancelCause, End, EngineFault, Event, ExecuteError, Executor, Finished, GenerateRequest, Logits,
    Rejected, RequestId, Row, Scheduler, SequencePart, StepResult,
};

/// Number of logits from which a thread pays: starting one takes as long as reading so many.
const LOGITS_PER_THREAD: usize = 1 << 17;

/// Everything that the engine thread owns.
pub(super) struct Runner {
    scheduler: Scheduler,
    executor: Box<dyn Executor>,
    tokenizer: Option<Tokenizer>,
    /// Number of columns of the logits that stand for no id of the tokenizer.
    padding: usize,
    shared: Arc<Shared>,
    active: BTreeMap<RequestId, Active>,
    intake: Intake,
}

/// Whether new requests are taken.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Intake {
    Open,
    Closed,
}

/// One sequence's part of a step, on its way from logits to the next id.
struct Part<'a> {
    step: &'a SequencePart,
    /// Its rows of logits.
    rows: Vec<Row<'a>>,
    /// All known ids of the sequence.
    history: &'a [TokenId],
    active: &'a mut Active,
    /// What went wrong with it in the executor.
    fault: Option<&'a str>,
}

impl Runner {
    pub(super) fn new(
        scheduler: Scheduler,
        executor: Box<dyn Executor>,
        tokenizer: Option<Tokenizer>,
        shared: Arc<Shared>,
    ) -> Self {
        let known = tokenizer.as_ref().map_or(usize::MAX, Tokenizer::vocab_size);
        let padding = executor.capacity().vocab.saturating_sub(known);
        let active = BTreeMap::new();
        Self { scheduler, executor, tokenizer, padding, shared, active, intake: Intake::Open }
    }

    /// Runs until it is drained or stopped, or nobody is left who could send requests.
    pub(super) fn run(mut self, inbox: &Receiver<Command>) {
        loop {
            if !self.scheduler.has_work() {
                if self.intake == Intake::Closed {
                    return;
                }
                let Ok(command) = inbox.recv() else { return };
                self.obey(command);
            }
            loop {
                match inbox.try_recv() {
                    Ok(command) => self.obey(command),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        self.intake = Intake::Closed;
                        break;
                    }
                }
            }
            self.step();
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Submit { id, request, mailbox } => self.submit(id, *request, mailbox),
            Command::Cancel { id, cause } => self.scheduler.cancel(id, cause),
            Command::Drain => self.intake = Intake::Closed,
            Command::Stop => {
                self.intake = Intake::Closed;
                self.scheduler.cancel_all(CancelCause::Shutdown);
            }
        }
    }

    fn submit(&mut self, id: RequestId, request: GenerateRequest, mailbox: Mailbox) {
        self.shared.count_received();
        let taken = match self.intake {
            Intake::Closed => Err(Rejected::Draining),
            Intake::Open => {
                let mut scheduled = request.to_schedule(id);
                scheduled.detail = scheduled.detail.with_padding(self.padding);
                self.scheduler.submit(scheduled, self.shared.gauges.now())
            }
        };
        match taken {
            Ok(()) => {
                self.active.insert(id, Active::new(request, self.tokenizer.as_ref(), mailbox));
            }
            Err(rejected) => {
                self.shared.gauges.count_rejected();
                let end = End::Error(EngineFault::Rejected(rejected));
                mailbox.finish(Finished::without_output(end, request.prompt.len()));
            }
        }
    }

    fn step(&mut self) {
        let batch = self.scheduler.schedule(self.shared.gauges.now());
        self.shared.gauges.set(self.scheduler.stats());
        if !batch.steps.is_empty() {
            let results = match self.execute(&batch) {
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
        }
        self.shared.gauges.set(self.scheduler.stats());
        self.emit();
    }

    /// A panic of the executor is an error like any other: it fails its batch and not the engine.
    fn execute(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        let executor = &mut self.executor;
        let logits = catch_unwind(AssertUnwindSafe(|| executor.step(batch))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(ExecuteError::Panicked { message: text.unwrap_or_else(|| "it panicked".to_owned()) })
        })?;
        let (found, expected) = (logits.len(), batch.row_count());
        if found != expected {
            return Err(ExecuteError::Rows { found, expected });
        }
        if !logits.serves(batch.detail) {
            return Err(ExecuteError::PartialRows);
        }
        Ok(logits)
    }

    /// Takes the rows of each sequence to its next id; the order of the results is that of the batch.
    fn sample(&mut self, batch: &Batch, logits: &Logits) -> Vec<StepResult> {
        let mut rows = logits.rows();
        let mut parts = Vec::with_capacity(batch.steps.len());
        let mut active: BTreeMap<RequestId, &mut Active> =
            self.active.iter_mut().map(|(id, active)| (*id, active)).collect();
        for (index, step) in batch.steps.iter().enumerate() {
            let rows: Vec<Row<'_>> = rows.by_ref().take(step.rows()).collect();
            let history = self.scheduler.tokens(step.id).expect("sequences under way are kept");
            let active = active.remove(&step.id).expect("every sequence has its output");
            parts.push(Part { step, rows, history, active, fault: logits.fault(index) });
        }
        sample_parts(parts)
    }

    /// Tells the readers what the scheduler has confirmed.
    fn emit(&mut self) {
        for event in self.scheduler.take_events() {
            match event {
                Event::Token { id, .. } => {
                    self.active.get_mut(&id).expect("tokens come before the end").confirm();
                }
                Event::End { id, end } => {
                    let active = self.active.remove(&id).expect("a request ends once");
                    let counts = active.finish(end.clone());
                    self.shared.gauges.count_end(&end, counts.prompt, counts.generated);
                }
            }
        }
    }
}

impl Drop for Runner {
    /// However the thread ends, `/health` says so.
    fn drop(&mut self) {
        self.shared.gauges.set_ended();
    }
}

impl Part<'_> {
    /// Number of logits to read; the largest entries cost nothing.
    fn logits(&self) -> usize {
        self.rows.iter().filter_map(|row| row.full()).map(<[f32]>::len).sum()
    }

    fn sample(&mut self) -> StepResult {
        if let Some(fault) = self.fault {
            tracing::error!(request = self.step.id.0, "a sequence failed: {fault}");
            return StepResult::Failed(fault.to_owned());
        }
        self.active.take_rows(self.step, &self.rows, self.history)
    }
}

/// Samples every part, on several threads where rows are full; the result is the same on any number of them.
fn sample_parts(mut parts: Vec<Part<'_>>) -> Vec<StepResult> {
    let logits: usize = parts.iter().map(Part::logits).sum();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(logits / LOGITS_PER_THREAD).max(1);
    let each = parts.len().div_ceil(threads);
    let sample = |parts: &mut [Part<'_>]| parts.iter_mut().map(Part::sample).collect::<Vec<_>>();
    let (own, others) = parts.split_at_mut(each);
    std::thread::scope(|scope| {
        let others: Vec<_> =
            others.chunks_mut(each.max(1)).map(|part| scope.spawn(move || sample(part))).collect();
        let mut results = sample(own);
        for other in others {
            results.extend(other.join().expect("sampling does not panic"));
        }
        results
    })
}
