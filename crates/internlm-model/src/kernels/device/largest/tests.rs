//! The largest entries of rows against those that the host finds.

use burn::tensor::{Tensor, TensorData};
use internlm_kit::rng::CounterRng;
use proptest::prelude::*;

use crate::kernels::device::tests::{gaps, gpu};
use crate::kernels::{largest_entries, read_entries};
use crate::parameter::numbers;
use crate::sampling;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Few different values, so that ties decide; two parts of a row and more.
    #[test]
    fn largest_entries_are_those_of_the_host(
        rows in 1..5_usize, vocab in 1..9000_usize, count in 1..65_usize, values in 2..5000_u64, seed in 0..99_u64,
    ) {
        let rng = CounterRng::new(seed, "logits");
        let logit = |i: u64| match rng.below(2 * i, 50) {
            0 => f32::NAN,
            1 => f32::NEG_INFINITY,
            _ => rng.below(2 * i + 1, values) as f32 - 100.0,
        };
        check_largest(&(0..(rows * vocab) as u64).map(logit).collect::<Vec<f32>>(), vocab, count);
    }
}

fn check_largest(logits: &[f32], vocab: usize, count: usize) {
    let rows = logits.len() / vocab;
    let matrix = Tensor::<2>::from_data(TensorData::new(logits.to_vec(), [rows, vocab]), &gpu());
    let found = numbers(largest_entries(&gaps(matrix), count).expect("a GPU has the kernel"));
    for (row, (found, logits)) in read_entries(&found, count).iter().zip(logits.chunks(vocab)).enumerate() {
        assert_eq!(*found, sampling::largest(logits, count), "row {row}");
    }
}

#[test]
fn largest_entries_of_unusual_rows() {
    let infinite = [f32::INFINITY, 1.0, f32::INFINITY, f32::MIN, -0.0, 0.0];
    check_largest(&infinite, 6, 6);
    check_largest(&[f32::NAN; 3000], 3000, 2);
    check_largest(&[f32::NEG_INFINITY; 10], 10, 64);
    let large: Vec<f32> = (0..200_000).map(|i| (i * 7919 % 100_003) as f32).collect();
    check_largest(&large, 200_000, 50);
}
