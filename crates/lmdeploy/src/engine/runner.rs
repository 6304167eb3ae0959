//! The engine thread: drain the inbox, then schedule, execute, sample, commit, emit.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};

use internlm_model::Tokenizer;

use super::handle::{Command, Shared};
use super::mailbox::Mailbox;
use super::output::Active;
use super::parts::{Part, take_rows};
use super::{
    Batch, CancelCause, End, EngineFault, Event, ExecuteError, Executor, Finished, GenerateRequest, Logits,
    Rejected, RequestId, Row, Scheduler, StepResult,
};

/// Everything the engine thread owns.
pub(super) struct Runner {
    scheduler: Scheduler,
    executor: Box<dyn Executor>,
    tokenizer: Option<Tokenizer>,
    /// Columns of the logits that stand for no id of the tokenizer.
    padding: usize,
    shared: Arc<Shared>,
    active: BTreeMap<RequestId, Active>,
    /// Whether new requests are taken.
    intake: Intake,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Intake {
    Open,
    Closed,
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

    /// Runs until drained, stopped, or nobody is left to send requests.
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
        self.shared.inbox.fetch_sub(1, Ordering::Relaxed);
        let taken = match self.intake {
            Intake::Closed => Err(Rejected::Draining),
            Intake::Open => {
                let mut scheduled = request.to_schedule(id);
                scheduled.rows = scheduled.rows.beside(self.padding);
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
                let (rest, prompt_tokens) = (String::new(), request.prompt.len());
                mailbox.finish(Finished { end, rest, prompt_tokens, generated_tokens: 0 });
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

    /// A panic of the executor is an error like any other: the engine goes on.
    fn execute(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        let executor = &mut self.executor;
        let logits = catch_unwind(AssertUnwindSafe(|| executor.step(batch))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(ExecuteError(text.unwrap_or_else(|| "it panicked".to_owned())))
        })?;
        if logits.len() != batch.row_count() {
            let (found, expected) = (logits.len(), batch.row_count());
            return Err(ExecuteError(format!("found {found} rows of logits, expected {expected}")));
        }
        if !logits.serves(batch.rows) {
            return Err(ExecuteError("found the best entries of rows, expected whole rows".to_owned()));
        }
        Ok(logits)
    }

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
        take_rows(parts)
    }

    fn emit(&mut self) {
        for event in self.scheduler.take_events() {
            match event {
                Event::Token { id, .. } => {
                    self.active.get_mut(&id).expect("tokens come before the end").confirm();
                }
                Event::End { id, end } => {
                    let active = self.active.remove(&id).expect("a request ends once");
                    let (prompt, generated) = active.finish(end.clone());
                    self.shared.gauges.count_end(&end, prompt, generated);
                }
            }
        }
    }
}

impl Drop for Runner {
    /// However the thread ends, `/health` knows.
    fn drop(&mut self) {
        self.shared.gauges.set_ended();
    }
}
