//! [`EngineConfig`]: how a model is loaded and run.

use internlm_model::ModelConfig;

use crate::kv::{KvConfig, KvFormat};
use crate::model::Compute;
use crate::pool;
use crate::simd::Isa;
use crate::{Error, Result};

/// How a model is loaded and run. The default is right for one sequence on an idle machine.
///
/// ```
/// use turbomind::{EngineConfig, KvFormat};
///
/// let config = EngineConfig::new().with_threads(2).with_kv(KvFormat::Int8).with_kv_blocks(64);
/// assert_eq!(config.block_tokens, 32);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EngineConfig {
    /// Number of threads that compute; default: the physical cores that this process may use.
    pub threads: Option<usize>,
    /// Instruction set of the kernels; default: the fastest one of this machine.
    pub isa: Option<Isa>,
    /// The numbers that matrix products are computed with; default: 8-bit activations.
    pub compute: Compute,
    /// How keys and values are stored; default f16. With [`Compute::F32`] they are always f32.
    pub kv: KvFormat,
    /// Number of blocks of keys and values; default: enough for one sequence of the model's context, at most 8192
    /// positions.
    pub kv_blocks: Option<usize>,
    /// Number of tokens of a block, a multiple of 16 up to 128. Default 32.
    pub block_tokens: usize,
    /// Maximum number of tokens of a pass. Default 512.
    pub max_batched_tokens: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            threads: None,
            isa: None,
            compute: Compute::Int8,
            kv: KvFormat::F16,
            kv_blocks: None,
            block_tokens: 32,
            max_batched_tokens: 512,
        }
    }
}

impl EngineConfig {
    /// Maximum number of positions of a pool whose size nobody chose.
    const DEFAULT_POSITIONS: usize = 8192;

    /// The defaults, as a start for the `with_` methods.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of threads; 0 counts as 1.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// Sets the instruction set, which this machine must have.
    #[must_use]
    pub fn with_isa(self, isa: Isa) -> Self {
        Self { isa: Some(isa), ..self }
    }

    /// Sets the numbers that matrix products are computed with.
    #[must_use]
    pub fn with_compute(self, compute: Compute) -> Self {
        Self { compute, ..self }
    }

    /// Sets how keys and values are stored.
    #[must_use]
    pub fn with_kv(self, kv: KvFormat) -> Self {
        Self { kv, ..self }
    }

    /// Sets the number of blocks of keys and values that all sequences share.
    #[must_use]
    pub fn with_kv_blocks(self, blocks: usize) -> Self {
        Self { kv_blocks: Some(blocks), ..self }
    }

    /// Sets the number of tokens of a block: a multiple of 16 up to 128.
    #[must_use]
    pub fn with_block_tokens(self, tokens: usize) -> Self {
        Self { block_tokens: tokens, ..self }
    }

    /// Sets the maximum number of tokens of a pass, which sets the size of its buffers.
    #[must_use]
    pub fn with_max_batched_tokens(self, tokens: usize) -> Self {
        Self { max_batched_tokens: tokens, ..self }
    }

    /// The instruction set to use, which the machine has.
    pub(super) fn isa(&self) -> Result<Isa> {
        let isa = self.isa.unwrap_or_else(Isa::detect);
        if isa.is_available() {
            return Ok(isa);
        }
        Err(Error::argument("instruction set", isa.name(), "one that this machine has"))
    }

    pub(super) fn threads(&self) -> usize {
        self.threads.unwrap_or_else(pool::default_threads).max(1)
    }

    pub(super) fn kv_config(&self, model: &ModelConfig) -> KvConfig {
        let positions = model.max_position.min(Self::DEFAULT_POSITIONS);
        KvConfig {
            format: if self.compute == Compute::F32 { KvFormat::F32 } else { self.kv },
            layers: model.layers,
            kv_heads: model.kv_heads,
            head_dim: model.head_dim,
            block_tokens: self.block_tokens,
            blocks: self.kv_blocks.unwrap_or_else(|| positions.div_ceil(self.block_tokens.max(1))),
        }
    }
}
