//! [`EngineConfig`]: how a model is loaded and run.

use internlm_model::ModelConfig;

use crate::kv::{KvConfig, KvFormat};
use crate::model::Compute;
use crate::pool;
use crate::simd::Isa;
use crate::{Error, Result};

/// How a model is loaded and run.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineConfig {
    /// Threads that compute; default: the physical cores this process may use.
    pub threads: Option<usize>,
    /// Instruction set; default: the fastest there is.
    pub isa: Option<Isa>,
    /// What products are computed in.
    pub compute: Compute,
    /// How keys and values are stored; with [`Compute::F32`] always f32.
    pub kv: KvFormat,
    /// Blocks of keys and values; default: one sequence of the model's context, at most 8192 positions.
    pub kv_blocks: Option<usize>,
    /// Tokens of a block. Default 32.
    pub block_tokens: usize,
    /// Most tokens of a pass. Default 512.
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
    /// Positions of the default pool at most.
    const POSITIONS: usize = 8192;

    pub(super) fn isa(&self) -> Result<Isa> {
        let isa = self.isa.unwrap_or_else(Isa::detect);
        if isa.is_available() {
            return Ok(isa);
        }
        Err(Error::Invalid(format!(
            "instruction set: found {}, which this machine does not have",
            isa.name()
        )))
    }

    pub(super) fn threads(&self) -> usize {
        self.threads.unwrap_or_else(pool::default_threads).max(1)
    }

    pub(super) fn kv_config(&self, model: &ModelConfig) -> KvConfig {
        let positions = model.max_position.min(Self::POSITIONS);
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
