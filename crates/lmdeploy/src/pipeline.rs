//! [`Pipeline`]: a model in this process; requests and answers are the same as over HTTP.

use std::time::Duration;

use crate::Result;
#[cfg(any(feature = "burn", feature = "turbomind"))]
use crate::config::DeployConfig;
use crate::engine::{Engine, EngineConfig, Executor, Generation, Output, SchedulerConfig};
use crate::protocol::{ChatChunk, ChatRequest, ChatResponse, CompletionRequest, CompletionResponse};
use crate::respond::{ChatAnswer, Responder, ServedModel};

/// A model and its engine in this process. Many threads may call it at the same time; their requests share batches.
///
/// ```
/// use lmdeploy::protocol::{ChatMessage, ChatRequest};
/// use lmdeploy::testing::MockModel;
///
/// // A model that says "hello"; `Pipeline::load` reads a real one.
/// let pipeline = MockModel::from("hello").pipeline();
/// let answer = pipeline.chat(&ChatRequest::new([ChatMessage::user("hi")]))?;
/// assert_eq!(answer.text(), "hello");
/// # Ok::<(), lmdeploy::Error>(())
/// ```
#[derive(Debug)]
pub struct Pipeline {
    engine: Engine,
    responder: Responder,
}

impl Pipeline {
    /// Runs `model` on `executor`; `seed` is the base seed for requests that do not set one.
    #[must_use]
    pub fn new(
        executor: Box<dyn Executor>,
        model: ServedModel,
        scheduler: SchedulerConfig,
        seed: u64,
    ) -> Self {
        let config = EngineConfig::new(scheduler).with_tokenizer(model.tokenizer.clone()).with_seed(seed);
        let engine = Engine::start(executor, config);
        let responder = Responder::new(model, engine.handle());
        Self { engine, responder }
    }

    /// Loads the model that `config` names.
    ///
    /// # Errors
    /// When settings contradict each other, the model cannot be read, or the cache does not fit into memory.
    #[cfg(any(feature = "burn", feature = "turbomind"))]
    pub fn load(config: &DeployConfig) -> Result<Self> {
        let started = std::time::Instant::now();
        let problems = internlm_kit::config::Validate::problems(config);
        if !problems.is_empty() {
            return Err(crate::Error::Settings { problems });
        }
        let (shape, executor) = executor(config)?;
        let mut model = ServedModel::load(&config.model.path, config.model.served_name(), &shape)?;
        if let Some(sampling) = &config.sampling {
            model.sampling = sampling.clone();
        }
        let capacity = executor.capacity();
        let scheduler = scheduler_config(&capacity, config);
        tracing::info!(
            parameters = shape.parameters(),
            cache_mib = capacity.cache_bytes >> 20,
            cache_tokens = capacity.blocks * capacity.block_tokens,
            context = scheduler.max_length,
            seconds = rounded(started.elapsed()),
            backend = config.model.chosen_backend().name(),
            "model loaded"
        );
        if scheduler.max_length < capacity.max_position {
            tracing::warn!(
                context = scheduler.max_length,
                model = capacity.max_position,
                "the context is shorter than the model's: the cache does not hold more"
            );
        }
        Ok(Self::new(executor, model, scheduler, config.queue.seed))
    }

    /// The part that checks requests and hands them to the engine; [`serve::App`](crate::serve::App) takes it.
    #[must_use]
    pub fn responder(&self) -> &Responder {
        &self.responder
    }

    /// Answers a chat request and waits for the whole answer; `stream` is ignored.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status that a server would answer.
    pub fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let (generation, mut answer) = self.responder.chat(request)?;
        answer.whole(outputs(generation))
    }

    /// Answers a chat request piece by piece. Dropping the iterator cancels the request.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] at once when the request is wrong, later as an item.
    pub fn chat_stream(&self, request: &ChatRequest) -> Result<ChatChunks> {
        let (generation, answer) = self.responder.chat(request)?;
        Ok(ChatChunks { generation, answer, ready: Vec::new().into_iter() })
    }

    /// Answers a completion request and waits for the whole answer; `stream` is ignored.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status that a server would answer.
    pub fn completions(&self, request: &CompletionRequest) -> Result<CompletionResponse> {
        let (generations, mut answer) = self.responder.completions(request)?;
        let all = generations.into_iter().enumerate();
        let all = all.flat_map(|(index, generation)| {
            outputs(generation).into_iter().map(move |output| (index, output))
        });
        answer.whole(all.collect())
    }

    /// Takes no more requests, waits until the running ones end or `limit` is over, then cancels the rest.
    pub fn shutdown(self, limit: Duration) {
        self.engine.shutdown(limit);
    }
}

/// The executor of the chosen backend with its model.
#[cfg(any(feature = "burn", feature = "turbomind"))]
fn executor(config: &DeployConfig) -> Result<(internlm_model::ModelConfig, Box<dyn Executor>)> {
    use crate::config::Backend;

    let (model, limits) = (&config.model, &config.engine);
    match model.chosen_backend() {
        #[cfg(feature = "turbomind")]
        Backend::Turbomind => {
            let executor = crate::engine::TurbomindExecutor::load(&model.path, limits)?;
            Ok((executor.model_config().clone(), Box::new(executor)))
        }
        #[cfg(feature = "burn")]
        Backend::Burn => {
            let executor = crate::engine::BurnExecutor::load(&model.path, &model.device, limits)?;
            Ok((executor.model_config().clone(), Box::new(executor)))
        }
        #[allow(unreachable_patterns, reason = "a build may have all backends")]
        other => {
            let built = [
                cfg!(feature = "turbomind").then_some(Backend::Turbomind.name()),
                cfg!(feature = "burn").then_some(Backend::Burn.name()),
            ];
            let built = built.into_iter().flatten().collect::<Vec<_>>().join(", ");
            let expected = format!("one of {built}, which this build has");
            Err(crate::Error::setting("model.backend", other.name(), expected))
        }
    }
}

/// Seconds to the millisecond, which is more than anybody reads.
#[cfg(any(feature = "burn", feature = "turbomind"))]
fn rounded(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e3).round() / 1e3
}

/// Limits that fit the executor, with the queue of the config.
#[cfg(any(feature = "burn", feature = "turbomind"))]
fn scheduler_config(capacity: &crate::engine::Capacity, config: &DeployConfig) -> SchedulerConfig {
    let limits = SchedulerConfig::new(capacity).with_aging(Duration::from_secs_f64(config.queue.aging));
    let max_queue = config.queue.max_queue.unwrap_or(limits.max_queue);
    limits.with_max_queue(max_queue)
}

/// All outputs of a request; waits on this thread.
fn outputs(mut generation: Generation) -> Vec<Output> {
    std::iter::from_fn(|| generation.wait()).collect()
}

/// Chunks of a chat answer, from [`Pipeline::chat_stream`]; `next` waits on its thread. Nothing follows an error.
#[derive(Debug)]
pub struct ChatChunks {
    generation: Generation,
    answer: ChatAnswer,
    ready: std::vec::IntoIter<ChatChunk>,
}

impl Iterator for ChatChunks {
    type Item = Result<ChatChunk>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(chunk) = self.ready.next() {
                return Some(Ok(chunk));
            }
            match self.answer.chunks(self.generation.wait()?) {
                Ok(chunks) => self.ready = chunks.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
