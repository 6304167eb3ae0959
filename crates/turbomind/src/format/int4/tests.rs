//! Tiles of packed random matrices, dequantized, are `(q - z) s` exactly.

use std::borrow::Cow;

use half::{bf16, f16};
use internlm_model::testing::{Int4Example, word_bytes};
use internlm_model::weights::Encoding;
use proptest::prelude::*;

use super::{Int4Parts, Int4Row, Int4Source, Packing, repack, tile_format};
use crate::format::tests::dequantized;
use crate::tile::{GROUP, TileFormat};

const PACKINGS: [Packing; 4] = [Packing::Awq, Packing::Gptq, Packing::GptqV2, Packing::CompressedTensors];

/// The tiles of some rows of a source.
fn tiles(source: &Int4Source<'_>, rows: &[usize]) -> Vec<u8> {
    let rows: Vec<Int4Row<'_>> = rows.iter().map(|row| Int4Row { source, row: *row }).collect();
    let mut out = vec![0; tile_format(source).matrix_bytes(rows.len(), source.inputs())];
    repack(&rows, &mut out).expect("rows of one source");
    out
}

fn check(plain: &Int4Example, source: &Int4Source<'_>, rows: &[usize]) {
    let weights = dequantized(tile_format(source), &tiles(source, rows), plain.inputs);
    for (n, row) in rows.iter().enumerate() {
        let place = |i: usize| source.columns().map_or(i, |columns| columns[i] as usize);
        let expected: Vec<f32> = (0..plain.inputs).map(|i| plain.weight(*row, place(i))).collect();
        assert_eq!(weights[n], expected, "row {row}");
    }
    assert!(weights[rows.len()..].iter().flatten().all(|weight| *weight == 0.0));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 1 } else { 48 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn tiles_are_q_minus_z_times_s(eights in 1_usize..6, groups in 1_usize..4, double: bool, seed: u64) {
        let group = if double { 256 } else { 128 };
        let plain = Int4Example::random([8 * eights, groups * group], group, seed);
        // Rows in another order, some left out.
        let rows: Vec<usize> = (0..plain.outputs - 3).map(|n| (n * 3 + 1) % plain.outputs).collect();
        for packing in PACKINGS {
            let source = Int4Source::new(plain.pack(packing)).expect("it fits");
            prop_assert_eq!(tile_format(&source), TileFormat::Int4);
            check(&plain, &source, &rows);
        }
    }

    #[test]
    fn inputs_in_the_order_of_activations_are_put_together(groups in 2_usize..4, small: bool, seed: u64) {
        let group = if small { 64 } else { 128 };
        let mut plain = Int4Example::random([16, groups * group], group, seed);
        // 77 has no factor in common with 128, 192, 256 and 384.
        plain.groups = (0..plain.inputs).map(|k| k * 77 % plain.inputs / group).collect();
        let mut parts = plain.pack(Packing::Gptq);
        let words: Vec<u32> = plain.groups.iter().map(|group| *group as u32).collect();
        parts.input_groups = Some(word_bytes(&words));
        let source = Int4Source::new(parts).expect("whole groups");
        prop_assert!(source.columns().is_some());
        check(&plain, &source, &(0..16).collect::<Vec<_>>());
    }
}

#[test]
fn symmetric_small_groups_are_q4_0() {
    for (packing, group) in PACKINGS.into_iter().zip([32, 64, 96, 32]) {
        let mut plain = Int4Example::random([24, 2 * group], group, 7);
        plain.zeros.iter_mut().flatten().for_each(|zero| *zero = 8);
        let source = Int4Source::new(plain.pack(packing)).expect("symmetric");
        assert_eq!(tile_format(&source), TileFormat::Q4_0);
        check(&plain, &source, &(0..24).collect::<Vec<_>>());
    }
}

#[test]
fn small_groups_with_zero_points_are_q8_0() {
    for (packing, group) in PACKINGS.into_iter().zip([32, 64, 96, 32]) {
        let plain = Int4Example::random([24, 4 * group], group, 14);
        let source = Int4Source::new(plain.pack(packing)).expect("whole groups");
        assert_eq!(tile_format(&source), TileFormat::Q8_0);
        check(&plain, &source, &[23, 0, 5, 11, 8, 1, 2, 3, 4, 6, 7, 9, 10, 12, 13, 14, 15, 16, 17]);
    }
}

#[test]
fn small_groups_hold_the_widest_differences() {
    // The first form of GPTQ stores z - 1: z = 16 is possible, and q - z = -16.
    let mut plain = Int4Example::random([8, 64], 32, 15);
    for (zeros, values) in plain.zeros.iter_mut().zip(&mut plain.values) {
        (zeros[0], values[0]) = (16, 0);
        (zeros[1], values[32]) = (1, 15);
    }
    let source = Int4Source::new(plain.pack(Packing::Gptq)).expect("whole groups");
    check(&plain, &source, &(0..8).collect::<Vec<_>>());
}

#[test]
fn an_absent_zero_point_is_8_and_any_float_is_a_scale() {
    let mut plain = Int4Example::random([5, 128], 128, 8);
    plain.zeros.iter_mut().flatten().for_each(|zero| *zero = 8);
    plain.scales.iter_mut().flatten().for_each(|scale| *scale = f16::from_f32(0.01171875));
    let parts = Int4Parts { zeros: None, ..plain.pack(Packing::CompressedTensors) };
    check(&plain, &Int4Source::new(parts.clone()).expect("5 outputs"), &[4, 0, 3, 1, 2]);
    let narrow = bf16::from_f32(0.01171875).to_le_bytes().repeat(5);
    let parts = Int4Parts { scales: Cow::Owned(narrow), scale_encoding: Encoding::Bf16, ..parts };
    check(&plain, &Int4Source::new(parts.clone()).expect("bf16"), &[0, 1, 2, 3, 4]);
    let wide = 0.01171875_f32.to_le_bytes().repeat(5);
    let parts = Int4Parts { scales: Cow::Owned(wide), scale_encoding: Encoding::F32, ..parts };
    check(&plain, &Int4Source::new(parts).expect("f32"), &[0, 1, 2, 3, 4]);
}

#[test]
fn a_trivial_g_idx_moves_nothing() {
    let plain = Int4Example::random([8, 256], 128, 9);
    let groups: Vec<u32> = (0..256).map(|k| k / 128).collect();
    let parts = Int4Parts { input_groups: Some(word_bytes(&groups)), ..plain.pack(Packing::GptqV2) };
    assert_eq!(Int4Source::new(parts).expect("whole groups").columns(), None);
}

#[test]
fn sources_stack_in_one_matrix() {
    let plains = [Int4Example::random([24, 128], 128, 10), Int4Example::random([8, 128], 128, 11)];
    let [first, second] =
        plains.each_ref().map(|plain| Int4Source::new(plain.pack(Packing::Awq)).expect("fits"));
    let row = |source, row| Int4Row { source, row };
    let rows = [row(&first, 3), row(&second, 7), row(&first, 0)];
    let mut out = vec![0; TileFormat::Int4.matrix_bytes(3, 128)];
    repack(&rows, &mut out).expect("alike");
    let weights = dequantized(TileFormat::Int4, &out, 128);
    assert_eq!(weights.len(), GROUP);
    for (n, (plain, row)) in [(&plains[0], 3), (&plains[1], 7), (&plains[0], 0)].into_iter().enumerate() {
        assert_eq!(weights[n], (0..128).map(|k| plain.weight(row, k)).collect::<Vec<_>>());
    }
    let wide = Int4Example::random([8, 256], 128, 12).pack(Packing::Awq);
    let wide = Int4Source::new(wide).expect("fits");
    assert_eq!(
        repack(&[row(&first, 0), row(&wide, 0)], &mut out).expect_err("another inner length"),
        "row 1: found INT4 tiles over 256 inputs, expected INT4 over 128 in the same order"
    );
    assert_eq!(
        repack(&[row(&second, 8)], &mut out).expect_err("no such row"),
        "row 0: found number 8 of 8 source rows"
    );
    assert_eq!(repack(&[], &mut out).expect_err("no rows"), "rows: found none, expected at least one");
    assert_eq!(
        repack(&rows, &mut out[1..]).expect_err("too short"),
        "tiles: found a buffer of 1071 bytes, expected 1072"
    );
}

/// `tests/golden/pack_quantized.py` made the words with the package's own packer.
#[test]
fn words_of_the_compressed_tensors_package_are_read() {
    let golden = include_str!("../../../tests/golden/pack_quantized.json");
    let golden: serde_json::Value = serde_json::from_str(golden).expect("the golden is JSON");
    let words = |key: &str| -> Vec<u32> {
        let signed: Vec<i32> = serde_json::from_value(golden[key].clone()).expect("words");
        signed.into_iter().map(i32::cast_unsigned).collect()
    };
    let scales: Vec<f32> = serde_json::from_value(golden["weight_scale"].clone()).expect("scales");
    let expected: Vec<Vec<f32>> = serde_json::from_value(golden["values"].clone()).expect("rows");
    let (outputs, inputs) = (expected.len(), expected[0].len());
    let parts = Int4Parts {
        packing: Packing::CompressedTensors,
        outputs,
        inputs,
        group: 128,
        weights: word_bytes(&words("weight_packed")),
        zeros: Some(word_bytes(&words("weight_zero_point"))),
        scales: Cow::Owned(scales.iter().flat_map(|scale| f16::from_f32(*scale).to_le_bytes()).collect()),
        scale_encoding: Encoding::F16,
        input_groups: None,
    };
    let source = Int4Source::new(parts).expect("it fits");
    let weights =
        dequantized(tile_format(&source), &tiles(&source, &(0..outputs).collect::<Vec<_>>()), inputs);
    assert_eq!(weights[..outputs], expected);
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let plain = Int4Example::random([16, 256], 128, 13);
    let parts = plain.pack(Packing::Gptq);
    let refused = |parts| Int4Source::new(parts).expect_err("it does not fit");
    let groups = |groups: [u32; 256]| Int4Parts { input_groups: Some(word_bytes(&groups)), ..parts.clone() };
    assert_eq!(
        refused(Int4Parts { group: 48, ..parts.clone() }),
        "shape: found [16, 256] in groups of 48, expected whole groups of a multiple of 32"
    );
    assert_eq!(
        refused(Int4Parts { outputs: 12, ..parts.clone() }),
        "outputs: found 12, expected a multiple of 8"
    );
    assert_eq!(
        refused(Int4Parts { outputs: usize::MAX - 7, ..parts.clone() }),
        "weights: found 2048 bytes, expected less"
    );
    assert_eq!(
        refused(Int4Parts { scale_encoding: Encoding::F32, ..parts.clone() }),
        "scales: found 64 bytes, expected 128"
    );
    assert_eq!(
        refused(Int4Parts { scale_encoding: Encoding::I8, ..parts.clone() }),
        "scales: found I8, expected F16, BF16 or F32"
    );
    assert_eq!(
        refused(groups([0; 256])),
        "g_idx of input 128: found group 0, expected 2 groups of 128 inputs each"
    );
    assert_eq!(
        refused(groups([u32::MAX; 256])),
        "g_idx of input 0: found group -1, expected 2 groups of 128 inputs each"
    );
}

#[test]
fn scales_that_f16_does_not_hold_are_named() {
    let plain = Int4Example::random([16, 256], 128, 15);
    for (found, shown) in [(f32::NAN, "NaN"), (f32::NEG_INFINITY, "-inf"), (1e5, "100000")] {
        let mut scales = [0.5_f32; 32];
        // Group 1 of output 2.
        scales[16 + 2] = found;
        let scales = scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
        let parts = Int4Parts {
            scales: Cow::Owned(scales),
            scale_encoding: Encoding::F32,
            ..plain.pack(Packing::Awq)
        };
        let source = Int4Source::new(parts).expect("lengths fit");
        let rows = [0, 2].map(|row| Int4Row { source: &source, row });
        let problem = repack(&rows, &mut [0; TileFormat::Int4.matrix_bytes(2, 256)]).expect_err("not finite");
        let expected =
            format!("row 1, group 1, scale: found {shown}, expected a finite number of at most 65504");
        assert_eq!(problem, expected);
    }
}
