//! [`PagedAttention`]: attention with a pool of its own, for one caller.

use super::{
    Attend, AttentionCall, AttentionScratch, AttentionShape, Place, attention, store_key, store_value,
};
use crate::kernels::Shared;
use crate::kv::{KvConfig, KvPool};
use crate::pool::Pool;
use crate::simd::Isa;
use crate::{Error, Result};

/// Attention as a pass runs it, outside of a pass: for benches and tests.
#[derive(Debug)]
pub struct PagedAttention {
    isa: Isa,
    heads: usize,
    kv: KvPool,
    scratch: AttentionScratch,
    q: Shared<f32>,
    out: Shared<f32>,
}

impl PagedAttention {
    /// Attention of `heads` query heads.
    ///
    /// # Errors
    /// As [`KvPool::new`].
    pub fn new(isa: Isa, config: &KvConfig, heads: usize) -> Result<Self> {
        let kv = KvPool::new(config)?;
        let scratch = AttentionScratch::default();
        Ok(Self { isa, heads, kv, scratch, q: Shared::default(), out: Shared::default() })
    }

    /// Query heads.
    #[must_use]
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// The pool.
    pub fn kv(&mut self) -> &mut KvPool {
        &mut self.kv
    }

    /// Stores a key and a value, `[head_dim]` each.
    pub fn store(&mut self, place: Place, key: &[f32], value: &[f32]) {
        // SAFETY: the exclusive borrow of the pool.
        unsafe {
            store_key(self.isa, &self.kv, place, key);
            store_value(self.isa, &self.kv, place, value);
        }
    }

    /// Attention of the rows of `steps`.
    ///
    /// # Shapes
    /// `q` and the result: `[rows][heads * head_dim]`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for steps, a layer or rows that do not fit the pool or `q`.
    pub fn run(
        &mut self,
        threads: &mut Pool,
        layer: usize,
        steps: &[Attend<'_>],
        q: &[f32],
    ) -> Result<&[f32]> {
        let width = self.heads * self.kv.config().head_dim;
        let rows = steps.iter().map(|step| step.rows).sum::<usize>();
        if layer >= self.kv.config().layers || q.len() != rows * width {
            let found = q.len();
            return Err(Error::Invalid(format!(
                "attention of layer {layer}: found {found} numbers, expected {rows} rows"
            )));
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
            steps,
            q: &self.q,
            out: &self.out,
            scratch: &self.scratch,
        };
        threads.run(&|member| attention(member, &call))?;
        Ok(&self.out.get_mut()[..q.len()])
    }
}
