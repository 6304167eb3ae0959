//! Prompts and decode steps of an executor alone: what it reaches without scheduler, sampling and HTTP.

use std::time::Instant;

use internlm_model::TokenId;
use serde::Serialize;

use crate::engine::{
    Batch, BlockId, CacheSize, ExecuteError, Executor, ExecutorConfig, LogitsDetail, LogitsWanted, RequestId,
    SequencePart,
};

/// Tokens per block of the cache, as upstream on GPUs.
const BLOCK_TOKENS: usize = 64;

/// Sequences that decode together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct DecodeLoad {
    /// Number of sequences.
    pub(crate) batch: usize,
    /// Number of tokens that each has in the cache before the first step.
    pub(crate) context: usize,
}

/// What is measured.
///
/// Keys and values before the first decode step are whatever the cache holds, and ids do not depend on logits: neither
/// changes how long a step takes.
#[derive(Clone, Debug)]
pub(crate) struct GenerationBench {
    /// Batches whose decode steps are measured.
    pub(crate) decode: Vec<DecodeLoad>,
    /// Lengths of prompts that are measured.
    pub(crate) prefill: Vec<usize>,
    /// Number of measured steps.
    pub(crate) steps: usize,
    /// Number of steps before them.
    pub(crate) warmup: usize,
}

/// Times of the steps of one batch or prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct GenerationResult {
    /// `decode` or `prefill`.
    pub(crate) phase: &'static str,
    /// Number of sequences.
    pub(crate) batch: usize,
    /// Number of tokens in the cache before the first decode step, or of the prompt.
    pub(crate) context: usize,
    /// Seconds of each measured step, from the ids to the largest logit on the host.
    pub(crate) seconds: Vec<f64>,
    /// Tokens per second of the median step, generated ones or those of the prompt.
    pub(crate) tokens_per_second: f64,
}

/// Maximum number of tokens of all sequences of a batch: more than any GPU holds.
const MAX_TOKENS: usize = 1 << 32;

impl GenerationBench {
    /// Whether batches and prompts are of a size that can be counted.
    ///
    /// # Errors
    /// The name of the option, what was found, and what is expected.
    pub(crate) fn check(&self) -> Result<(), String> {
        let fits = |size: &DecodeLoad| {
            let length = size.context.checked_add(self.warmup)?.checked_add(self.steps)?;
            length.checked_mul(size.batch).filter(|tokens| *tokens <= MAX_TOKENS)
        };
        if let Some(size) = self.decode.iter().find(|size| fits(size).is_none()) {
            let DecodeLoad { batch, context } = size;
            let steps = format!("{} steps of warm-up and {} steps", self.warmup, self.steps);
            return Err(format!(
                "--decode: found {batch}x{context} with {steps}, expected at most {MAX_TOKENS} tokens"
            ));
        }
        match self.prefill.iter().find(|tokens| **tokens > MAX_TOKENS) {
            Some(tokens) => Err(format!("--prefill: found {tokens}, expected at most {MAX_TOKENS}")),
            None => Ok(()),
        }
    }

    /// Limits of an executor that can take every batch and prompt.
    pub(crate) fn limits(&self) -> ExecutorConfig {
        let lengths = self.decode.iter().map(|size| self.longest(*size)).chain(self.prefill.iter().copied());
        let length = lengths.max().unwrap_or(1);
        let sequences = self.decode.iter().map(|size| size.batch).max().unwrap_or(1);
        let decode = self.decode.iter().map(|size| size.batch * self.longest(*size).div_ceil(BLOCK_TOKENS));
        let prefill = self.prefill.iter().map(|tokens| tokens.div_ceil(BLOCK_TOKENS));
        // A number of blocks is above 1.
        let blocks = decode.chain(prefill).max().unwrap_or(1).max(2);
        let tokens = self.prefill.iter().copied().max().unwrap_or(1).max(sequences);
        ExecutorConfig::default()
            .with_session_len(length)
            .with_max_batch_size(sequences)
            .with_max_prefill_token_num(tokens)
            .with_cache_block_seq_len(BLOCK_TOKENS)
            .with_cache_size(CacheSize::Blocks(blocks))
    }

    /// Computes one token of one sequence: the first step of an executor, which compiles its kernels.
    ///
    /// # Errors
    /// That of the executor.
    pub(crate) fn first_token(executor: &mut dyn Executor) -> Result<(), ExecuteError> {
        let batch = Batches::new(executor, 1).batch(1, 0, 1);
        executor.step(&batch).map(drop)
    }

    /// Measures everything on an executor with these limits, and hands each result to `done`.
    ///
    /// # Errors
    /// The first error of the executor or of `done`.
    pub(crate) fn run<E: From<ExecuteError>>(
        &self,
        executor: &mut dyn Executor,
        mut done: impl FnMut(GenerationResult) -> Result<(), E>,
    ) -> Result<(), E> {
        for size in &self.decode {
            let DecodeLoad { batch, context } = *size;
            let batches = Batches::new(executor, self.longest(*size));
            let seconds = self.times(executor, |step| batches.batch(batch, context + step, 1))?;
            done(GenerationResult::new("decode", *size, batch, seconds))?;
        }
        for tokens in &self.prefill {
            let batches = Batches::new(executor, *tokens);
            let seconds = self.times(executor, |_| batches.batch(1, 0, *tokens))?;
            let size = DecodeLoad { batch: 1, context: *tokens };
            done(GenerationResult::new("prefill", size, *tokens, seconds))?;
        }
        Ok(())
    }

    /// Number of tokens of a sequence after the last step.
    fn longest(&self, size: DecodeLoad) -> usize {
        size.context + self.warmup + self.steps
    }

    /// Seconds of the measured steps; the executor gives its answer to the host, which ends a step.
    fn times(
        &self,
        executor: &mut dyn Executor,
        batch: impl Fn(usize) -> Batch,
    ) -> Result<Vec<f64>, ExecuteError> {
        let mut seconds = Vec::with_capacity(self.warmup + self.steps);
        for step in 0..self.warmup + self.steps {
            let batch = batch(step);
            let start = Instant::now();
            executor.step(&batch)?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        Ok(seconds.split_off(self.warmup))
    }
}

impl GenerationResult {
    /// The result of steps of `tokens` tokens each.
    fn new(phase: &'static str, size: DecodeLoad, tokens: usize, seconds: Vec<f64>) -> Self {
        let mut sorted = seconds.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let typical = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
        let DecodeLoad { batch, context } = size;
        Self { phase, batch, context, seconds, tokens_per_second: tokens as f64 / typical }
    }
}

/// Batches over sequences that have the same number of blocks each.
struct Batches {
    vocab: usize,
    /// Number of blocks of a sequence.
    blocks: usize,
}

impl Batches {
    /// Batches of sequences that become `tokens` tokens long.
    fn new(executor: &dyn Executor, tokens: usize) -> Self {
        Self { vocab: executor.capacity().vocab, blocks: tokens.div_ceil(BLOCK_TOKENS) }
    }

    /// `tokens` tokens from `position` on of each of the first `sequences` sequences; the largest logit of each.
    fn batch(&self, sequences: usize, position: usize, tokens: usize) -> Batch {
        let steps = (0..sequences).map(|sequence| self.part(sequence, position, tokens)).collect();
        Batch { copies: Vec::new(), steps, detail: LogitsDetail::Top(1) }
    }

    fn part(&self, sequence: usize, position: usize, tokens: usize) -> SequencePart {
        let end = position + tokens;
        let id = |place: usize| TokenId(((7919 * place + 131 * sequence) % self.vocab) as u32);
        let first = sequence * self.blocks;
        SequencePart {
            id: RequestId(sequence as u64),
            tokens: (position..end).map(id).collect(),
            position,
            rope_len: end,
            blocks: (first..first + end.div_ceil(BLOCK_TOKENS)).map(|block| BlockId(block as u32)).collect(),
            logits: LogitsWanted::Last,
        }
    }
}

#[cfg(test)]
mod tests {
    use internlm_model::{Decoder, ModelConfig, ModelSize, device};

    use super::*;
    use crate::engine::BurnExecutor;

    #[test]
    fn batches_and_prompts_fit_their_limits() {
        let bench = GenerationBench {
            decode: vec![DecodeLoad { batch: 3, context: 126 }, DecodeLoad { batch: 1, context: 5 }],
            prefill: vec![70],
            steps: 3,
            warmup: 1,
        };
        let limits = bench.limits();
        // 130 tokens are three blocks for each of three sequences.
        assert_eq!(limits.cache_max_entry_count, CacheSize::Blocks(9));
        assert_eq!((limits.max_batch_size, limits.max_prefill_token_num), (3, 70));
        let size = ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 50 };
        let (config, device) = (ModelConfig::new(size), device::parse("cpu").expect("the CPU"));
        let decoder = Decoder::init(&config, 1, &device);
        let mut executor = BurnExecutor::new(&config, decoder, &device, &limits).expect("fits");
        GenerationBench::first_token(&mut executor).expect("computes");
        let mut results = Vec::new();
        let take = |result| {
            results.push(result);
            Ok::<(), ExecuteError>(())
        };
        bench.run(&mut executor, take).expect("computes");
        let found: Vec<_> =
            results.iter().map(|result| (result.phase, result.batch, result.context)).collect();
        assert_eq!(found, [("decode", 3, 126), ("decode", 1, 5), ("prefill", 1, 70)]);
        assert!(results.iter().all(|result| result.seconds.len() == 3 && result.tokens_per_second > 0.0));
    }
}
