//! [`Chain`]: a model that fails now and then and needs no memory for the requests that it has answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use internlm_model::{TokenId, Tokenizer};
use lmdeploy::engine::{Batch, BlockId, Capacity, ExecuteError, Executor, Logits, SequencePart};

/// What a failing step says.
pub(super) const SCRIPTED: &str = "a scripted fault";
/// How long a step takes.
const STEP: Duration = Duration::from_micros(300);
/// One in so many steps fails.
const FAULTS: u64 = 97;

/// A model whose next id follows from all ids before it, which it reads back from the cache: a wrong block shows up as
/// another text. It remembers nothing else, and so needs no memory for ended requests.
pub(super) struct Chain {
    capacity: Capacity,
    words: Vec<TokenId>,
    end: TokenId,
    cache: Vec<TokenId>,
    faulty: Arc<AtomicBool>,
    steps: u64,
}

impl Chain {
    pub(super) fn new(tokenizer: &Tokenizer, faulty: Arc<AtomicBool>) -> Self {
        let capacity = Capacity {
            blocks: 26,
            block_tokens: 8,
            max_batched_tokens: 48,
            max_sequences: 8,
            max_position: 200,
            vocab: tokenizer.vocab_size(),
            cache_bytes: 0,
        };
        Self {
            words: tokenizer.encode("the quick brown fox jumps over the lazy dog: {\"name\": \"añd\"}"),
            end: tokenizer.special("<|im_end|>").expect("InternLM2's"),
            cache: vec![TokenId(0); capacity.blocks * capacity.block_tokens],
            capacity,
            faulty,
            steps: 0,
        }
    }

    fn slot(&self, part: &SequencePart, position: usize) -> usize {
        let block = part.blocks[position / self.capacity.block_tokens];
        block.index() * self.capacity.block_tokens + position % self.capacity.block_tokens
    }

    /// The id after the first `known` ids of a sequence.
    fn next(&self, part: &SequencePart, known: usize) -> TokenId {
        let ids = (0..known).map(|position| self.cache[self.slot(part, position)]);
        // FNV-1a.
        let hash = ids.fold(0xcbf2_9ce4_8422_2325_u64, |hash, id| {
            (hash ^ id.index() as u64).wrapping_mul(0x0100_0000_01b3)
        });
        if hash.is_multiple_of(29) { self.end } else { self.words[hash as usize % self.words.len()] }
    }
}

impl Executor for Chain {
    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        std::thread::sleep(STEP);
        self.steps += 1;
        if self.steps.is_multiple_of(FAULTS) && self.faulty.load(Ordering::Relaxed) {
            return Err(ExecuteError::backend(SCRIPTED));
        }
        let start = |block: BlockId| block.index() * self.capacity.block_tokens;
        for copy in &batch.copies {
            let (from, to) = (start(copy.from), start(copy.to));
            self.cache.copy_within(from..from + copy.tokens, to);
        }
        let mut values = Vec::with_capacity(batch.row_count() * self.capacity.vocab);
        for part in &batch.steps {
            for (position, id) in (part.position..).zip(&part.tokens) {
                let slot = self.slot(part, position);
                self.cache[slot] = *id;
            }
            let known = part.position + part.tokens.len();
            for known in known + 1 - part.rows()..=known {
                let row = values.len();
                values.resize(row + self.capacity.vocab, 0.0);
                values[row + self.next(part, known).index()] = 60.0;
            }
        }
        Ok(Logits::new(values, self.capacity.vocab))
    }
}
