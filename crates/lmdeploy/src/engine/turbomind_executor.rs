//! [`TurbomindExecutor`]: the CPU core `turbomind` behind the engine.

mod source;

use std::path::Path;
use std::sync::Arc;

use internlm_model::{ModelConfig, TokenId};
use turbomind::{KvFormat, LogitEntries, LogitRows, Outputs};

use self::source::{OpenFiles, Source};
use super::rotary_limit::rotary_limit;
use super::{
    Batch, Capacity, ExecuteError, Executor, ExecutorConfig, Logits, LogitsDetail, LogitsWanted, QuantPolicy,
    SleepLevel, SleepPart, WeightLoader,
};
use crate::cache::available_memory;
use crate::{Error, Result};

/// Maximum number of largest entries that are worth finding: for more of them, handing the row over is cheaper.
const MAX_TOP: usize = 64;

/// Number of blocks while the model is loaded; how many fit is known only afterwards.
const FIRST_BLOCKS: usize = 1;

/// Runs a model on the CPU over batches of sequences, with weights as they are stored.
#[derive(Debug)]
pub struct TurbomindExecutor {
    source: Source,
    /// None while the weights are asleep. While only the cache is, it has as few blocks as possible.
    engine: Option<turbomind::Engine>,
    /// What stays open while the weights are asleep.
    files: Option<OpenFiles>,
    capacity: Capacity,
    outputs: Outputs,
}

/// Loads other weights for an executor with this source and capacity.
#[derive(Debug)]
struct Loader {
    source: Source,
    capacity: Capacity,
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
        let path = path.as_ref();
        let mut engine = turbomind::Engine::load(path, &config)?;
        let capacity = sized(&mut engine, limits)?;
        let source = Source { path: path.to_owned(), config, model: engine.model().clone() };
        Ok(Self::new(source, engine, capacity))
    }

    /// The shape of the model that was loaded.
    #[must_use]
    pub fn model_config(&self) -> &ModelConfig {
        &self.source.model
    }

    fn new(source: Source, engine: turbomind::Engine, capacity: Capacity) -> Self {
        Self { source, engine: Some(engine), files: None, capacity, outputs: Outputs::default() }
    }

    /// Loads the weights again: those of the files that were kept open, or else what is at the path now.
    fn reload(&self) -> Result<turbomind::Engine> {
        match &self.files {
            Some(files) => self.source.load(files),
            None => self.source.load(&self.source.open()?),
        }
    }
}

/// Gives the engine as many blocks as the limits allow, now that the weights are in memory.
fn sized(engine: &mut turbomind::Engine, limits: &ExecutorConfig) -> Result<Capacity> {
    let block_tokens = limits.cache_block_seq_len;
    let max_position = limits.session_len.unwrap_or(engine.model().max_position);
    let block_bytes = engine.kv_config().block_bytes()?;
    let wanted = limits.max_batch_size * max_position.div_ceil(block_tokens);
    let blocks = limits.cache_max_entry_count.blocks(block_bytes, wanted, available_memory())?;
    engine.resize_kv(blocks)?;
    // With dynamic NTK scaling a sequence can be longer than the trained context, but not than the pool.
    let limit = engine.max_position();
    if limits.session_len.is_some() && max_position > limit {
        let expected = format!(
            "at most {limit} (the model's context; with dynamic NTK scaling, the capacity of the cache)"
        );
        return Err(Error::setting("session-len", max_position, expected));
    }
    Ok(Capacity {
        blocks,
        block_tokens,
        max_batched_tokens: engine.max_batched_tokens(),
        max_sequences: limits.max_batch_size,
        max_position,
        vocab: engine.model().vocab,
        cache_bytes: blocks * block_bytes,
    })
}

impl Executor for TurbomindExecutor {
    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn rotary_limit(&self) -> usize {
        rotary_limit(&self.source.model)
    }

    fn hidden_size(&self) -> Option<usize> {
        Some(self.source.model.hidden)
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        let (hidden, vocab) = (self.source.model.hidden, self.capacity.vocab);
        let (engine, outputs) = (self.engine.as_mut().ok_or_else(asleep)?, &mut self.outputs);
        for copy in &batch.copies {
            let copy = turbomind::BlockCopy { src: copy.from.0, dst: copy.to.0, tokens: copy.tokens };
            engine.copy_block(copy).map_err(ExecuteError::backend)?;
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
                logits: rows(step.logits),
            })
            .collect();
        let wanted = match batch.detail {
            LogitsDetail::Top(entries) if entries <= MAX_TOP => LogitEntries::Top(entries.max(1)),
            LogitsDetail::Top(_) | LogitsDetail::Full => LogitEntries::All,
        };
        engine.forward(&steps, wanted, outputs).map_err(ExecuteError::backend)?;
        let logits = match wanted {
            LogitEntries::All => Logits::new(std::mem::take(&mut outputs.logits), vocab),
            LogitEntries::Top(_) => Logits::top(outputs.top.drain(..).map(entries).collect()),
        };
        let logits = logits.with_hidden(std::mem::take(&mut outputs.hidden), hidden);
        Ok(outputs.non_finite.iter().fold(logits, |logits, fault| {
            let layer = fault.layer;
            let message = format!("numbers beyond the range of floats at the input of layer {layer}");
            logits.with_fault(fault.sequence, message)
        }))
    }

    fn sleep(&mut self, level: SleepLevel) -> Result<(), ExecuteError> {
        let kept = self.files.take();
        self.files = match (level, kept) {
            (SleepLevel::ReleaseFiles, _) => None,
            (SleepLevel::KeepFiles, Some(files)) => Some(files),
            (SleepLevel::KeepFiles, None) => Some(self.source.open().map_err(ExecuteError::backend)?),
        };
        self.engine = None;
        self.outputs = Outputs::default();
        Ok(())
    }

    fn wake(&mut self, part: SleepPart) -> Result<(), ExecuteError> {
        match part {
            SleepPart::Weights => {
                self.engine = Some(self.reload().map_err(ExecuteError::backend)?);
                self.files = None;
                Ok(())
            }
            SleepPart::Cache => {
                let engine = self.engine.as_mut().ok_or_else(asleep)?;
                engine.resize_kv(self.capacity.blocks).map_err(ExecuteError::backend)
            }
        }
    }

    fn loader(&self) -> Option<Arc<dyn WeightLoader>> {
        Some(Arc::new(Loader { source: self.source.clone(), capacity: self.capacity }))
    }
}

impl WeightLoader for Loader {
    fn load(&self, path: &Path) -> Result<Box<dyn Executor>> {
        let source = Source { path: path.to_owned(), ..self.source.clone() };
        let engine = source.load(&source.open()?)?;
        Ok(Box::new(TurbomindExecutor::new(source, engine, self.capacity)))
    }
}

/// A step of a sleeping executor: the engine takes none.
fn asleep() -> ExecuteError {
    ExecuteError::backend("the weights are asleep")
}

/// The rows that a step gives, in the words of the core.
fn rows(wanted: LogitsWanted) -> LogitRows {
    match wanted {
        LogitsWanted::None => LogitRows::None,
        LogitsWanted::Last => LogitRows::Last,
        LogitsWanted::All => LogitRows::All,
        LogitsWanted::HiddenLast => LogitRows::HiddenLast,
        LogitsWanted::HiddenAll => LogitRows::HiddenAll,
    }
}

/// The entries of one row, with the engine's kind of ids.
fn entries(row: Vec<(u32, f32)>) -> Vec<(TokenId, f32)> {
    row.into_iter().map(|(id, logit)| (TokenId(id), logit)).collect()
}
