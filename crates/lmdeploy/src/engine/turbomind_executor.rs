//! [`TurbomindExecutor`]: the CPU core `turbomind` behind the engine.

use std::path::Path;

use internlm_model::{ModelConfig, TokenId};
use turbomind::{KvFormat, LogitEntries, LogitRows, Outputs};

use super::rotary_limit::rotary_limit;
use super::{
    Batch, Capacity, ExecuteError, Executor, ExecutorConfig, Logits, LogitsDetail, LogitsWanted, QuantPolicy,
};
use crate::{Error, Result};

/// Maximum number of largest entries that are worth finding: for more of them, handing the row over is cheaper.
const MAX_TOP: usize = 64;

/// Number of blocks while the model is loaded; how many fit is known only afterwards.
const FIRST_BLOCKS: usize = 1;

/// Runs a model on the CPU over batches of sequences, with weights as they are stored.
#[derive(Debug)]
pub struct TurbomindExecutor {
    engine: turbomind::Engine,
    capacity: Capacity,
    outputs: Outputs,
}

impl TurbomindExecutor {
    /// Loads a model folder or GGUF file.
    ///
    /// # Errors
    /// [`Error::Turbomind`] when the model cannot be read or the limits are not possible, [`Error::Setting`] when the
    /// cache does not fit.
    pub fn load(path: impl AsRef<Path>, limits: &ExecutorConfig) -> Result<Self> {
        let kv = match limits.quant_policy {
            QuantPolicy::Float => KvFormat::F16,
            QuantPolicy::Int8 => KvFormat::Int8,
            QuantPolicy::Int4 => KvFormat::Int4,
        };
        let mut config = turbomind::EngineConfig::new()
            .with_kv(kv)
            .with_kv_blocks(FIRST_BLOCKS)
            .with_block_tokens(limits.cache_block_seq_len)
            .with_max_batched_tokens(limits.max_prefill_token_num);
        config.threads = limits.threads;
        Self::new(turbomind::Engine::load(path.as_ref(), &config)?, limits)
    }

    /// The shape of the model that was loaded.
    #[must_use]
    pub fn model_config(&self) -> &ModelConfig {
        self.engine.model()
    }

    /// Gives the engine as many blocks as the limits allow, now that the weights are in memory.
    fn new(mut engine: turbomind::Engine, limits: &ExecutorConfig) -> Result<Self> {
        let block_tokens = limits.cache_block_seq_len;
        let max_position = limits.session_len.unwrap_or(engine.model().max_position);
        let block_bytes = engine.kv_config().block_bytes()?;
        let wanted = limits.max_batch_size * max_position.div_ceil(block_tokens);
        let blocks = limits.cache_max_entry_count.blocks(block_bytes, wanted)?;
        engine.resize_kv(blocks)?;
        // With dynamic NTK scaling a sequence can be longer than the trained context, but not than the pool.
        let limit = engine.max_position();
        if limits.session_len.is_some() && max_position > limit {
            let expected = format!(
                "at most {limit} (the model's context; with dynamic NTK scaling, the capacity of the cache)"
            );
            return Err(Error::setting("session-len", max_position, expected));
        }
        let capacity = Capacity {
            blocks,
            block_tokens,
            max_batched_tokens: engine.max_batched_tokens(),
            max_sequences: limits.max_batch_size,
            max_position,
            vocab: engine.model().vocab,
            cache_bytes: blocks * block_bytes,
        };
        Ok(Self { engine, capacity, outputs: Outputs::default() })
    }
}

impl Executor for TurbomindExecutor {
    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn rotary_limit(&self) -> usize {
        rotary_limit(self.engine.model())
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        for copy in &batch.copies {
            let copy = turbomind::BlockCopy { src: copy.from.0, dst: copy.to.0, tokens: copy.tokens };
            self.engine.copy_block(copy).map_err(ExecuteError::backend)?;
        }
        let numbers: Vec<(Vec<u32>, Vec<u32>)> = batch
            .steps
            .iter()
            .map(|step| {
                (step.tokens.iter().map(|id| id.0).collect(), step.blocks.iter().map(|id| id.0).collect())
            })
            .collect();
        let steps: Vec<turbomind::SeqStep<'_>> = batch
            .steps
            .iter()
            .zip(&numbers)
            .map(|(step, (tokens, blocks))| turbomind::SeqStep {
                tokens,
                position: step.position,
                rope_len: step.rope_len,
                blocks,
                logits: match step.logits {
                    LogitsWanted::None => LogitRows::None,
                    LogitsWanted::Last => LogitRows::Last,
                    LogitsWanted::All => LogitRows::All,
                },
            })
            .collect();
        let wanted = match batch.detail {
            LogitsDetail::Top(entries) if entries <= MAX_TOP => LogitEntries::Top(entries.max(1)),
            LogitsDetail::Top(_) | LogitsDetail::Full => LogitEntries::All,
        };
        let outputs = &mut self.outputs;
        self.engine.forward(&steps, wanted, outputs).map_err(ExecuteError::backend)?;
        let logits = match wanted {
            LogitEntries::All => Logits::new(std::mem::take(&mut outputs.logits), self.capacity.vocab),
            LogitEntries::Top(_) => Logits::top(outputs.top.drain(..).map(entries).collect()),
        };
        Ok(outputs.non_finite.iter().fold(logits, |logits, fault| {
            let layer = fault.layer;
            let message = format!("numbers beyond the range of floats at the input of layer {layer}");
            logits.with_fault(fault.sequence, message)
        }))
    }
}

/// The entries of one row, with the engine's kind of ids.
fn entries(row: Vec<(u32, f32)>) -> Vec<(TokenId, f32)> {
    row.into_iter().map(|(id, logit)| (TokenId(id), logit)).collect()
}
