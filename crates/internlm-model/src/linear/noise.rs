//! [`Noise`]: the number of the present pass, which random parts of a forward pass depend on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use internlm_kit::rng::CounterRng;

/// The number of the present pass of a training run, shared by all parts of a model that draw random numbers (dropout,
/// noise on embeddings). A trainer sets it before each pass: the numbers are then a pure function of the pass, and a
/// resumed run draws the same ones.
#[derive(Clone, Debug, Default)]
pub struct Noise {
    pass: Arc<AtomicU64>,
}

impl Noise {
    /// Begins pass number `pass`.
    pub fn begin(&self, pass: u64) {
        self.pass.store(pass, Ordering::Relaxed);
    }

    /// The numbers of `rng` for the present pass.
    #[must_use]
    pub fn stream(&self, rng: CounterRng) -> CounterRng {
        rng.split(self.pass.load(Ordering::Relaxed))
    }
}
