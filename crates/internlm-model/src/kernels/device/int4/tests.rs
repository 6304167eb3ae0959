//! Codes on the GPU against the weights that they stand for: exact weights, products and gradients, rows with gaps.

use std::borrow::Cow;

use burn::tensor::{DType, Int, Tensor};
use half::f16;
use internlm_kit::testing::TestRng;
use proptest::prelude::*;

use crate::kernels::device::tests::{close_within, constant, cpu, gaps, gpu};
use crate::kernels::{Int4Weights, int4_decode, int4_linear, linear};
use crate::parameter::numbers;
use crate::testing::Int4Example;
use crate::weights::Encoding;
use crate::weights::int4::{CodedRows, Int4Matrix, Int4Source, Packing};

/// A matrix with zero points in groups of `group`, one with minima for a group of 0.
fn matrix([outputs, inputs]: [usize; 2], group: usize, seed: u64) -> Int4Matrix {
    let rows: Vec<_> = (0..outputs).map(|row| (0, row)).collect();
    let part = if group == 0 {
        let length = Encoding::Q4_1.byte_length(&[outputs, inputs]).expect("whole blocks");
        let mut rng = TestRng::new(seed);
        // Scales and minima of up to 2^-3, some below the smallest normal half.
        let mut byte =
            |at: usize| rng.below(256) as u8 & if at % 20 < 4 && at % 2 == 1 { 0xb3 } else { 0xff };
        let bytes = (0..length).map(&mut byte).collect();
        CodedRows::Blocks { encoding: Encoding::Q4_1, bytes: Cow::Owned(bytes), inputs }
    } else {
        let mut example = Int4Example::random([outputs, inputs], group, seed);
        example.scales[0][0] = f16::from_bits(3);
        CodedRows::packed(Int4Source::new(example.pack(Packing::CompressedTensors)).expect("it fits"))
    };
    Int4Matrix::stack(&[part], &rows).expect("finite scales")
}

/// The codes on the GPU, with other words after each row.
fn on_gpu(matrix: &Int4Matrix) -> Int4Weights {
    let weights = Int4Weights::new(matrix, &gpu());
    let apart = |tensor: Tensor<2, Int>| {
        let [rows, columns] = tensor.dims();
        let other = Tensor::ones([rows, 4], (&gpu(), tensor.dtype()));
        Tensor::cat(vec![tensor, other], 1).slice([0..rows, 0..columns])
    };
    Int4Weights { codes: apart(weights.codes), scales: apart(weights.scales), ..weights }
}

/// Sizes of groups, 0 for blocks with minima.
const GROUPS: [usize; 4] = [32, 64, 128, 0];

#[test]
fn weights_are_exact() {
    for (seed, group) in GROUPS.into_iter().enumerate() {
        let matrix = matrix([40, 256], group, seed as u64);
        let (expected, weights) = (matrix.to_f32(), on_gpu(&matrix));
        assert_eq!(numbers(int4_decode(&weights, DType::F32)), expected, "group {group}");
        let halves = int4_decode(&weights, DType::F16).to_data().try_into_vec_as::<f32>();
        let rounded: Vec<f32> = expected.iter().map(|weight| f16::from_f32(*weight).to_f32()).collect();
        let halves = halves.expect("floats");
        let odd = halves.iter().zip(&rounded).position(|(found, expected)| found != expected);
        assert_eq!(odd, None, "group {group}");
    }
}

/// Value and gradient of x, in f32.
fn results(x: Tensor<2>, product: impl Fn(Tensor<2>) -> Tensor<2>) -> [Vec<f32>; 2] {
    let x = x.require_grad();
    let y = product(x.clone());
    let g = constant(y.dims(), "gradient", &y.device().inner()).cast(y.dtype());
    let gradients = (y.clone() * g).sum().backward();
    [y.cast(DType::F32), x.grad(&gradients).expect("x is a leaf").cast(DType::F32)].map(numbers)
}

fn product_is_that_of_the_weights(shape: [usize; 3], group: usize, format: DType) {
    let [tokens, outputs, inputs] = shape;
    let matrix = matrix([outputs, inputs], group, 5);
    let (weights, device) = (on_gpu(&matrix), gpu().autodiff());
    let x = constant([tokens, inputs], "x", &gpu()).cast(format);
    let expected = {
        let weight = int4_decode(&Int4Weights::new(&matrix, &cpu()), DType::F32);
        let x = Tensor::from_data(x.to_data().convert::<f32>(), &cpu().autodiff());
        results(x, |x| linear(x, Tensor::from_data(weight.to_data(), &cpu().autodiff())))
    };
    let x = Tensor::from_data(x.to_data(), (&device, format));
    let found = results(x, |x| match format {
        DType::F32 => int4_linear(gaps(x), &weights),
        _ => int4_linear(x, &weights),
    });
    let tolerance = if format == DType::F32 { 1e-5 } else { 3e-3 };
    close_within(tolerance, "value", &found[0], &expected[0]);
    close_within(tolerance, "gradient", &found[1], &expected[1]);
}

#[test]
fn products_in_16_bits() {
    for (tokens, group) in [(1, 64), (5, 0), (16, 128), (33, 32)] {
        product_is_that_of_the_weights([tokens, 24, 384], group, DType::F16);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn products_equal_those_of_the_weights(
        tokens in 1..40_usize,
        outputs in 1..90_usize,
        runs in 1..12_usize,
        kind in 0..4_usize,
    ) {
        let group = GROUPS[kind];
        let inputs = runs * group.max(32);
        product_is_that_of_the_weights([tokens, outputs, inputs], group, DType::F32);
    }

    #[test]
    fn few_rows_change_no_bit_of_each_other(tokens in 1..=16_usize, outputs in 1..40_usize, kind in 0..4_usize) {
        let matrix = matrix([outputs, 2048], GROUPS[kind], 9);
        let weights = on_gpu(&matrix);
        let x: Tensor<2> = constant([tokens, 2048], "x", &gpu());
        let together = numbers(int4_linear(x.clone(), &weights));
        let alone = (0..tokens)
            .flat_map(|token| numbers(int4_linear(x.clone().slice([token..token + 1, 0..2048]), &weights)));
        prop_assert_eq!(together, alone.collect::<Vec<_>>());
    }
}
