//! [`BurnExecutor`]: the decoder of `internlm-model` on any Burn device behind the engine.

use std::path::Path;

use burn::tensor::{Device, Int, Tensor, TensorData};
use internlm_model::decoder::Decoder;
use internlm_model::positions::{Positions, Run};
use internlm_model::{ModelConfig, TokenId, device};

use super::rotary_limit::rotary_limit;
use super::{Batch, Capacity, ExecuteError, Executor, ExecutorConfig, Logits, LogitsWanted};
use crate::Result;
use crate::cache::PagedCache;

/// Runs the decoder over batches of sequences, with weights, keys and values as f32.
#[derive(Debug)]
pub struct BurnExecutor {
    decoder: Decoder,
    device: Device,
    cache: PagedCache,
    capacity: Capacity,
}

impl BurnExecutor {
    /// Loads a model folder or GGUF file onto the device called `device_name`: `cpu`, `cuda:N` or `vulkan:N`.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) when the model cannot be read, [`Error::Setting`](crate::Error::Setting)
    /// when the cache does not fit.
    pub fn load(path: impl AsRef<Path>, device_name: &str, limits: &ExecutorConfig) -> Result<Self> {
        let device = device::parse(device_name)?;
        let decoder = Decoder::load(path, &device)?;
        let config = decoder.config().clone();
        Self::new(&config, decoder, &device, limits)
    }

    /// The shape of the model that was loaded.
    #[must_use]
    pub fn model_config(&self) -> &ModelConfig {
        self.decoder.config()
    }

    /// An executor for a decoder in memory.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) when the cache does not fit into memory.
    pub fn new(
        config: &ModelConfig,
        decoder: Decoder,
        device: &Device,
        limits: &ExecutorConfig,
    ) -> Result<Self> {
        let max_position = limits.session_len.unwrap_or(config.max_position);
        let block_bytes = PagedCache::block_bytes(config, limits.cache_block_seq_len);
        let wanted = limits.max_batch_size * max_position.div_ceil(limits.cache_block_seq_len);
        let blocks = limits.cache_max_entry_count.blocks(block_bytes, wanted)?;
        let capacity = Capacity {
            blocks,
            block_tokens: limits.cache_block_seq_len,
            max_batched_tokens: limits.max_prefill_token_num,
            max_sequences: limits.max_batch_size,
            max_position,
            vocab: config.vocab,
            cache_bytes: blocks * block_bytes,
        };
        let cache = PagedCache::new(config, blocks, limits.cache_block_seq_len);
        Ok(Self { decoder, device: device.clone(), cache, capacity })
    }
}

impl Executor for BurnExecutor {
    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn rotary_limit(&self) -> usize {
        rotary_limit(self.decoder.config())
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        for copy in &batch.copies {
            self.cache.copy(*copy);
        }
        let vocab = self.capacity.vocab;
        let tokens: Vec<TokenId> = batch.steps.iter().flat_map(|step| step.tokens.iter().copied()).collect();
        let ids = self.decoder.ids(&tokens, &self.device).map_err(ExecuteError::backend)?;
        let runs = batch.steps.iter().map(|step| Run { first: step.position, tokens: step.tokens.len() });
        let lengths = batch.steps.iter().map(|step| step.rope_len);
        let positions = Positions::from_runs(runs.collect()).with_rope_lengths(lengths.collect());
        let blocks = batch.steps.iter().map(|step| step.blocks.clone());
        self.cache.begin(positions, blocks.collect());
        let hidden = self.decoder.forward(ids, &mut self.cache);
        let broken = broken_steps(batch, &hidden);
        let rows = wanted_rows(batch);
        if rows.is_empty() {
            return Ok(with_faults(Logits::new(Vec::new(), vocab), &broken));
        }
        let hidden = if rows.len() == tokens.len() {
            hidden
        } else {
            let count = rows.len();
            hidden.select(0, Tensor::<1, Int>::from_data(TensorData::new(rows, [count]), &self.device))
        };
        let logits = self.decoder.logits(hidden).into_data().convert::<f32>();
        let values =
            logits.try_into_vec::<f32>().map_err(|error| ExecuteError::backend(format!("{error:?}")))?;
        Ok(with_faults(Logits::new(values, vocab), &broken))
    }
}

/// Numbers of the steps that computed something beyond the range of floats, which nobody else must share.
///
/// # Shapes
/// - hidden: `[batch.tokens(), hidden]`
fn broken_steps(batch: &Batch, hidden: &Tensor<2>) -> Vec<usize> {
    // A sum is a number only if all of its terms are.
    let sums = hidden.clone().sum_dim(1).into_data().convert::<f32>();
    let sums: &[f32] = sums.as_slice().expect("the data has just been converted to f32");
    let mut start = 0;
    let broken = batch.steps.iter().enumerate().filter(|(_, step)| {
        let end = start + step.tokens.len();
        let broken = sums[start..end].iter().any(|sum| !sum.is_finite());
        start = end;
        broken
    });
    broken.map(|(index, _)| index).collect()
}

fn with_faults(logits: Logits, broken: &[usize]) -> Logits {
    broken.iter().fold(logits, |logits, step| {
        logits.with_fault(*step, "numbers beyond the range of floats".to_owned())
    })
}

/// Places of the tokens at which logits are wanted, in the order of the batch.
fn wanted_rows(batch: &Batch) -> Vec<i32> {
    let mut rows = Vec::with_capacity(batch.row_count());
    let mut start = 0;
    for step in &batch.steps {
        let end = start + step.tokens.len();
        match step.logits {
            LogitsWanted::None => {}
            LogitsWanted::Last => rows.push(end as i32 - 1),
            LogitsWanted::All => rows.extend(start as i32..end as i32),
        }
        start = end;
    }
    rows
}
