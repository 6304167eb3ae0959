//! Codes on the GPU against the weights that they stand for: exact weights, products and gradients, rows with gaps.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

use burn::tensor::{DType, Int, Shape, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use half::f16;
use internlm_kit::testing::TestRng;
use proptest::prelude::*;

use crate::kernels::device::launch::{int_primitive, upload};
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
        // Scales and minima below 2^-2, some below the smallest normal half.
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
    let apart = |tensor: Tensor<2, Int>| Tensor::from_primitive::<CubeBackend>(words_with_gaps(tensor));
    Int4Weights { codes: apart(weights.codes), scales: apart(weights.scales), ..weights }
}

/// The same words, four others after each row.
fn words_with_gaps(tensor: Tensor<2, Int>) -> CubeTensor {
    let [rows, columns] = tensor.dims();
    let x = int_primitive(tensor.clone());
    let words = tensor.into_data().try_into_vec_as::<u32>().expect("words");
    let padded: Vec<u32> =
        words.chunks(columns).flat_map(|row| row.iter().copied().chain([u32::MAX; 4])).collect();
    let mut tensor = upload(&x, &padded, [rows, columns + 4]);
    *tensor.meta.shape_mut() = Shape::new([rows, columns]);
    tensor
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
        results(x, |x| linear(x, Tensor::from_inner(weight.clone())))
    };
    let x = Tensor::from_data(x.to_data(), (&device, format));
    let found = results(x, |x| match format {
        DType::F32 => int4_linear(gaps(x), &weights),
        _ => int4_linear(x, &weights),
    });
    let tolerance = match format {
        DType::F32 => 1e-5,
        DType::BF16 => 2e-2,
        _ => 3e-3,
    };
    close_within(tolerance, "value", &found[0], &expected[0]);
    close_within(tolerance, "gradient", &found[1], &expected[1]);
}

#[test]
fn codes_that_do_not_fit_their_scales_or_x_are_refused() {
    let weights = on_gpu(&matrix([8, 64], 32, 1));
    let refused = |weights: Int4Weights, inputs: usize| {
        let x = Tensor::<2>::zeros([3, inputs], &gpu());
        std::panic::catch_unwind(AssertUnwindSafe(|| int4_linear(x, &weights))).is_err()
    };
    assert!(!refused(weights.clone(), 64));
    assert!(refused(weights.clone(), 32) && refused(weights.clone(), 96));
    assert!(refused(Int4Weights { group: 64, ..weights }, 64));
}

#[test]
fn tracked_rows_take_the_twin_too() {
    let matrix = matrix([8, 64], 32, 2);
    let weights = Int4Weights::new(&matrix, &cpu());
    let x: Tensor<2> = constant([3, 64], "x", &cpu().autodiff());
    let found = results(x, |x| int4_linear(x, &weights));
    let x: Tensor<2> = constant([3, 64], "x", &gpu().autodiff());
    let expected = results(x, |x| int4_linear(x, &on_gpu(&matrix)));
    close_within(1e-5, "value", &found[0], &expected[0]);
    close_within(1e-5, "gradient", &found[1], &expected[1]);
}

#[test]
fn products_in_16_bits() {
    let format = if gpu().supports_dtype(DType::BF16) { DType::BF16 } else { DType::F16 };
    for (tokens, group) in [(1, 64), (5, 0), (16, 128), (33, 32), (130, 0), (200, 128), (513, 64)] {
        product_is_that_of_the_weights([tokens, 136, 384], group, format);
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
