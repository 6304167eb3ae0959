//! [`Engine`]: a loaded model with its threads, its pool of keys and values, and room for one pass.

mod config;
mod fields;
mod pass;
mod report;

use std::path::Path;

use internlm_model::ModelConfig;
use internlm_model::config::RopeScaling;
use internlm_model::rope::Rope;

use crate::kernels::attention::AttentionScratch;
use crate::kv::{BlockCopy, KvConfig, KvPool};
use crate::model::Model;
use crate::pool::Pool;
use crate::simd::Isa;
use crate::{Error, LogitsWanted, Result, SeqStep};
use fields::Fields;

pub use config::EngineConfig;
pub use report::MemoryReport;

/// What is wanted of the rows of logits that the steps ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Want {
    /// All of each row.
    Logits,
    /// The best entries of each row, at most [`Want::MOST`].
    Top(usize),
}

impl Want {
    /// Most entries of [`Want::Top`].
    pub const MOST: usize = 64;
}

/// What a pass gives; rows are in the order of the steps, then of their tokens.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// With [`Want::Logits`]: `[rows, vocab]`.
    pub logits: Vec<f32>,
    /// With [`Want::Top`]: for each row (id, logit), best first; equal logits by id.
    pub top: Vec<Vec<(u32, f32)>>,
    /// Steps whose numbers left the range of floats, with the first layer whose input shows it (the number of layers:
    /// the head). Their rows are NaN; other steps are not touched.
    pub non_finite: Vec<NonFinite>,
}

/// A step whose numbers left the range of floats.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NonFinite {
    /// Index of the step.
    pub sequence: usize,
    /// The layer whose input it is; the number of layers for the head.
    pub layer: usize,
}

/// A loaded model, ready to run passes.
///
/// ```no_run
/// use turbomind::{Engine, EngineConfig, LogitsWanted, Outputs, SeqStep, Want};
///
/// let mut engine = Engine::load("model.gguf".as_ref(), &EngineConfig::default())?;
/// let step = SeqStep { tokens: &[1, 2, 3], position: 0, rope_len: 3, blocks: &[0], logits: LogitsWanted::Last };
/// let mut outputs = Outputs::default();
/// engine.forward(&[step], Want::Top(1), &mut outputs)?;
/// println!("{:?}", outputs.top[0][0]);
/// # Ok::<(), turbomind::Error>(())
/// ```
#[derive(Debug)]
pub struct Engine {
    model: Model,
    rope: Rope,
    isa: Isa,
    pool: Pool,
    kv: KvPool,
    max_batched_tokens: usize,
    fields: Fields,
    room: AttentionScratch,
}

impl Engine {
    /// Loads a Hugging Face folder, an InternEvo checkpoint or a GGUF file.
    ///
    /// # Errors
    /// Bad files, settings that are not possible, no memory.
    pub fn load(path: &Path, config: &EngineConfig) -> Result<Self> {
        let isa = config.isa()?;
        let threads = config.threads();
        let model = Model::load(path, threads, isa, config.compute)?;
        let shape = &model.config;
        let kv = KvPool::new(&config.kv_config(shape))?;
        let pool = Pool::new(threads)?;
        let rope = Rope::new(shape);
        let max_batched_tokens = config.max_batched_tokens.max(1);
        let mut fields = Fields::default();
        fields.reshape(&model, threads, max_batched_tokens);
        Ok(Self { rope, isa, pool, kv, max_batched_tokens, fields, room: AttentionScratch::default(), model })
    }

    /// The model's shape.
    #[must_use]
    pub fn model(&self) -> &ModelConfig {
        &self.model.config
    }

    /// The instruction set in use.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Threads that compute.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// The shape of the pool of keys and values.
    #[must_use]
    pub fn kv_config(&self) -> &KvConfig {
        self.kv.config()
    }

    /// Most tokens of a pass.
    #[must_use]
    pub fn max_batched_tokens(&self) -> usize {
        self.max_batched_tokens
    }

    /// Longest sequence: the trained context, or what the pool holds where positions stretch dynamically.
    #[must_use]
    pub fn max_position(&self) -> usize {
        match self.model.config.rope_scaling {
            RopeScaling::Dynamic { .. } => self.kv.config().blocks * self.kv.config().block_tokens,
            _ => self.model.config.max_position,
        }
    }

    /// Replaces the pool of keys and values by one of `blocks` blocks; what was stored is gone.
    ///
    /// # Errors
    /// An impossible number of blocks, no memory; the old pool stays then.
    pub fn resize_kv(&mut self, blocks: usize) -> Result<()> {
        self.kv = KvPool::new(&KvConfig { blocks, ..*self.kv.config() })?;
        Ok(())
    }

    /// Copies tokens from block to block.
    ///
    /// # Errors
    /// Blocks or tokens outside of the pool.
    pub fn copy_block(&mut self, copy: BlockCopy) -> Result<()> {
        self.kv.copy(copy)
    }

    /// Bytes in use.
    pub fn memory(&mut self) -> MemoryReport {
        MemoryReport {
            repacked: self.model.tile_bytes(),
            scratch: self.fields.bytes() + self.room.bytes(),
            kv: self.kv.bytes(),
        }
    }

    /// Computes keys and values of every token of `steps` and the logits they ask for.
    ///
    /// # Shapes
    /// - `out.logits`: `[rows, vocab]`, `out.top`: `[rows][top]`; rows are in the order of the steps, then of their tokens
    ///
    /// # Errors
    /// [`Error::Invalid`] when a step is not possible: nothing was computed then. [`Error::Poisoned`] after a panic.
    pub fn forward(&mut self, steps: &[SeqStep<'_>], want: Want, out: &mut Outputs) -> Result<()> {
        self.check(steps, want)?;
        self.fields.begin(steps, &self.rope, self.kv.config().block_tokens);
        pass::run(self, steps, want, out)
    }

    /// Everything about the steps that could go wrong.
    fn check(&self, steps: &[SeqStep<'_>], want: Want) -> Result<()> {
        let fail = |problem: String| Err(Error::Invalid(problem));
        let kv = self.kv.config();
        let tokens: usize = steps.iter().map(|step| step.tokens.len()).sum();
        if tokens > self.max_batched_tokens {
            let most = self.max_batched_tokens;
            return fail(format!("pass: found {tokens} tokens, expected at most {most}"));
        }
        if let Want::Top(top) = want
            && !(1..=Want::MOST).contains(&top)
        {
            return fail(format!("best entries: found {top}, expected 1 to {}", Want::MOST));
        }
        for (index, step) in steps.iter().enumerate() {
            let end = step.position.saturating_add(step.tokens.len());
            if step.tokens.is_empty() {
                return fail(format!("step {index}: found no tokens, expected at least one"));
            }
            if end > self.max_position() {
                let most = self.max_position();
                return fail(format!(
                    "step {index}: found {end} positions, expected at most the context's {most}"
                ));
            }
            let vocab = self.model.config.vocab;
            if let Some(token) = step.tokens.iter().find(|token| **token as usize >= vocab) {
                return fail(format!("step {index}: found token {token}, expected ids below {vocab}"));
            }
            let needed = end.div_ceil(kv.block_tokens);
            if step.blocks.len() < needed {
                let found = step.blocks.len();
                return fail(format!(
                    "step {index}: found {found} blocks, expected {needed} for {end} positions"
                ));
            }
            if let Some(block) = step.blocks.iter().find(|block| **block as usize >= kv.blocks) {
                return fail(format!(
                    "step {index}: found block {block}, expected blocks below {}",
                    kv.blocks
                ));
            }
        }
        Ok(())
    }
}

impl SeqStep<'_> {
    /// Rows of logits it asks for, as places inside of its tokens.
    fn wanted(&self) -> std::ops::Range<usize> {
        let end = self.tokens.len();
        match self.logits {
            LogitsWanted::None => end..end,
            LogitsWanted::Last => end - 1..end,
            LogitsWanted::All => 0..end,
        }
    }
}
