//! [`Engine`]: a loaded model, ready to run passes.

use std::path::Path;

use internlm_model::ModelConfig;
use internlm_model::config::RopeScaling;
use internlm_model::rope::Rope;
use internlm_model::weights::{self, StoredModel};

use super::buffers::PassBuffers;
use super::check::Limits;
use super::config::EngineConfig;
use super::pass::{Faults, Pass};
use super::step::{LogitEntries, Outputs, SeqStep};
use crate::Result;
use crate::kernels::attention::{AttentionScratch, AttentionShape, AttentionStep};
use crate::kv::{BlockCopy, KvConfig, KvPool};
use crate::model::{Arithmetic, Model};
use crate::pool::Pool;
use crate::simd::Isa;

/// A loaded model with its threads and its pool of keys and values.
///
/// The engine computes and does nothing else: which sequence owns which block, when a step runs and which token comes
/// next is decided by the caller. The crate's [front page](crate) shows a whole program.
///
/// A sequence has the same logits, bit for bit, alone and among others, in pieces of any size and on any number of
/// threads; with quantized weights also on any instruction set.
#[derive(Debug)]
pub struct Engine {
    model: Model,
    rope: Rope,
    isa: Isa,
    pool: Pool,
    kv: KvPool,
    max_batched_tokens: usize,
    buffers: PassBuffers,
    attention: AttentionScratch,
}

/// Memory in use by an engine, in bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct MemoryReport {
    /// The tiles of all matrices.
    pub repacked: usize,
    /// The buffers of a pass.
    pub scratch: usize,
    /// The pool of keys and values, whether its blocks are in use or not.
    pub kv: usize,
}

impl MemoryReport {
    /// The sum of all parts.
    #[must_use]
    pub fn total(&self) -> usize {
        self.repacked + self.scratch + self.kv
    }
}

impl Engine {
    /// Loads a Hugging Face folder, an InternEvo checkpoint or a GGUF file, and starts the threads.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) for files that cannot be used,
    /// [`Error::Argument`](crate::Error::Argument) and [`Error::KvShape`](crate::Error::KvShape) for settings that are not
    /// possible, [`Error::Memory`](crate::Error::Memory) and [`Error::Thread`](crate::Error::Thread) when the system
    /// cannot provide them.
    pub fn load(path: impl AsRef<Path>, config: &EngineConfig) -> Result<Self> {
        let path = path.as_ref();
        Self::load_stored(&weights::open_stored(path)?, path, config)
    }

    /// Loads a model whose files are open already; `path` names it in messages.
    ///
    /// # Errors
    /// As [`Engine::load`].
    pub fn load_stored(stored: &StoredModel, path: impl AsRef<Path>, config: &EngineConfig) -> Result<Self> {
        let isa = config.isa()?;
        let threads = config.threads();
        let arithmetic = Arithmetic { isa, compute: config.compute };
        let model = Model::load(stored, path.as_ref(), threads, arithmetic)?;
        let kv = KvPool::new(&config.kv_config(&model.config))?;
        let pool = Pool::new(threads)?;
        let rope = Rope::new(&model.config);
        let max_batched_tokens = config.max_batched_tokens.max(1);
        let mut buffers = PassBuffers::default();
        buffers.reshape(&model, threads, max_batched_tokens);
        let attention = AttentionScratch::default();
        Ok(Self { model, rope, isa, pool, kv, max_batched_tokens, buffers, attention })
    }

    /// The model's shape, with its vocabulary size and the ids that end a text.
    #[must_use]
    pub fn model(&self) -> &ModelConfig {
        &self.model.config
    }

    /// The instruction set in use.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Number of threads that compute, the caller's included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// The shape of the pool of keys and values.
    #[must_use]
    pub fn kv_config(&self) -> &KvConfig {
        self.kv.config()
    }

    /// Maximum number of tokens of a pass, all steps together.
    #[must_use]
    pub fn max_batched_tokens(&self) -> usize {
        self.max_batched_tokens
    }

    /// Maximum length of a sequence, in tokens: the trained context, or what the pool holds when the model stretches its
    /// positions dynamically.
    #[must_use]
    pub fn max_position(&self) -> usize {
        match self.model.config.rope_scaling {
            RopeScaling::Dynamic { .. } => self.kv.config().blocks * self.kv.config().block_tokens,
            _ => self.model.config.max_position,
        }
    }

    /// Replaces the pool of keys and values by one of `blocks` blocks; everything that was stored is lost.
    ///
    /// # Errors
    /// [`Error::KvShape`](crate::Error::KvShape) for an impossible number of blocks,
    /// [`Error::Memory`](crate::Error::Memory) when the system cannot provide them; the old pool stays in use then.
    pub fn resize_kv(&mut self, blocks: usize) -> Result<()> {
        self.kv = KvPool::new(&KvConfig { blocks, ..*self.kv.config() })?;
        Ok(())
    }

    /// Copies the keys and values of tokens from block to block, in all layers.
    ///
    /// # Errors
    /// [`Error::Argument`](crate::Error::Argument) for blocks or tokens outside of the pool.
    pub fn copy_block(&mut self, copy: BlockCopy) -> Result<()> {
        self.kv.copy(copy)
    }

    /// Measures the memory in use.
    pub fn memory(&mut self) -> MemoryReport {
        MemoryReport {
            repacked: self.model.tile_bytes(),
            scratch: self.buffers.bytes() + self.attention.bytes(),
            kv: self.kv.bytes(),
        }
    }

    /// Computes and stores the keys and values of every token of `steps`, and the logits and hidden states that the steps
    /// ask for.
    ///
    /// # Shapes
    /// - `out.logits`: `[rows, vocab]`, `out.top`: `[rows][top]`, `out.hidden`: `[hidden rows, hidden]`; rows are in the
    ///   order of the steps, then of their tokens
    ///
    /// # Errors
    /// [`Error::Step`](crate::Error::Step) or [`Error::Argument`](crate::Error::Argument) when the pass is not possible:
    /// nothing was computed then, and the engine can be used as before. [`Error::Poisoned`](crate::Error::Poisoned) after
    /// a panic. Numbers beyond the range of floats are not an error here, see [`Outputs::non_finite`].
    pub fn forward(&mut self, steps: &[SeqStep<'_>], entries: LogitEntries, out: &mut Outputs) -> Result<()> {
        self.limits().check(steps, entries)?;
        let threads = self.pool.threads();
        self.buffers.begin(steps, &self.rope, self.kv.config().block_tokens);
        self.buffers.reshape(&self.model, threads, self.buffers.tokens.len());
        self.buffers.reshape_head(&self.model, threads, entries);
        let sequences = attention_steps(steps);
        let scale = (self.model.config.head_dim as f32).sqrt().recip();
        let shape = AttentionShape { heads: self.model.config.heads, scale, threads };
        self.attention.prepare(&self.kv, shape, &sequences)?;
        let faults = Faults::new(steps.len());
        let pass = Pass {
            model: &self.model,
            isa: self.isa,
            kv: &self.kv,
            buffers: &self.buffers,
            steps: &sequences,
            attention: &self.attention,
            faults: &faults,
            entries,
        };
        self.pool.run(&|member| pass.run(member))?;
        self.buffers.collect(threads, self.model.config.vocab, entries, out);
        self.buffers.collect_hidden(self.model.config.hidden, out);
        out.non_finite = faults.into_list();
        Ok(())
    }

    fn limits(&self) -> Limits {
        Limits {
            max_batched_tokens: self.max_batched_tokens,
            max_position: self.max_position(),
            vocab: self.model.config.vocab,
            block_tokens: self.kv.config().block_tokens,
            blocks: self.kv.config().blocks,
        }
    }
}

/// The steps as attention sees them: runs of rows, one after the other.
fn attention_steps<'a>(steps: &[SeqStep<'a>]) -> Vec<AttentionStep<'a>> {
    let mut first_row = 0;
    let step = |step: &SeqStep<'a>| {
        let rows = step.tokens.len();
        first_row += rows;
        AttentionStep { first_row: first_row - rows, rows, position: step.position, blocks: step.blocks }
    };
    steps.iter().map(step).collect()
}
