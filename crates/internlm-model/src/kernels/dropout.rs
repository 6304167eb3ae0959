//! Dropout whose mask is a pure function of a counter: the backward pass draws it again instead of keeping it.

use burn::tensor::{Tensor, TensorData};
use internlm_kit::rng::CounterRng;

/// Inverted dropout: an element is 0 with probability `rate`, else divided by `1 - rate`. Element i is decided by the
/// i-th number of `rng`.
#[derive(Clone, Copy, Debug)]
pub struct Mask {
    /// Probability that an element is dropped, below 1.
    pub rate: f64,
    /// Numbers of this layer and pass.
    pub rng: CounterRng,
}

impl Mask {
    /// The factor of element number `index`: 0 or `1 / (1 - rate)`.
    #[must_use]
    pub fn factor(&self, index: usize) -> f32 {
        if self.rng.f64(index as u64) < self.rate { 0.0 } else { (1.0 / (1.0 - self.rate)) as f32 }
    }
}

/// The dropped numbers of a tensor; differentiable.
///
/// # Shapes
/// - x, output: `[T, in]`
#[must_use]
pub fn dropout(x: Tensor<2>, mask: Mask) -> Tensor<2> {
    let [rows, columns] = x.dims();
    let factors: Vec<f32> = (0..rows * columns).map(|index| mask.factor(index)).collect();
    let factors = Tensor::<2>::from_data(TensorData::new(factors, [rows, columns]), &x.device().inner());
    x * factors
}
