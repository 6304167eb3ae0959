//! [`MockExecutor`]: scripted ids instead of a model, for tests of everything around one.

use std::collections::BTreeMap;
use std::time::Duration;

use internlm_model::TokenId;

use super::{Batch, Capacity, ExecuteError, Executor, Logits, LogitsWanted, RequestId, SeqStep};

/// Plays scripted ids. Its cache holds the token of each position, and it reads the sequence back from there:
/// a wrong block shows up as a wrong reply.
#[derive(Clone, Debug)]
pub struct MockExecutor {
    capacity: Capacity,
    reply: MockReply,
    end: TokenId,
    delay: Duration,
    faults: BTreeMap<u64, MockFault>,
    steps: u64,
    /// One token per slot.
    cache: Vec<TokenId>,
    /// Prompt length of each request, known from the first time its logits were wanted.
    prompts: BTreeMap<RequestId, usize>,
}

/// What a mock answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MockReply {
    /// These ids, then the end id.
    Script(Vec<TokenId>),
    /// The prompt again, then the end id.
    Echo,
}

/// How a step of a mock goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MockFault {
    /// An error.
    Error,
    /// Logits that are not numbers.
    Nan,
    /// A panic.
    Panic,
    /// The first sequence alone goes wrong.
    First,
}

impl Default for MockExecutor {
    /// Echoes; 64 blocks of 16 tokens, 64 ids, end id 2.
    fn default() -> Self {
        let capacity = Capacity {
            blocks: 64,
            block_tokens: 16,
            max_batched_tokens: 64,
            max_sequences: 8,
            max_position: 1024,
            vocab: 64,
            cache_bytes: 64 * 16 * size_of::<TokenId>(),
        };
        Self::new(MockReply::Echo, capacity)
    }
}

impl MockExecutor {
    /// A mock with end id 2.
    #[must_use]
    pub fn new(reply: MockReply, capacity: Capacity) -> Self {
        let cache = vec![TokenId(0); capacity.blocks * capacity.block_tokens];
        Self {
            capacity,
            reply,
            end: TokenId(2),
            delay: Duration::ZERO,
            faults: BTreeMap::new(),
            steps: 0,
            cache,
            prompts: BTreeMap::new(),
        }
    }

    /// The same with another end id.
    #[must_use]
    pub fn with_end(self, end: TokenId) -> Self {
        Self { end, ..self }
    }

    /// The same, taking `delay` per step.
    #[must_use]
    pub fn with_delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The same, going wrong at `step`, counted from 0.
    #[must_use]
    pub fn with_fault(mut self, step: u64, fault: MockFault) -> Self {
        self.faults.insert(step, fault);
        self
    }

    fn slot(&self, step: &SeqStep, position: usize) -> usize {
        let block = step.blocks[position / self.capacity.block_tokens];
        block.index() * self.capacity.block_tokens + position % self.capacity.block_tokens
    }

    /// The id after the first `known` tokens of a sequence.
    fn next(&mut self, step: &SeqStep, known: usize) -> TokenId {
        let prompt = *self.prompts.entry(step.id).or_insert(known);
        let index = known - prompt;
        match &self.reply {
            MockReply::Script(ids) => ids.get(index).copied().unwrap_or(self.end),
            MockReply::Echo if index < prompt => self.cache[self.slot(step, index)],
            MockReply::Echo => self.end,
        }
    }

    fn row(&self, id: TokenId, values: &mut Vec<f32>) {
        let start = values.len();
        values.resize(start + self.capacity.vocab, 0.0);
        values[start + id.index() % self.capacity.vocab] = 10.0;
    }
}

impl Executor for MockExecutor {
    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        let fault = self.faults.get(&self.steps).copied();
        self.steps += 1;
        if !self.delay.is_zero() {
            std::thread::sleep(self.delay);
        }
        match fault {
            Some(MockFault::Error) => return Err(ExecuteError("a scripted error".to_owned())),
            Some(MockFault::Panic) => panic!("a scripted panic"),
            Some(MockFault::Nan | MockFault::First) | None => {}
        }
        let mut values = Vec::with_capacity(batch.row_count() * self.capacity.vocab);
        for step in &batch.steps {
            for (index, token) in step.tokens.iter().enumerate() {
                let slot = self.slot(step, step.position + index);
                self.cache[slot] = *token;
            }
            let known = step.position + step.tokens.len();
            if step.logits == LogitsWanted::All {
                // The next prompt token is what the mock would have said. Behind the last of a chunk it says what
                // it would say behind the whole prompt: it cannot know which of the two it is.
                self.prompts.insert(step.id, known);
                for token in &step.tokens[1..] {
                    self.row(*token, &mut values);
                }
            }
            if step.logits != LogitsWanted::None {
                let next = self.next(step, known);
                self.row(next, &mut values);
            }
        }
        if fault == Some(MockFault::Nan) {
            values.fill(f32::NAN);
        }
        let logits = Logits::new(values, self.capacity.vocab);
        let first = fault == Some(MockFault::First);
        Ok(if first { logits.with_fault(0, "a scripted fault of one".to_owned()) } else { logits })
    }
}
