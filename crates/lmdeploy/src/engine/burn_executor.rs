//! [`BurnExecutor`]: the decoder of `internlm-model` on any Burn device behind the engine.

mod outputs;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use internlm_model::decoder::Decoder;
use internlm_model::positions::{Positions, Run};
use internlm_model::{ModelConfig, TokenId, device, weights};

use self::outputs::StepOutputs;
use super::rotary_limit::rotary_limit;
use super::same_shape::same_shape;
use super::{
    Batch, Capacity, ExecuteError, Executor, ExecutorConfig, Logits, SleepLevel, SleepPart, WeightLoader,
};
use crate::Result;
use crate::cache::PagedCache;

/// Runs the decoder over batches of sequences, with weights, keys and values as f32.
#[derive(Debug)]
pub struct BurnExecutor {
    source: Source,
    /// None while the weights are asleep.
    decoder: Option<Decoder>,
    /// None while the cache is asleep.
    cache: Option<PagedCache>,
    capacity: Capacity,
}

/// Where weights come from and go to.
#[derive(Clone, Debug)]
struct Source {
    /// The model folder or file; none for a decoder that was made in memory, which cannot sleep.
    path: Option<PathBuf>,
    config: ModelConfig,
    device: Device,
}

/// Loads other weights for an executor with this source and capacity.
#[derive(Debug)]
struct Loader {
    source: Source,
    capacity: Capacity,
}

impl Source {
    /// Reads the weights again, from whatever is at the path now.
    fn decoder(&self, path: &Path) -> Result<Decoder> {
        // Before anything large is read.
        same_shape(&self.config, &weights::open_stored(path)?.config)?;
        Ok(Decoder::load(path, &self.device)?)
    }

    fn empty_cache(&self, capacity: Capacity) -> PagedCache {
        PagedCache::new(&self.config, capacity.blocks, capacity.block_tokens, &self.device)
    }
}

impl BurnExecutor {
    /// Loads a model folder or GGUF file onto the device called `device_name`: `cpu`, `cuda:N` or `vulkan:N`.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) when the model cannot be read, [`Error::Setting`](crate::Error::Setting)
    /// when the cache does not fit.
    pub fn load(path: impl AsRef<Path>, device_name: &str, limits: &ExecutorConfig) -> Result<Self> {
        let device = device::parse(device_name)?;
        let decoder = Decoder::load(&path, &device)?;
        let config = decoder.config().clone();
        let mut executor = Self::new(&config, decoder, &device, limits)?;
        executor.source.path = Some(path.as_ref().to_owned());
        Ok(executor)
    }

    /// The shape of the model that was loaded.
    #[must_use]
    pub fn model_config(&self) -> &ModelConfig {
        &self.source.config
    }

    /// An executor for a decoder in memory. It cannot sleep: there is nothing from which its weights could come back.
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
        let source = Source { path: None, config: config.clone(), device: device.clone() };
        let cache = source.empty_cache(capacity);
        Ok(Self { source, decoder: Some(decoder), cache: Some(cache), capacity })
    }
}

impl Executor for BurnExecutor {
    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn rotary_limit(&self) -> usize {
        rotary_limit(&self.source.config)
    }

    fn hidden_size(&self) -> Option<usize> {
        Some(self.source.config.hidden)
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        let (vocab, width) = (self.capacity.vocab, self.source.config.hidden);
        let (Some(decoder), Some(cache)) = (&self.decoder, &mut self.cache) else {
            return Err(ExecuteError::backend("weights or cache are asleep"));
        };
        cache.copy(&batch.copies);
        let tokens: Vec<TokenId> = batch.steps.iter().flat_map(|step| step.tokens.iter().copied()).collect();
        let ids = decoder.ids(&tokens, &self.source.device).map_err(ExecuteError::backend)?;
        let runs = batch.steps.iter().map(|step| Run { first: step.position, tokens: step.tokens.len() });
        let lengths = batch.steps.iter().map(|step| step.rope_len);
        let positions = Positions::from_runs(runs.collect()).with_rope_lengths(lengths.collect());
        let blocks = batch.steps.iter().map(|step| step.blocks.clone());
        cache.begin(positions, blocks.collect());
        let hidden = decoder.forward(ids, cache);
        StepOutputs::new(batch, decoder, &hidden).read(batch, vocab, width)
    }

    /// Releases the same at both levels: the files are opened again when the weights wake.
    fn sleep(&mut self, _level: SleepLevel) -> Result<(), ExecuteError> {
        if self.source.path.is_none() {
            return Err(UNSUPPORTED);
        }
        self.decoder = None;
        self.cache = None;
        Ok(())
    }

    fn wake(&mut self, part: SleepPart) -> Result<(), ExecuteError> {
        match part {
            SleepPart::Weights => {
                let path = self.source.path.as_ref().ok_or(UNSUPPORTED)?;
                self.decoder = Some(self.source.decoder(path).map_err(ExecuteError::backend)?);
            }
            SleepPart::Cache => self.cache = Some(self.source.empty_cache(self.capacity)),
        }
        Ok(())
    }

    fn loader(&self) -> Option<Arc<dyn WeightLoader>> {
        Some(Arc::new(Loader { source: self.source.clone(), capacity: self.capacity }))
    }
}

/// The answer of an executor whose decoder was made in memory.
const UNSUPPORTED: ExecuteError = ExecuteError::Unsupported { what: "sleep" };

impl WeightLoader for Loader {
    fn load(&self, path: &Path) -> Result<Box<dyn Executor>> {
        let decoder = Some(self.source.decoder(path)?);
        let source = Source { path: Some(path.to_owned()), ..self.source.clone() };
        Ok(Box::new(BurnExecutor { source, decoder, cache: None, capacity: self.capacity }))
    }
}
