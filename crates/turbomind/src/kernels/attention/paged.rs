//! [`PagedAttention`]: attention that owns its pool of keys and values, for one caller.

use super::call::AttentionCall;
use super::plan::{AttentionScratch, AttentionShape, AttentionStep};
use super::run::attention;
use super::store::{KvPlace, store_key, store_value};
use crate::kv::{KvConfig, KvPool};
use crate::pool::{Pool, Shared};
use crate::simd::Isa;
use crate::{Error, Result};

/// The attention of a pass, outside of a pass: for benches and tests.
#[derive(Debug)]
pub struct PagedAttention {
    isa: Isa,
    heads: usize,
    window: Option<usize>,
    kv: KvPool,
    scratch: AttentionScratch,
    q: Shared<f32>,
    out: Shared<f32>,
}

impl PagedAttention {
    /// Makes an empty pool for attention of `heads` query heads.
    ///
    /// # Errors
    /// As [`KvPool::new`].
    pub fn new(isa: Isa, config: &KvConfig, heads: usize) -> Result<Self> {
        let kv = KvPool::new(config)?;
        let scratch = AttentionScratch::default();
        Ok(Self { isa, heads, window: None, kv, scratch, q: Shared::default(), out: Shared::default() })
    }

    /// Number of query heads.
    #[must_use]
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Lets queries see the last `window` keys up to their own; at first they see all.
    pub fn set_window(&mut self, window: Option<usize>) {
        self.window = window;
    }

    /// The pool of keys and values.
    pub fn kv(&mut self) -> &mut KvPool {
        &mut self.kv
    }

    /// Stores a key and a value, `[head_dim]` each.
    pub fn store(&mut self, place: KvPlace, key: &[f32], value: &[f32]) {
        // SAFETY: the exclusive borrow of the pool.
        unsafe {
            store_key(self.isa, &self.kv, place, key);
            store_value(self.isa, &self.kv, place, value);
        }
    }

    /// Computes the attention of the rows of `steps`.
    ///
    /// # Shapes
    /// `q` and the result: `[rows][heads * head_dim]`.
    ///
    /// # Errors
    /// [`Error::Step`] and [`Error::Argument`] for steps, a layer or rows that do not fit the pool or `q`.
    pub fn run(
        &mut self,
        threads: &mut Pool,
        layer: usize,
        steps: &[AttentionStep<'_>],
        q: &[f32],
    ) -> Result<&[f32]> {
        let width = self.heads * self.kv.config().head_dim;
        let rows = steps.iter().map(|step| step.rows).sum::<usize>();
        if layer >= self.kv.config().layers || q.len() != rows * width {
            let (name, found) = (format!("attention of layer {layer}"), format!("{} numbers", q.len()));
            return Err(Error::argument(name, found, format!("{rows} rows")));
        }
        let scale = (self.kv.config().head_dim as f32).sqrt().recip();
        let shape = AttentionShape { heads: self.heads, scale, threads: threads.threads() };
        self.scratch.prepare(&self.kv, shape, steps)?;
        self.q.reserve(q.len());
        self.q.get_mut()[..q.len()].copy_from_slice(q);
        self.out.reserve(q.len());
        let call = AttentionCall {
            isa: self.isa,
            pool: &self.kv,
            layer,
            window: self.window,
            steps,
            q: &self.q,
            out: &self.out,
            scratch: &self.scratch,
        };
        threads.run(&|member| attention(member, &call))?;
        Ok(&self.out.get_mut()[..q.len()])
    }
}
