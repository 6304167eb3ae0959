//! Single kernels of a training step: the matrix product and attention, forward and backward.

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use internlm_model::attend::HeadShape;
use internlm_model::kernels::{linear, rotary_attention};
use internlm_model::positions::Positions;
use internlm_model::rope::Rope;
use internlm_model::{ModelConfig, ModelSize, Precision};
use serde::Serialize;

use super::median::median;

/// Products of the backward pass of attention over those of its forward pass: five to two, as FlashAttention counts.
const BACKWARD: f64 = 2.5;

/// The product `y = x W^T`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProductShape {
    /// Rows of x and y.
    pub rows: usize,
    /// Columns of y, rows of W.
    pub outputs: usize,
    /// Columns of x and W.
    pub inputs: usize,
}

/// Rotation and causal attention of one sequence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AttentionShape {
    /// Length of the sequence.
    pub tokens: usize,
    /// Number of query heads; a multiple of `kv_heads`.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Numbers of one head; even.
    pub width: usize,
}

/// Time of one kernel at one shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KernelResult {
    /// `product`, `attention forward` or `attention backward`.
    pub kernel: &'static str,
    /// Its sizes, as on the command line.
    pub shape: String,
    /// Seconds of each measured call.
    pub seconds: Vec<f64>,
    /// Number format of the operands; sums are f32.
    pub precision: Precision,
    /// TFLOP/s of the median call; `None` when noise leaves it no time.
    pub tflops: Option<f64>,
}

/// How kernels are measured.
#[derive(Clone, Debug)]
pub struct KernelBench {
    /// Where the kernels run.
    pub device: Device,
    /// Number of measured calls.
    pub repeats: usize,
    /// Number of calls before them: kernels are compiled, memory is reserved.
    pub warmup: usize,
    /// Number format of the operands, which the device computes with.
    pub precision: Precision,
}

impl KernelBench {
    /// Measures a product of random matrices.
    #[must_use]
    pub fn product(&self, shape: ProductShape) -> KernelResult {
        let ProductShape { rows, outputs, inputs } = shape;
        let random = |rows| self.random([rows, inputs]);
        let (x, weight) = (random(rows), random(outputs));
        let seconds = self.seconds(|| drop(linear(x.clone(), weight.clone())));
        let flops = 2.0 * (rows * outputs) as f64 * inputs as f64;
        self.result("product", format!("{rows}x{outputs}x{inputs}"), seconds, flops)
    }

    /// Measures attention: its forward pass, then its backward pass, which is what both together take longer.
    #[must_use]
    pub fn attention(&self, shape: AttentionShape) -> [KernelResult; 2] {
        let AttentionShape { tokens, heads, kv_heads, width } = shape;
        let size = ModelSize { hidden: heads * width, layers: 1, heads, inter: width, vocab: 1 };
        let model = ModelConfig::new(size).with_kv_heads(kv_heads);
        let positions = Positions::sequence(tokens);
        let table = Rope::new(&model).table(&positions, &self.device);
        let attend = |packed: Tensor<2>| {
            rotary_attention(packed, HeadShape { heads, kv_heads }, &table, &positions, None)
        };
        let packed = self.random([tokens, model.qkv_rows()]);
        let forward = self.seconds(|| drop(attend(packed.clone())));
        let both = self.seconds(|| drop(attend(packed.clone().autodiff().require_grad()).sum().backward()));
        let first = median(forward.clone());
        let backward = both.iter().map(|seconds| seconds - first).collect();
        let flops = 2.0 * (heads * width) as f64 * (tokens * (tokens + 1)) as f64;
        let shape = format!("{tokens}x{heads}x{kv_heads}x{width}");
        [
            self.result("attention forward", shape.clone(), forward, flops),
            self.result("attention backward", shape, backward, BACKWARD * flops),
        ]
    }

    fn random(&self, shape: [usize; 2]) -> Tensor<2> {
        Tensor::<2>::random(shape, Distribution::Default, &self.device).cast(self.precision.dtype())
    }

    /// Seconds of each call of `work`, the wait for the device included.
    fn seconds(&self, mut work: impl FnMut()) -> Vec<f64> {
        let wait = || self.device.sync().expect("the device finishes what was launched");
        for _ in 0..self.warmup {
            work();
        }
        wait();
        let call = |_| {
            let start = Instant::now();
            work();
            wait();
            start.elapsed().as_secs_f64()
        };
        (0..self.repeats).map(call).collect()
    }

    fn result(&self, kernel: &'static str, shape: String, seconds: Vec<f64>, flops: f64) -> KernelResult {
        let typical = median(seconds.clone());
        let tflops = (typical > 0.0).then(|| flops / typical / 1e12);
        KernelResult { kernel, shape, seconds, precision: self.precision, tflops }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_measured_at_their_shapes() {
        let precision = Precision::F32Exact;
        let bench = KernelBench { device: Device::flex(), repeats: 3, warmup: 1, precision };
        let product = bench.product(ProductShape { rows: 8, outputs: 16, inputs: 32 });
        assert_eq!((product.kernel, product.shape.as_str()), ("product", "8x16x32"));
        let [forward, backward] =
            bench.attention(AttentionShape { tokens: 9, heads: 4, kv_heads: 2, width: 8 });
        assert_eq!([forward.kernel, backward.kernel], ["attention forward", "attention backward"]);
        for found in [&product, &forward, &backward] {
            assert_eq!(
                (found.seconds.len(), found.tflops.is_some_and(f64::is_finite)),
                (3, median(found.seconds.clone()) > 0.0)
            );
        }
    }
}
