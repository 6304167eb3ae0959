//! Products by emulated tiles against sums in f64, on numbers that bf16 holds, with NaN after every row.

use burn::tensor::{Device, Tensor, TensorData};
use burn_cubecl::tensor::CubeTensor;
use cubecl::zspace::metadata::Metadata;
use half::{bf16, f16};
use proptest::prelude::*;

use super::coded;
use super::form::TileForm;
use super::fragment::Stored;
use super::gemm::{TileRefusal, launch, launch_with};
use super::plan::Plan;
use crate::kernels::device::gemm::{Routine, transposed};
use crate::kernels::device::int4::Codes;
use crate::kernels::device::launch::{empty_f32, from_primitive, primitive};
use crate::kernels::device::tests::{close, gpu, random, with_gaps};
use crate::kernels::{Int4Weights, linear, linear_by};
use crate::parameter::numbers;
use crate::testing::Int4Example;
use crate::weights::int4::{CodedRows, Int4Matrix, Int4Source, Packing};

/// Sizes whose stages fit into 32 KiB in f32: `[rows, columns, depth, stages, planes_m, planes_n]`.
const SIZES: [[usize; 6]; 3] = [[32, 32, 32, 2, 2, 1], [64, 32, 16, 2, 2, 2], [32, 32, 16, 3, 1, 2]];

fn emulated(
    [rows, columns, depth, stages, planes_m, planes_n]: [usize; 6],
) -> impl Fn(Stored, Stored) -> Plan {
    let form = TileForm::Emulated;
    move |left, right| Plan { rows, columns, depth, stages, planes_m, planes_n, left, right, form }
}

/// Numbers that bf16 holds.
fn rounded(shape: [usize; 2], purpose: &str) -> Vec<f32> {
    random(&shape, purpose).into_iter().map(|number| bf16::from_f32(number).to_f32()).collect()
}

fn upload(shape: [usize; 2], numbers: Vec<f32>, device: &Device) -> CubeTensor {
    primitive(Tensor::<2>::from_data(TensorData::new(numbers, shape), device))
}

/// An operand `[rows, columns]` on the GPU, its rows or its columns consecutive in memory, with its numbers by row.
fn operand([rows, columns]: [usize; 2], order: Order, purpose: &str) -> (CubeTensor, Vec<f32>) {
    let device = gpu();
    let values = rounded([rows, columns], purpose);
    let matrix = match order {
        Order::Rows => with_gaps(upload([rows, columns], values.clone(), &device), 8),
        Order::Columns => {
            let across = (0..columns * rows).map(|i| values[i % rows * columns + i / rows]).collect();
            transposed(&with_gaps(upload([columns, rows], across, &device), 8))
        }
    };
    (matrix, values)
}

/// Whose numbers follow one another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    Rows,
    Columns,
}

fn compare([m, k, n]: [usize; 3], orders: [Order; 2], sizes: [usize; 6]) {
    let (lhs, a) = operand([m, k], orders[0], "left");
    let (rhs, b) = operand([k, n], orders[1], "right");
    let out = empty_f32(&lhs, [m, n]);
    launch_with(&lhs, &rhs, &out, emulated(sizes)).expect("the shapes are even");
    let sum =
        |i: usize, j: usize| (0..k).map(|l| f64::from(a[i * k + l]) * f64::from(b[l * n + j])).sum::<f64>();
    let expected: Vec<f32> = (0..m * n).map(|at| sum(at / n, at % n) as f32).collect();
    close("product", &numbers(from_primitive::<2>(out)), &expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn emulated_tiles_give_the_product(
        rows in 1..150_usize, depth in 1..90_usize, columns in 1..16_usize, size in 0..3_usize,
        left in prop::sample::select(vec![Order::Rows, Order::Columns]),
        right in prop::sample::select(vec![Order::Rows, Order::Columns]),
    ) {
        // What is consecutive in memory comes in chunks of 8; n always, for the output.
        let even = |size: usize| size.next_multiple_of(8);
        let m = if left == Order::Columns { even(rows) } else { rows };
        let k = if left == Order::Rows || right == Order::Columns { even(depth) } else { depth };
        compare([m, k, 8 * columns], [left, right], SIZES[size]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn emulated_tiles_of_codes_give_the_product(
        m in 1..80_usize, groups in 1..4_usize, columns in 1..9_usize, size in 0..3_usize, seed: u64,
    ) {
        let (k, n) = (32 * groups, 8 * columns);
        let mut example = Int4Example::random([n, k], 32, seed);
        example.scales.iter_mut().flatten().for_each(|scale| *scale = f16::from_f32(0.25));
        let source = Int4Source::new(example.pack(Packing::CompressedTensors)).expect("it fits");
        let rows: Vec<_> = (0..n).map(|row| (0, row)).collect();
        let matrix = Int4Matrix::stack(&[CodedRows::packed(source)], &rows).expect("finite scales");
        let codes = Codes::of(&Int4Weights::new(&matrix, &gpu()));
        let (x, a) = operand([m, k], Order::Rows, "left");
        let out = empty_f32(&x, [m, n]);
        let plan = emulated(SIZES[size])(Stored::Mk, Stored::Nk);
        prop_assert_eq!(coded::launch(&x, &codes, &out), Err(TileRefusal::NoTensorCores));
        coded::launch_with(&x, &codes, &out, plan).expect("the shapes are even");
        let weights = example.weights();
        let sum = |i: usize, j: usize| -> f32 {
            let products = (0..k).map(|l| f64::from(a[i * k + l]) * f64::from(weights[j * k + l]));
            products.sum::<f64>() as f32
        };
        let expected: Vec<f32> = (0..m * n).map(|at| sum(at / n, at % n)).collect();
        close("product", &numbers(from_primitive::<2>(out)), &expected);
    }
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let device = gpu();
    let (lhs, _) = operand([16, 12], Order::Rows, "left");
    let (rhs, _) = operand([12, 16], Order::Rows, "right");
    let out = empty_f32(&lhs, [16, 16]);
    let found = launch_with(&lhs, &rhs, &out, emulated(SIZES[0]));
    assert_eq!(found, Err(TileRefusal::Uneven(12, 20)));
    assert_eq!(launch(&lhs, &rhs, &out), Err(TileRefusal::NoTensorCores));
    let mut scattered = upload([16, 24], vec![0.0; 16 * 24], &device);
    *scattered.meta = Metadata::new([16, 12], [24, 2]);
    let found = launch_with(&scattered, &rhs, &out, emulated(SIZES[0]));
    assert_eq!(found, Err(TileRefusal::Scattered));
}

#[test]
fn f32_products_on_tensor_cores_are_refused() {
    let device = gpu();
    let x = Tensor::<2>::from_data(TensorData::new(random(&[8, 16], "x"), [8, 16]), &device);
    let weight = Tensor::<2>::from_data(TensorData::new(random(&[24, 16], "w"), [24, 16]), &device);
    for routine in [Routine::DoubleMma, Routine::AsyncMma, Routine::SimpleMma, Routine::TmaMma, Routine::Tile]
    {
        let refused = linear_by(routine, &x, &weight).expect_err("TF32 is never implicit");
        assert!(refused.to_string().contains("TF32"), "{refused}");
    }
    let expected = numbers(linear(x.clone(), weight.clone()));
    for routine in [Routine::Unit, Routine::Naive] {
        close("routine", &numbers(linear_by(routine, &x, &weight).expect("takes it")), &expected);
    }
    assert!(linear_by(Routine::Unit, &x, &x.clone().narrow(1, 0, 8)).is_err());
}
