//! [`Draw`]: random initial values of one tensor.

use burn::tensor::{Device, Tensor, TensorData};
use internlm_kit::rng::CounterRng;

/// Random initial values of one tensor: a pure function of (seed, tensor name).
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    rng: CounterRng,
    spread: f64,
}

impl Draw {
    /// `spread` is the standard deviation of normal values, half the width of uniform ones.
    #[must_use]
    pub fn new(seed: u64, name: &str, spread: f64) -> Self {
        Self { rng: CounterRng::new(seed, name), spread }
    }

    /// Values of N(0, spread).
    #[must_use]
    pub fn normal(&self, shape: [usize; 2], device: &Device) -> Tensor<2> {
        self.tensor(shape, device, |counter| self.rng.normal(counter))
    }

    /// Values of U(-spread, spread).
    #[must_use]
    pub fn uniform(&self, shape: [usize; 2], device: &Device) -> Tensor<2> {
        self.tensor(shape, device, |counter| 2.0 * self.rng.f64(counter) - 1.0)
    }

    fn tensor(&self, shape: [usize; 2], device: &Device, unit: impl Fn(u64) -> f64) -> Tensor<2> {
        let count = (shape[0] * shape[1]) as u64;
        let values: Vec<f32> = (0..count).map(|counter| (self.spread * unit(counter)) as f32).collect();
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}
