//! [`Engine`] and [`EngineHandle`]: starting the engine thread, talking to it, stopping it.

mod rest;

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use internlm_model::TokenId;

use super::command::{Command, Shared};
use super::mailbox::mailbox;
use super::runner::Runner;
use super::{
    CancelCause, Capacity, End, EngineConfig, EngineFault, Executor, Finished, Gauges, GenerateRequest,
    Generation, Rejected, RequestId, SchedulerConfig,
};

/// How often a shutdown looks whether the engine thread has ended.
const SHUTDOWN_POLL: Duration = Duration::from_millis(5);

/// A running engine thread. Dropping it cancels everything and waits for the thread.
///
/// ```
/// use internlm_model::TokenId;
/// use lmdeploy::engine::{Engine, EngineConfig, Executor, GenerateRequest, Output, SchedulerConfig};
/// use lmdeploy::testing::MockExecutor;
///
/// let executor = MockExecutor::default(); // repeats the prompt
/// let config = EngineConfig::new(SchedulerConfig::new(&executor.capacity()));
/// let engine = Engine::start(Box::new(executor), config);
/// let mut generation = engine.handle().submit(GenerateRequest::new(vec![TokenId(7)]));
/// let Some(Output::Pieces(pieces)) = generation.wait() else { panic!("an id comes first") };
/// assert_eq!(pieces[0].id, TokenId(7));
/// ```
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

impl Engine {
    /// Starts the engine thread.
    ///
    /// # Panics
    /// When the system has no thread left, or the limits cannot run anything (see
    /// [`Scheduler::new`](super::Scheduler::new)).
    #[must_use]
    pub fn start(executor: Box<dyn Executor>, mut config: EngineConfig) -> Self {
        let (commands, inbox) = channel();
        let limit = &mut config.scheduler.publish_limit;
        *limit = executor.rotary_limit().min(*limit);
        let shared = Arc::new(Shared::new(executor.as_ref(), config.scheduler.clone(), config.seed));
        let runner = Runner::new(executor, config, Arc::clone(&shared));
        let thread = std::thread::Builder::new().name("engine".to_owned());
        let thread = thread.spawn(move || runner.run(&inbox)).expect("the system starts a thread");
        Self { handle: EngineHandle { commands, shared }, thread: Some(thread) }
    }

    /// A handle that other threads can use to submit requests.
    #[must_use]
    pub fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }

    /// Takes no more requests, waits until the running ones end or `limit` is over, then cancels the rest.
    pub fn shutdown(mut self, limit: Duration) {
        self.handle.drain();
        let deadline = Instant::now() + limit;
        let ended = |engine: &Self| engine.thread.as_ref().is_none_or(JoinHandle::is_finished);
        while !ended(&self) && Instant::now() < deadline {
            std::thread::sleep(SHUTDOWN_POLL);
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
    /// Hands a request to the engine. A request that is refused ends at once with [`EngineFault::Rejected`].
    #[must_use]
    pub fn submit(&self, request: GenerateRequest) -> Generation {
        let id = RequestId(self.shared.next_number());
        let (mailbox, slot) = mailbox();
        let generation = Generation::new(id, slot, self.commands.clone());
        if let Err(rejected) = self.check(&request) {
            self.shared.gauges.count_rejected(&rejected);
            let end = End::Error(EngineFault::Rejected(rejected));
            mailbox.finish(Finished::without_output(end, request.prompt.len()));
            return generation;
        }
        self.shared.sent(id);
        self.send(Command::Submit { id, request: Box::new(request), mailbox });
        generation
    }

    /// Ends a request with [`CancelCause::Api`]; its reader gets what there is of the text. False when no such request
    /// is running or waiting.
    pub fn abort(&self, id: RequestId) -> bool {
        let lives = self.shared.lives(id);
        if lives {
            self.send(Command::Cancel { id, cause: CancelCause::Api });
        }
        lives
    }

    /// Ends every request with [`CancelCause::Api`], running or waiting.
    pub fn abort_all(&self) {
        self.send(Command::CancelAll { cause: CancelCause::Api });
    }

    /// Live numbers of the engine, read without stopping it.
    #[must_use]
    pub fn gauges(&self) -> &Gauges {
        &self.shared.gauges
    }

    /// What the executor can hold.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.shared.capacity
    }

    /// Number of values of a row of hidden states; none: the executor gives none, and embeddings are refused.
    #[must_use]
    pub fn hidden_size(&self) -> Option<usize> {
        self.shared.hidden_size
    }

    /// Limits of the scheduler, such as the context length.
    #[must_use]
    pub fn limits(&self) -> &SchedulerConfig {
        &self.shared.limits
    }

    /// Takes no more requests from now on.
    pub fn drain(&self) {
        self.send(Command::Drain);
    }

    /// A seed for a request that does not set one: the same base seed gives the same sequence of seeds.
    #[must_use]
    pub fn fresh_seed(&self) -> u64 {
        self.shared.next_seed()
    }

    /// Refuses what can be refused without the engine thread.
    fn check(&self, request: &GenerateRequest) -> Result<(), Rejected> {
        if self.shared.gauges.rests() {
            return Err(Rejected::Sleeping);
        }
        let vocab = self.shared.capacity.vocab;
        if let Some(TokenId(id)) = request.prompt.iter().find(|id| id.index() >= vocab) {
            return Err(Rejected::UnknownId { id: *id, vocab });
        }
        match self.shared.full_inbox() {
            Some(waiting) => Err(Rejected::QueueFull { waiting }),
            None => Ok(()),
        }
    }

    /// Fails when the engine is gone; a mailbox inside the command then tells its reader.
    fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }
}
