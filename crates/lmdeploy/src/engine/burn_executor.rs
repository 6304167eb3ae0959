//! [`BurnExecutor`]: the decoder of `internlm-model` on any Burn device behind the engine.

#[cfg(any(feature = "cuda", feature = "vulkan"))]
mod decode_graphs;
mod outputs;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use internlm_model::decoder::Decoder;
use internlm_model::device::is_gpu;
#[cfg(any(feature = "cuda", feature = "vulkan"))]
use internlm_model::kernels::DecodePlace;
use internlm_model::kernels::{KeyFormat, KeyLayout, PagedKeys};
use internlm_model::positions::{Positions, Run};
#[cfg(any(feature = "cuda", feature = "vulkan"))]
use internlm_model::rope::Rope;
use internlm_model::{ModelConfig, Precision, TokenId, device, weights};

#[cfg(any(feature = "cuda", feature = "vulkan"))]
use self::decode_graphs::DecodeGraphs;
use self::outputs::StepOutputs;
use super::rotary_limit::rotary_limit;
use super::same_shape::same_shape;
use super::{
    Batch, Capacity, ComputeType, ExecuteError, Executor, ExecutorConfig, Logits, QuantPolicy, SleepLevel,
    SleepPart, WeightLoader,
};
use crate::cache::{PagedCache, available_memory};
use crate::{Error, Result};

/// Runs the decoder over batches of sequences, with weights as f32 or, on a GPU, in 16 or 4 bits; keys and values are f32
/// or, on a GPU, floats of 16 bits or codes of 8 or 4.
#[derive(Debug)]
pub struct BurnExecutor {
    source: Source,
    /// None while the weights are asleep.
    decoder: Option<Decoder>,
    /// None while the cache is asleep.
    cache: Option<PagedCache>,
    capacity: Capacity,
    /// Recorded steps of the present decoder and cache.
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    graphs: Option<DecodeGraphs>,
}

/// Where weights come from and go to.
#[derive(Clone, Debug)]
struct Source {
    /// The model folder or file; none for a decoder that was made in memory, which cannot sleep.
    path: Option<PathBuf>,
    config: ModelConfig,
    device: Device,
    /// How one layer's keys and values are stored.
    layout: KeyLayout,
    /// What the decoder computes in.
    precision: Precision,
    /// Whether decoding steps are recorded.
    records: Records,
}

/// Whether decoding steps are recorded, which needs a block that no sequence has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Records {
    Steps,
    Nothing,
}

impl Records {
    /// Number of blocks beyond those of sequences.
    fn spare(self) -> usize {
        usize::from(self == Self::Steps)
    }
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
        Ok(Decoder::load_in(path, &self.device, self.precision)?)
    }

    fn empty_cache(&self, capacity: Capacity) -> PagedCache {
        let blocks = capacity.blocks + self.records.spare();
        PagedCache::new(self.layout, self.config.layers, blocks, &self.device)
    }

    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    fn graphs(&self, capacity: Capacity) -> Option<DecodeGraphs> {
        let place = DecodePlace {
            rope: Rope::new(&self.config),
            block_tokens: capacity.block_tokens,
            spare: capacity.blocks as u32,
            device: self.device.clone(),
        };
        (self.records == Records::Steps).then(|| DecodeGraphs::new(place))
    }
}

impl BurnExecutor {
    /// Loads a model folder or GGUF file onto the device called `device_name`: `cpu`, `cuda:N` or `vulkan:N`.
    ///
    /// # Errors
    /// [`Error::Model`] when the model cannot be read, [`Error::Setting`] when the cache does not fit, or when the device
    /// does not store keys and values as `limits` say.
    pub fn load(path: impl AsRef<Path>, device_name: &str, limits: &ExecutorConfig) -> Result<Self> {
        let device = device::parse(device_name)?;
        let precision = precision(limits, &device)?;
        let decoder = Decoder::load_in(&path, &device, precision)?;
        let config = decoder.config().clone();
        let mut executor = Self::new(&config, decoder, &device, limits)?;
        executor.source.path = Some(path.as_ref().to_owned());
        Ok(executor)
    }

    /// An executor for a model of the shape that a `config.json` or the one in a folder names, with random weights: to
    /// measure sizes whose weights are not at hand. It cannot sleep.
    ///
    /// # Errors
    /// As [`BurnExecutor::load`].
    pub fn random(path: impl AsRef<Path>, device_name: &str, limits: &ExecutorConfig) -> Result<Self> {
        let device = device::parse(device_name)?;
        let config = ModelConfig::from_hf(path)?;
        let decoder = Decoder::init_on_device_in(&config, 0, &device, precision(limits, &device)?)?;
        Self::new(&config, decoder, &device, limits)
    }

    /// The shape of the model that was loaded.
    #[must_use]
    pub fn model_config(&self) -> &ModelConfig {
        &self.source.config
    }

    /// An executor for a decoder in memory. It cannot sleep: there is nothing from which its weights could come back.
    ///
    /// # Errors
    /// [`Error::Setting`] when the cache does not fit into memory, when the device does not store keys and values as
    /// `limits` say, or when the decoder computes in another number format.
    pub fn new(
        config: &ModelConfig,
        decoder: Decoder,
        device: &Device,
        limits: &ExecutorConfig,
    ) -> Result<Self> {
        if limits.dtype != ComputeType::Auto && limits.dtype.precision() != decoder.precision() {
            let expected = format!("auto: the decoder computes in {}", decoder.precision());
            return Err(Error::setting("dtype", limits.dtype, expected));
        }
        let max_position = limits.session_len.unwrap_or(config.max_position);
        let layout = key_layout(config, device, decoder.precision(), limits)?;
        let block_bytes = config.layers * layout.block_words() * size_of::<u32>();
        let wanted = limits.max_batch_size * max_position.div_ceil(limits.cache_block_seq_len);
        let memory = device::memory(device);
        let records = records(config, layout, device, limits)?;
        // A layer is one tensor, whose words kernels count with 32 bits.
        let most = memory.map_or(usize::MAX, |memory| {
            let words = memory.largest.min(MAX_LAYER_BYTES) / size_of::<u32>();
            (words / layout.block_words()).saturating_sub(records.spare())
        });
        let available = memory.map_or_else(available_memory, |memory| memory.free);
        let blocks = limits.cache_max_entry_count.blocks(block_bytes, wanted.min(most), available)?;
        if blocks > most {
            let found = format!("{}, which is {blocks} blocks", limits.cache_max_entry_count);
            let expected = format!("at most {most}, since a layer's blocks are one tensor");
            return Err(Error::setting("cache-max-entry-count", found, expected));
        }
        let capacity = Capacity {
            blocks,
            block_tokens: limits.cache_block_seq_len,
            max_batched_tokens: limits.max_prefill_token_num,
            max_sequences: limits.max_batch_size,
            max_position,
            vocab: config.vocab,
            cache_bytes: blocks * block_bytes,
        };
        let source = Source {
            path: None,
            config: config.clone(),
            device: device.clone(),
            layout,
            precision: decoder.precision(),
            records,
        };
        let cache = source.empty_cache(capacity);
        Ok(Self {
            decoder: Some(decoder),
            cache: Some(cache),
            capacity,
            #[cfg(any(feature = "cuda", feature = "vulkan"))]
            graphs: source.graphs(capacity),
            source,
        })
    }

    /// Number of kinds of decoding steps that have been recorded, to be launched as a whole.
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    #[must_use]
    pub fn recorded_steps(&self) -> usize {
        self.graphs.as_ref().map_or(0, DecodeGraphs::len)
    }
}

/// Maximum size of one layer's keys and values on a GPU.
const MAX_LAYER_BYTES: usize = (u32::MAX as usize) * size_of::<u32>();

/// Whether steps are recorded.
///
/// # Errors
/// [`Error::Setting`] when they shall be and cannot: only what kernels do is the same at every launch.
fn records(
    config: &ModelConfig,
    layout: KeyLayout,
    device: &Device,
    limits: &ExecutorConfig,
) -> Result<Records> {
    if !limits.graphs {
        return Ok(Records::Nothing);
    }
    if is_gpu(device) && PagedKeys::has_kernels(layout, device) {
        return Ok(Records::Steps);
    }
    let (heads, d) = (config.heads, config.head_dim);
    let expected = if is_gpu(device) {
        format!("false: no kernel attends with {heads} heads of {d} numbers")
    } else {
        "false for the CPU".to_owned()
    };
    Err(Error::setting("graphs", true, expected))
}

/// What a decoder is loaded in.
///
/// # Errors
/// [`Error::Setting`] when the device does not compute in it.
fn precision(limits: &ExecutorConfig, device: &Device) -> Result<Precision> {
    let precision = limits.dtype.precision();
    let refused = |_| Error::setting("dtype", limits.dtype, "auto or float32 on this device");
    precision.check(device).map_err(refused)?;
    Ok(precision)
}

/// How one layer's keys and values are stored: floats have the format that the decoder computes in, where kernels store
/// these heads so, else f32.
///
/// # Errors
/// [`Error::Setting`] when the device does not store them so.
fn key_layout(
    config: &ModelConfig,
    device: &Device,
    precision: Precision,
    limits: &ExecutorConfig,
) -> Result<KeyLayout> {
    let formats: &[KeyFormat] = match (limits.quant_policy, precision) {
        (QuantPolicy::Int8, _) => &[KeyFormat::Int8],
        (QuantPolicy::Int4, _) => &[KeyFormat::Int4],
        (QuantPolicy::Float, Precision::Bf16) => &[KeyFormat::Bf16, KeyFormat::F32],
        (QuantPolicy::Float, Precision::F16) => &[KeyFormat::F16, KeyFormat::F32],
        (QuantPolicy::Float, _) => &[KeyFormat::F32],
    };
    let mut layouts =
        formats.iter().map(|format| PagedCache::layout(config, limits.cache_block_seq_len, *format));
    if let Some(layout) = layouts.find(|layout| PagedKeys::takes(*layout, device)) {
        return Ok(layout);
    }
    let (policy, d) = (u32::from(limits.quant_policy), config.head_dim);
    let expected = if is_gpu(device) {
        format!("0: no kernel stores heads of {d} numbers in {policy} bits")
    } else {
        "0 for backend burn on the CPU, or backend turbomind".to_owned()
    };
    Err(Error::setting("quant-policy", policy, expected))
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
        #[cfg(any(feature = "cuda", feature = "vulkan"))]
        if let Some(graphs) = &mut self.graphs
            && let Some(outputs) = graphs.step(batch, decoder, cache)
        {
            return outputs.read(batch, vocab, width);
        }
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
        #[cfg(any(feature = "cuda", feature = "vulkan"))]
        {
            self.graphs = self.source.graphs(self.capacity);
        }
        // Pools keep what tensors have left.
        self.source.device.memory_cleanup();
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
        Ok(Box::new(BurnExecutor {
            decoder,
            cache: None,
            capacity: self.capacity,
            #[cfg(any(feature = "cuda", feature = "vulkan"))]
            graphs: source.graphs(self.capacity),
            source,
        }))
    }
}
