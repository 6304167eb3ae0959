//! [`Pipeline`]: a model in this process; requests and answers are the same as over HTTP.

mod chat_chunks;
#[cfg(any(feature = "burn", feature = "turbomind"))]
mod load;

use std::collections::VecDeque;
use std::time::Duration;

pub use chat_chunks::ChatChunks;

use crate::Result;
use crate::engine::{Engine, EngineConfig, Executor, GenerateRequest, Generation, Output, SchedulerConfig};
use crate::protocol::{ChatRequest, ChatResponse, CompletionRequest, CompletionResponse, EmbeddingRequest};
use crate::respond::{Responder, ServedModel, VectorScale, check_end, whole_chat};

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
        let (generations, answers) = self.responder.chat(request)?;
        whole_chat(answers, outputs(generations)?)
    }

    /// Answers a chat request piece by piece. Dropping the iterator cancels the request.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] at once when the request is wrong, later as an item.
    pub fn chat_stream(&self, request: &ChatRequest) -> Result<ChatChunks> {
        let (generations, answers) = self.responder.chat(request)?;
        Ok(ChatChunks::new(generations, answers))
    }

    /// Answers a completion request and waits for the whole answer; `stream` is ignored.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status that a server would answer.
    pub fn completions(&self, request: &CompletionRequest) -> Result<CompletionResponse> {
        let (generations, mut answer) = self.responder.completions(request)?;
        answer.whole(outputs(generations)?)
    }

    /// The vector of each text, in order: the hidden states of its last token, scaled to length 1.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status that a server would answer.
    pub fn embed(&self, texts: impl IntoIterator<Item = impl Into<String>>) -> Result<Vec<Vec<f32>>> {
        let texts: Vec<String> = texts.into_iter().map(Into::into).collect();
        let request = EmbeddingRequest::new(texts);
        let mut embeddings = self.responder.embeddings(&request, VectorScale::Unit)?;
        let outputs = self.in_turn(embeddings.take_requests())?;
        embeddings.vectors(outputs)
    }

    /// All outputs of requests in order, which run as many at a time as the engine runs; waits on this thread.
    fn in_turn(&self, requests: Vec<GenerateRequest>) -> Result<Vec<Output>> {
        let engine = self.responder.engine();
        let mut generations = requests.into_iter().map(|request| engine.submit(request));
        let places = engine.limits().max_sequences.max(1);
        let mut running: VecDeque<Generation> = generations.by_ref().take(places).collect();
        let mut all = Vec::new();
        while let Some(first) = running.pop_front() {
            all.extend(outputs(vec![first])?.into_iter().map(|(_, output)| output));
            running.extend(generations.next());
        }
        Ok(all)
    }

    /// Takes no more requests, waits until the running ones end or `limit` is over, then cancels the rest.
    pub fn shutdown(self, limit: Duration) {
        self.engine.shutdown(limit);
    }
}

/// All outputs of all generations, each with the place of its generation; waits on this thread. The first one that
/// fails is the error, and cancels the others.
fn outputs(generations: Vec<Generation>) -> Result<Vec<(usize, Output)>> {
    let mut all = Vec::new();
    for (index, mut generation) in generations.into_iter().enumerate() {
        while let Some(output) = generation.wait() {
            if let Output::Finished(finished) = &output {
                check_end(&finished.end)?;
            }
            all.push((index, output));
        }
    }
    Ok(all)
}
