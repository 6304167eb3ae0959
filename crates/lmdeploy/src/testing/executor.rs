//! [`MockExecutor`]: scripted ids instead of a model, for tests of everything around one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use internlm_model::TokenId;

use super::naps::Sleeper;
use super::{MockLog, MockNaps, MockReply, MockRequest};
use crate::engine::{
    Batch, BlockCopy, BlockId, Capacity, ExecuteError, Executor, Logits, LogitsWanted, RequestId,
    SequencePart, SleepLevel, SleepPart, WeightLoader,
};

/// Logit of the scripted id against 0 for all others: certain even at temperature 2.
const CERTAIN: f32 = 60.0;
/// Logit of a prompt's own id when the prompt is scored: its log-probability is below 0.
const LIKELY: f32 = 10.0;
/// Number of hidden states of a token.
const HIDDEN: usize = 8;

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
    /// Requests whose logits have been wanted at least once.
    requests: BTreeMap<RequestId, Scripted>,
    log: MockLog,
    /// None: it cannot sleep, and no other weights can take the place of its own.
    sleeper: Option<Sleeper>,
}

/// Makes the mock that takes the place of another one.
#[derive(Debug)]
struct MockLoader {
    mock: MockExecutor,
    sleeper: Sleeper,
}

/// What is known of one request once its prompt has been computed.
#[derive(Clone, Debug)]
struct Scripted {
    /// Place in the order of arrival.
    index: usize,
    /// Length of the prompt.
    prompt: usize,
    reply: Vec<TokenId>,
}

/// How a step of a mock goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MockFault {
    /// The executor returns an error: every sequence of the step fails.
    Error,
    /// The logits are not numbers.
    Nan,
    /// The executor panics, as a broken kernel would.
    Panic,
    /// The first sequence of the step fails and the others do not.
    First,
}

impl Default for MockExecutor {
    /// Echoes prompts; 64 blocks of 16 tokens, 8 sequences of up to 1024 tokens, 64 ids, end id 2.
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
        Self::new(MockReply::echo(), capacity)
    }
}

impl MockExecutor {
    /// A mock with end id 2, no delay and no faults.
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
            requests: BTreeMap::new(),
            log: MockLog::default(),
            sleeper: None,
        }
    }

    /// Sets the id that follows every reply. Default 2.
    #[must_use]
    pub fn with_end(self, end: TokenId) -> Self {
        Self { end, ..self }
    }

    /// Makes every step take at least `delay`, so that requests overlap.
    #[must_use]
    pub fn with_delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Makes step number `step`, counted from 0, go wrong.
    #[must_use]
    pub fn with_fault(mut self, step: u64, fault: MockFault) -> Self {
        self.faults.insert(step, fault);
        self
    }

    /// Lets it sleep, wake, and make place for another mock, which is its copy.
    #[must_use]
    pub fn with_sleep(self) -> Self {
        Self { sleeper: Some(Sleeper::default()), ..self }
    }

    /// Lets it sleep, wake, and make place for a mock with other replies, whatever the path is that they are loaded from.
    #[must_use]
    pub fn with_update(self, reply: MockReply) -> Self {
        Self { sleeper: Some(Sleeper::updating(reply)), ..self }
    }

    /// How often it has slept; the counts stay readable while the engine owns the executor.
    #[must_use]
    pub fn naps(&self) -> MockNaps {
        self.sleeper.as_ref().map(|sleeper| sleeper.naps.clone()).unwrap_or_default()
    }

    /// The prompts received so far; the log stays readable while the engine owns the executor.
    #[must_use]
    pub fn log(&self) -> MockLog {
        self.log.clone()
    }

    /// Copies the tokens that a sequence shares with another one's last block.
    fn copy(&mut self, copy: BlockCopy) {
        let start = |block: BlockId| block.index() * self.capacity.block_tokens;
        let (from, to) = (start(copy.from), start(copy.to));
        self.cache.copy_within(from..from + copy.tokens, to);
    }

    fn slot(&self, step: &SequencePart, position: usize) -> usize {
        let block = step.blocks[position / self.capacity.block_tokens];
        block.index() * self.capacity.block_tokens + position % self.capacity.block_tokens
    }

    /// Notes that the prompt of `step`'s sequence ends at `known` tokens, as far as can be seen.
    fn begin(&mut self, step: &SequencePart, known: usize) {
        let prompt: Vec<TokenId> = (0..known).map(|position| self.cache[self.slot(step, position)]).collect();
        let index = self.requests.get(&step.id).map_or(self.requests.len(), |request| request.index);
        self.log.record(index, &prompt);
        let reply = self.reply.ids(MockRequest { index, prompt: &prompt });
        self.requests.insert(step.id, Scripted { index, prompt: known, reply });
    }

    /// The id after the first `known` tokens of a sequence.
    fn next(&mut self, step: &SequencePart, known: usize) -> TokenId {
        // A preempted sequence is computed again with its answer: only the first time shows the prompt alone.
        if !self.requests.contains_key(&step.id) {
            self.begin(step, known);
        }
        let request = &self.requests[&step.id];
        request.reply.get(known - request.prompt).copied().unwrap_or(self.end)
    }

    fn row(&self, id: TokenId, logit: f32, values: &mut Vec<f32>) {
        let start = values.len();
        values.resize(start + self.capacity.vocab, 0.0);
        values[start + id.index() % self.capacity.vocab] = logit;
    }

    /// The hidden states of a token: they depend on its id and position alone.
    fn states(id: TokenId, position: usize) -> impl Iterator<Item = f32> {
        let place = id.index() * 31 + position * 17;
        (0..HIDDEN).map(move |column| ((place + column * 7) as f32).sin())
    }

    /// The hidden states that `step` wants: those of its last tokens.
    fn hidden(step: &SequencePart) -> impl Iterator<Item = f32> {
        let places = (step.position..).zip(&step.tokens).skip(step.tokens.len() - step.hidden_rows());
        places.flat_map(|(position, id)| Self::states(*id, position))
    }

    /// Stores the tokens of `step` and appends the rows of logits that it wants.
    fn compute(&mut self, step: &SequencePart, values: &mut Vec<f32>) {
        for (index, token) in step.tokens.iter().enumerate() {
            let slot = self.slot(step, step.position + index);
            self.cache[slot] = *token;
        }
        let known = step.position + step.tokens.len();
        if step.logits == LogitsWanted::All {
            // The next prompt token is what the mock would have said. After the last token of a chunk it says what
            // it would say after the whole prompt: it cannot know which of the two it is.
            self.begin(step, known);
            for token in &step.tokens[1..] {
                self.row(*token, LIKELY, values);
            }
        }
        if step.rows() > 0 {
            let logit = if step.logits == LogitsWanted::All { LIKELY } else { CERTAIN };
            let next = self.next(step, known);
            self.row(next, logit, values);
        }
    }
}

impl Executor for MockExecutor {
    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn hidden_size(&self) -> Option<usize> {
        Some(HIDDEN)
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        if self.sleeper.as_ref().is_some_and(|sleeper| !sleeper.is_awake()) {
            return Err(ExecuteError::backend("the mock is asleep"));
        }
        let fault = self.faults.get(&self.steps).copied();
        self.steps += 1;
        if !self.delay.is_zero() {
            std::thread::sleep(self.delay);
        }
        match fault {
            Some(MockFault::Error) => return Err(ExecuteError::backend("a scripted error")),
            Some(MockFault::Panic) => panic!("a scripted panic"),
            Some(MockFault::Nan | MockFault::First) | None => {}
        }
        for copy in &batch.copies {
            self.copy(*copy);
        }
        let mut values = Vec::with_capacity(batch.row_count() * self.capacity.vocab);
        for step in &batch.steps {
            self.compute(step, &mut values);
        }
        let mut states: Vec<f32> = batch.steps.iter().flat_map(Self::hidden).collect();
        if fault == Some(MockFault::Nan) {
            values.fill(f32::NAN);
            states.fill(f32::NAN);
        }
        let logits = Logits::new(values, self.capacity.vocab).with_hidden(states, HIDDEN);
        let first = fault == Some(MockFault::First);
        Ok(if first { logits.with_fault(0, "a scripted fault of one".to_owned()) } else { logits })
    }

    fn sleep(&mut self, _level: SleepLevel) -> Result<(), ExecuteError> {
        let sleeper = self.sleeper.as_mut().ok_or(ExecuteError::Unsupported { what: "sleep" })?;
        sleeper.sleep();
        // Whoever used what was stored would give another answer.
        self.cache.fill(TokenId(0));
        Ok(())
    }

    fn wake(&mut self, part: SleepPart) -> Result<(), ExecuteError> {
        let sleeper = self.sleeper.as_mut().ok_or(ExecuteError::Unsupported { what: "sleep" })?;
        sleeper.wake(part);
        Ok(())
    }

    fn loader(&self) -> Option<Arc<dyn WeightLoader>> {
        let sleeper = self.sleeper.as_ref()?.clone();
        let reply = sleeper.update().unwrap_or_else(|| self.reply.clone());
        let mock = Self::new(reply, self.capacity).with_end(self.end).with_delay(self.delay);
        Some(Arc::new(MockLoader { mock, sleeper }))
    }
}

impl WeightLoader for MockLoader {
    fn load(&self, _path: &Path) -> crate::Result<Box<dyn Executor>> {
        self.sleeper.count_load();
        Ok(Box::new(MockExecutor { sleeper: Some(self.sleeper.loaded()), ..self.mock.clone() }))
    }
}
