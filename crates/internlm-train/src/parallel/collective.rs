//! [`Collective`]: how the ranks of a run exchange flat buffers. The loop knows nothing of the engine.

use crate::Result;

/// The ranks of one run. Every method is called by all ranks in the same order.
pub trait Collective: Send {
    /// This rank, from 0.
    fn rank(&self) -> usize;

    /// Number of ranks.
    fn size(&self) -> usize;

    /// Replaces `buffer` by the sum over all ranks, in an order that does not depend on timing.
    ///
    /// # Errors
    /// A rank that is gone.
    fn all_reduce(&mut self, buffer: &mut [f32]) -> Result<()>;

    /// The sum over all ranks of one exact number (losses, token counts, squared norms).
    ///
    /// # Errors
    /// A rank that is gone.
    fn all_reduce_f64(&mut self, value: f64) -> Result<f64>;

    /// Waits for all ranks.
    ///
    /// # Errors
    /// A rank that is gone.
    fn barrier(&mut self) -> Result<()>;
}

/// One process: nothing to exchange.
#[derive(Clone, Copy, Debug, Default)]
pub struct Single;

impl Collective for Single {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn all_reduce(&mut self, _buffer: &mut [f32]) -> Result<()> {
        Ok(())
    }

    fn all_reduce_f64(&mut self, value: f64) -> Result<f64> {
        Ok(value)
    }

    fn barrier(&mut self) -> Result<()> {
        Ok(())
    }
}
