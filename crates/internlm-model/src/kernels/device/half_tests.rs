//! The kernels of the decoder on tensors of 16 bits against their twins in f32, values and gradients.
//!
//! The format is bf16 where the device computes with it. Vulkan has f16, for which kernels and host run the same code:
//! whether inputs, outputs and saved numbers are read in the format that they were written in shows there as well.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use half::{bf16, f16};
use internlm_kit::rng::CounterRng;

use super::gemm::{Routine, transposed};
use super::launch::{empty, empty_f32, from_primitive, primitive};
use super::tests::{close_within, cpu, gpu, labels, random};
use crate::heads::HeadShape;
use crate::kernels::{
    cross_entropy, embedding, linear, plain, rms_norm, rotary_attention, rotate, swiglu, token_log_probs,
};
use crate::parameter::numbers;
use crate::positions::{Positions, Run};
use crate::rope::RopeTable;

/// A device, the format that it computes in, and the format whose numbers it is given.
#[derive(Clone, Debug)]
struct Place {
    device: Device,
    format: DType,
    numbers: DType,
}

/// The device under test in 16 bits, and the CPU in f32 with the same numbers.
fn places() -> [Place; 2] {
    let device = gpu();
    let format = if device.supports_dtype(DType::BF16) { DType::BF16 } else { DType::F16 };
    assert!(device.supports_dtype(format), "the device under test computes with 16 bits");
    [Place { device, format, numbers: format }, Place { device: cpu(), format: DType::F32, numbers: format }]
}

impl Place {
    /// Several times the rounding error of the format.
    fn tolerance(&self) -> f64 {
        if self.numbers == DType::BF16 { 2e-2 } else { 3e-3 }
    }

    fn constant<const D: usize>(&self, shape: [usize; D], purpose: &str) -> Tensor<D> {
        let round = |number: f32| match self.numbers {
            DType::BF16 => bf16::from_f32(number).to_f32(),
            _ => f16::from_f32(number).to_f32(),
        };
        let values: Vec<f32> = random(&shape, purpose).into_iter().map(round).collect();
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }

    /// A leaf in f32 that requires a gradient.
    fn leaf<const D: usize>(&self, shape: [usize; D], purpose: &str) -> Tensor<D> {
        let values = numbers(self.constant(shape, purpose));
        Tensor::from_data(TensorData::new(values, shape), &self.device.clone().autodiff()).require_grad()
    }

    /// The value of `function` and the gradients of its inputs under `sum(y g)`.
    fn results<const A: usize, const B: usize, const C: usize>(
        &self,
        function: impl Fn(Tensor<A>, Tensor<B>) -> Tensor<C>,
        (a, b): ([usize; A], [usize; B]),
    ) -> [Vec<f32>; 3] {
        let (a, b) = (self.leaf(a, "a"), self.leaf(b, "b"));
        let y = function(a.clone().cast(self.format), b.clone().cast(self.format)).cast(DType::F32);
        let g = self.constant(y.dims(), "gradient");
        let gradients = (y.clone() * g).sum().backward();
        let gradient = |found: Option<Vec<f32>>| found.unwrap_or_default();
        [numbers(y), gradient(a.grad(&gradients).map(numbers)), gradient(b.grad(&gradients).map(numbers))]
    }
}

/// Compares a kernel and its twin; a missing gradient counts as a difference unless both lack it.
fn compare<const A: usize, const B: usize, const C: usize>(
    shapes: ([usize; A], [usize; B]),
    kernel: impl Fn(Tensor<A>, Tensor<B>) -> Tensor<C>,
    twin: impl Fn(Tensor<A>, Tensor<B>) -> Tensor<C>,
) {
    let [half, full] = places();
    let (found, expected) = (half.results(kernel, shapes), full.results(twin, shapes));
    for (name, index) in [("value", 0), ("first gradient", 1), ("second gradient", 2)] {
        close_within(half.tolerance(), name, &found[index], &expected[index]);
    }
}

#[test]
fn rms_norm_of_16_bits() {
    let shapes = ([70, 130], [130]);
    compare(shapes, |x, w| rms_norm(x, w, 1e-5), |x, w| plain::rms_norm(x, w, 1e-5));
}

#[test]
fn swiglu_of_16_bits() {
    compare(([33, 90], [33, 90]), swiglu, plain::swiglu);
}

#[test]
fn linear_layers_of_16_bits() {
    for (tokens, inputs, outputs) in [(1, 64, 96), (70, 40, 24), (33, 7, 5)] {
        compare(([tokens, inputs], [outputs, inputs]), linear, plain::linear);
    }
}

/// Every routine that takes 16 bits on this device, all orders of the operands in memory, sums kept and rounded.
#[test]
fn routines_of_16_bits() {
    let [half, full] = places();
    let (m, k, n) = (72, 40, 96);
    let operands = |place: &Place, swapped: [bool; 2]| {
        let one = |shape: [usize; 2], swapped: bool, purpose: &str| {
            let stored = if swapped { [shape[1], shape[0]] } else { shape };
            let matrix = primitive(place.constant::<2>(stored, purpose).cast(place.format));
            if swapped { transposed(&matrix) } else { matrix }
        };
        (one([m, k], swapped[0], "left"), one([k, n], swapped[1], "right"))
    };
    let mut taken = Vec::new();
    for swapped in [[false, false], [true, false], [false, true], [true, true]] {
        let stored = |shape: [usize; 2], swapped: bool, purpose: &str| {
            let matrix = full.constant::<2>(if swapped { [shape[1], shape[0]] } else { shape }, purpose);
            if swapped { matrix.transpose() } else { matrix }
        };
        let product = stored([m, k], swapped[0], "left").matmul(stored([k, n], swapped[1], "right"));
        let expected = numbers(product);
        let (lhs, rhs) = operands(&half, swapped);
        for routine in Routine::ALL {
            for out in [empty(&lhs, [m, n]), empty_f32(&lhs, [m, n])] {
                if routine.launch(&lhs, &rhs, &out).is_ok() {
                    let name = format!("{routine:?} {swapped:?} {:?}", out.dtype);
                    close_within(half.tolerance(), &name, &numbers(from_primitive::<2>(out)), &expected);
                    taken.push(routine);
                }
            }
        }
    }
    assert!(taken.contains(&Routine::Unit) && taken.contains(&Routine::Naive), "{taken:?}");
}

#[test]
fn rotation_of_16_bits() {
    // The second input is not used: tables stay in f32.
    let run = |rotate: fn(Tensor<3>, Tensor<2>, Tensor<2>) -> Tensor<3>| {
        move |x: Tensor<3>, unused: Tensor<1>| {
            let place = Place { device: unused.device().inner(), format: DType::F32, numbers: DType::F16 };
            rotate(x, place.constant([40, 8], "cos"), place.constant([40, 8], "sin"))
        }
    };
    compare(([40, 3, 16], [1]), run(rotate), run(plain::rotate));
}

#[test]
fn embeddings_of_16_bits() {
    let rng = CounterRng::new(3, "ids");
    let ids: Vec<i32> = (0..90).map(|t| rng.below(t, 20) as i32).collect();
    let run = |embedding: fn(Tensor<2>, Tensor<1, Int>) -> Tensor<2>| {
        let ids = ids.clone();
        move |weight: Tensor<2>, unused: Tensor<1>| {
            let ids = Tensor::from_data(TensorData::new(ids.clone(), [90]), &unused.device());
            embedding(weight, ids)
        }
    };
    compare(([20, 50], [1]), run(embedding), run(plain::embedding));
}

#[test]
fn losses_of_16_bits() {
    let labels = labels(60, 200);
    let twin = |h: Tensor<2>, w: Tensor<2>| plain::cross_entropy(plain::linear(h, w), &labels);
    compare(([60, 24], [200, 24]), |h, w| cross_entropy(h, w, &labels).sum, |h, w| twin(h, w).sum());
    compare(([60, 24], [200, 24]), |h, w| token_log_probs(h, w, &labels), |h, w| twin(h, w).neg());
}

#[test]
fn attention_of_16_bits() {
    for (shape, d) in [((4, 2), 16), ((9, 3), 64), ((8, 2), 128), ((2, 1), 256)] {
        compare_attention(HeadShape { heads: shape.0, kv_heads: shape.1 }, d);
    }
}

/// Heads of 256 numbers have no kernel: the twin computes them in f32.
fn compare_attention(shape: HeadShape, d: usize) {
    let tokens = 100;
    let runs = [37, 63].map(|tokens| Run { first: 0, tokens }).to_vec();
    let positions = Positions::from_runs(runs);
    let table = |device: &Device| {
        let angle = |i: usize| (i / (d / 2)) as f32 * 0.8_f32.powi((i % (d / 2)) as i32);
        let values = |function: fn(f32) -> f32| {
            let values = (0..tokens * d / 2).map(|i| function(angle(i))).collect::<Vec<f32>>();
            Tensor::from_data(TensorData::new(values, [tokens, d / 2]), device)
        };
        RopeTable { cos: values(f32::cos), sin: values(f32::sin) }
    };
    let run = |packed: Tensor<2>, attend: super::tests::RotaryAttention| {
        let table = table(&packed.device().inner());
        attend(packed, shape, &table, &positions, Some(30))
    };
    compare(
        ([tokens, (shape.heads + 2 * shape.kv_heads) * d], [1]),
        |packed, _: Tensor<1>| run(packed, rotary_attention),
        |packed, _: Tensor<1>| run(packed, plain::rotary_attention),
    );
}
