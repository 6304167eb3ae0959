//! [`Engine`] and [`EngineHandle`]: starting the engine thread, talking to it, stopping it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use internlm_kit::rng::CounterRng;
use internlm_model::{TokenId, Tokenizer};

use super::mailbox::{Mailbox, mailbox};
use super::runner::Runner;
use super::{
    CancelCause, Capacity, End, EngineFault, Executor, Finished, Gauges, GenerateRequest, Generation,
    Rejected, RequestId, Scheduler, SchedulerConfig,
};

/// What the engine needs beside an executor.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Limits of the scheduler.
    pub scheduler: SchedulerConfig,
    /// Turns ids into text; without one the pieces have no text and stop strings never match.
    pub tokenizer: Option<Tokenizer>,
    /// Seed of the seeds of requests that bring none.
    pub seed: u64,
}

/// A running engine thread. Dropping it cancels everything and waits for the thread.
#[derive(Debug)]
pub struct Engine {
    handle: EngineHandle,
    thread: Option<JoinHandle<()>>,
}

/// Talks to the engine thread. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EngineHandle {
    commands: Sender<Command>,
    shared: Arc<Shared>,
}

/// What the handles and the engine thread share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) gauges: Gauges,
    /// Requests that the engine thread has not seen yet.
    pub(super) inbox: AtomicUsize,
    inbox_limit: usize,
    next_id: AtomicU64,
    seeds: CounterRng,
    capacity: Capacity,
    limits: SchedulerConfig,
}

/// What the engine thread is told.
#[derive(Debug)]
pub(super) enum Command {
    /// A new request.
    Submit { id: RequestId, request: Box<GenerateRequest>, mailbox: Mailbox },
    /// A request nobody waits for.
    Cancel { id: RequestId, cause: CancelCause },
    /// Take no more requests; end when the last one has ended.
    Drain,
    /// End everything now.
    Stop,
}

impl Engine {
    /// Starts the engine thread.
    ///
    /// # Panics
    /// When the system has no thread left, or the limits cannot run anything (see [`Scheduler::new`]).
    #[must_use]
    pub fn start(executor: Box<dyn Executor>, config: EngineConfig) -> Self {
        let (commands, inbox) = channel();
        let limits = config.scheduler.clone();
        let shared = Arc::new(Shared {
            gauges: Gauges::new(),
            inbox: AtomicUsize::new(0),
            inbox_limit: limits.max_sequences + limits.max_queue,
            next_id: AtomicU64::new(0),
            seeds: CounterRng::new(config.seed, "request seeds"),
            capacity: executor.capacity(),
            limits,
        });
        let scheduler = Scheduler::new(config.scheduler);
        shared.gauges.set(scheduler.stats());
        let runner = Runner::new(scheduler, executor, config.tokenizer, Arc::clone(&shared));
        let thread = std::thread::Builder::new().name("engine".to_owned());
        let thread = thread.spawn(move || runner.run(&inbox)).expect("the system starts a thread");
        Self { handle: EngineHandle { commands, shared }, thread: Some(thread) }
    }

    /// A handle.
    #[must_use]
    pub fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }

    /// Takes no more requests, waits until the running ones end or `limit` is over, then cancels the rest.
    pub fn shutdown(mut self, limit: Duration) {
        self.handle.drain();
        let deadline = std::time::Instant::now() + limit;
        let ended = |engine: &Self| engine.thread.as_ref().is_none_or(JoinHandle::is_finished);
        while !ended(&self) && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.stop();
    }

    fn stop(&mut self) {
        self.handle.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic of the engine thread has been reported by its readers already.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

impl EngineHandle {
    /// Hands a request to the engine. A request that is not taken ends at once with
    /// [`EngineFault::Rejected`].
    #[must_use]
    pub fn submit(&self, request: GenerateRequest) -> Generation {
        let id = RequestId(self.shared.next_id.fetch_add(1, Ordering::Relaxed));
        let (mailbox, generation) = mailbox(id, self.commands.clone());
        if let Err(rejected) = self.check(&request) {
            self.shared.gauges.count_rejected();
            let end = End::Error(EngineFault::Rejected(rejected));
            let (rest, prompt_tokens) = (String::new(), request.prompt.len());
            mailbox.finish(Finished { end, rest, prompt_tokens, generated_tokens: 0 });
            return generation;
        }
        self.shared.inbox.fetch_add(1, Ordering::Relaxed);
        self.send(Command::Submit { id, request: Box::new(request), mailbox });
        generation
    }

    /// Numbers of the engine.
    #[must_use]
    pub fn gauges(&self) -> &Gauges {
        &self.shared.gauges
    }

    /// What the executor can hold.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.shared.capacity
    }

    /// Limits of the scheduler.
    #[must_use]
    pub fn limits(&self) -> &SchedulerConfig {
        &self.shared.limits
    }

    /// Takes no more requests from now on.
    pub fn drain(&self) {
        self.send(Command::Drain);
    }

    /// A seed for a request that brings none: the same sequence of seeds for the same config.
    #[must_use]
    pub fn fresh_seed(&self) -> u64 {
        self.shared.seeds.u64(self.shared.next_id.fetch_add(1, Ordering::Relaxed))
    }

    /// What can be said without the engine thread.
    fn check(&self, request: &GenerateRequest) -> Result<(), Rejected> {
        let vocab = self.shared.capacity.vocab;
        if let Some(TokenId(id)) = request.prompt.iter().find(|id| id.index() >= vocab) {
            return Err(Rejected::UnknownId { id: *id, vocab });
        }
        let waiting = self.shared.inbox.load(Ordering::Relaxed);
        if waiting >= self.shared.inbox_limit {
            return Err(Rejected::QueueFull { waiting });
        }
        Ok(())
    }

    /// Fails when the engine is gone; a mailbox inside the command then tells its reader.
    fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }
}
