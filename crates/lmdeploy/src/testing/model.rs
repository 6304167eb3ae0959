//! [`MockModel`]: scripted replies with a small vocabulary and InternLM2's chat format.

use std::sync::Arc;
use std::time::Duration;

use internlm_model::chat::ChatTemplate;
use internlm_model::chat::marks::IM_END;
use internlm_model::tokenizer::{BpeTrainConfig, Special, train_bpe};
use internlm_model::{TokenId, Tokenizer};

use super::{MockExecutor, MockFault, MockReply};
use crate::Pipeline;
use crate::engine::{Capacity, SchedulerConfig};
use crate::respond::ServedModel;

/// Texts of the vocabulary: a few words become single tokens, everything else is spelled in bytes.
const TEXTS: [&str; 2] =
    ["the quick brown fox jumps over the lazy dog", "{\"name\": \"add\", \"parameters\": {}}"];
/// Number of ids in the vocabulary, 9 special tokens and 256 bytes included; the texts have no more pairs.
const VOCAB: usize = 315;

/// A byte-level vocabulary of 315 ids with InternLM2's special tokens: it can spell any text.
///
/// # Panics
/// Never: the texts it is trained on are fixed.
#[must_use]
pub fn tokenizer() -> Tokenizer {
    let config = BpeTrainConfig::new(VOCAB).with_min_frequency(1);
    train_bpe(TEXTS.into_iter().map(str::to_owned), &config).expect("the vocabulary has room for all bytes")
}

/// A model of scripted replies: all that a server needs but weights.
///
/// ```
/// use lmdeploy::protocol::{ChatMessage, ChatRequest};
/// use lmdeploy::testing::MockModel;
///
/// let pipeline = MockModel::from_fn(|prompt| format!("{} marks", prompt.matches("<|im_start|>").count())).pipeline();
/// let answer = pipeline.chat(&ChatRequest::new([ChatMessage::user("hi")]))?;
/// assert_eq!(answer.text(), "2 marks");
/// # Ok::<(), lmdeploy::Error>(())
/// ```
#[derive(Debug)]
pub struct MockModel {
    name: String,
    tokenizer: Tokenizer,
    replies: Replies,
    capacity: Capacity,
    max_queue: Option<usize>,
    delay: Duration,
    faults: Vec<(u64, MockFault)>,
    rest: Rest,
}

/// Whether the model can give its memory back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rest {
    Never,
    Sleeps,
}

/// Replies in the form they were given in; text becomes ids once the tokenizer is known.
enum Replies {
    Ids(MockReply),
    Texts(Vec<String>),
    Function(Arc<dyn Fn(&str) -> String + Send + Sync>),
}

impl std::fmt::Debug for Replies {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ids(reply) => reply.fmt(formatter),
            Self::Texts(texts) => texts.fmt(formatter),
            Self::Function(_) => formatter.write_str("Function"),
        }
    }
}

impl MockModel {
    /// Replies as text, one per request in order of arrival; the last one repeats. Special tokens such as
    /// `<|action_start|>` are read as such.
    #[must_use]
    pub fn new(replies: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::of(Replies::Texts(replies.into_iter().map(Into::into).collect()))
    }

    /// Replies as ids, to which the end id is appended.
    #[must_use]
    pub fn from_ids(reply: MockReply) -> Self {
        Self::of(Replies::Ids(reply))
    }

    /// Replies computed from the text of the prompt, in which special tokens are visible. It is called on the engine
    /// thread, at least once per request, in any order when requests overlap.
    #[must_use]
    pub fn from_fn(reply: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::of(Replies::Function(Arc::new(reply)))
    }

    fn of(replies: Replies) -> Self {
        let (blocks, block_tokens) = (4096, 16);
        let capacity = Capacity {
            blocks,
            block_tokens,
            max_batched_tokens: 2048,
            max_sequences: 16,
            max_position: 32768,
            vocab: VOCAB,
            cache_bytes: blocks * block_tokens * size_of::<TokenId>(),
        };
        Self {
            name: "mock".to_owned(),
            tokenizer: tokenizer(),
            replies,
            capacity,
            max_queue: None,
            delay: Duration::ZERO,
            faults: Vec::new(),
            rest: Rest::Never,
        }
    }

    /// Sets the name that requests use. Default `mock`.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Sets the vocabulary. Default: [`tokenizer`].
    #[must_use]
    pub fn with_tokenizer(self, tokenizer: Tokenizer) -> Self {
        Self { tokenizer, ..self }
    }

    /// Sets cache, batch and context sizes; `vocab` is the tokenizer's whatever is given. Default: 16 sequences of
    /// up to 32,768 tokens, 65,536 tokens in all.
    #[must_use]
    pub fn with_capacity(self, capacity: Capacity) -> Self {
        Self { capacity, ..self }
    }

    /// Sets the maximum number of waiting requests; further ones are answered with 429. Default: 64.
    #[must_use]
    pub fn with_max_queue(self, requests: usize) -> Self {
        Self { max_queue: Some(requests), ..self }
    }

    /// Makes every step of the engine take at least `delay`, so that requests overlap. Default: none.
    #[must_use]
    pub fn with_delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Makes step number `step` of the engine, counted from 0, go wrong.
    #[must_use]
    pub fn with_fault(mut self, step: u64, fault: MockFault) -> Self {
        self.faults.push((step, fault));
        self
    }

    /// Lets it sleep and wake, and other weights take the place of its own. Default: it refuses to, so that nobody who
    /// calls every route puts it to sleep.
    #[must_use]
    pub fn with_sleep(self) -> Self {
        Self { rest: Rest::Sleeps, ..self }
    }

    /// The vocabulary that prompts and replies are encoded with.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The model below the engine.
    #[must_use]
    pub fn executor(&self) -> MockExecutor {
        let tokenizer = self.tokenizer.clone();
        let reply = match &self.replies {
            Replies::Ids(reply) => reply.clone(),
            Replies::Texts(texts) => {
                MockReply::scripts(texts.iter().map(|text| tokenizer.encode_with_special(text)))
            }
            Replies::Function(reply) => {
                let reply = Arc::clone(reply);
                MockReply::from_fn(move |request| {
                    tokenizer.encode_with_special(&reply(&tokenizer.decode(request.prompt, Special::Keep)))
                })
            }
        };
        let capacity = Capacity { vocab: self.tokenizer.vocab_size(), ..self.capacity };
        let end = self.tokenizer.special(IM_END).or(self.tokenizer.eos()).unwrap_or(TokenId(2));
        let executor = MockExecutor::new(reply, capacity).with_end(end).with_delay(self.delay);
        let executor = if self.rest == Rest::Sleeps { executor.with_sleep() } else { executor };
        self.faults.iter().fold(executor, |executor, (step, fault)| executor.with_fault(*step, *fault))
    }

    /// The model in this process, without a server.
    #[must_use]
    pub fn pipeline(&self) -> Pipeline {
        self.pipeline_of(self.executor())
    }

    pub(super) fn pipeline_of(&self, executor: MockExecutor) -> Pipeline {
        let mut scheduler = SchedulerConfig::new(&self.capacity);
        scheduler.max_queue = self.max_queue.unwrap_or(scheduler.max_queue);
        let template = Some(ChatTemplate::InternLm2);
        let model = ServedModel::new(&self.name, self.tokenizer.clone(), template, &[]);
        Pipeline::new(Box::new(executor), model, scheduler, 0)
    }
}

impl From<&str> for MockModel {
    /// The same reply to every request.
    fn from(reply: &str) -> Self {
        Self::new([reply])
    }
}

impl<const N: usize> From<[&str; N]> for MockModel {
    /// One reply per request; see [`MockModel::new`].
    fn from(replies: [&str; N]) -> Self {
        Self::new(replies)
    }
}

impl From<Vec<String>> for MockModel {
    /// One reply per request; see [`MockModel::new`].
    fn from(replies: Vec<String>) -> Self {
        Self::new(replies)
    }
}
