//! Tiles of random blocks, dequantized, are `internlm_model`'s values bit for bit.

use half::{bf16, f16};
use internlm_kit::testing::TestRng;
use internlm_model::weights::Encoding;
use proptest::prelude::*;

use super::{SourceRows, repack};
use crate::panel::{BlockScale, Panel};
use crate::simd::{Blocks, scalar};
use crate::tile::{GROUP, TileFormat};

/// Encodings with tiles, and the places of the f16 scales in a block.
const ENCODINGS: [(Encoding, &[usize]); 11] = [
    (Encoding::F32, &[]),
    (Encoding::F16, &[]),
    (Encoding::Bf16, &[]),
    (Encoding::Q4_0, &[0]),
    (Encoding::Q4_1, &[0, 2]),
    (Encoding::Q5_0, &[0]),
    (Encoding::Q5_1, &[0, 2]),
    (Encoding::Q8_0, &[0]),
    (Encoding::Q4K, &[0, 2]),
    (Encoding::Q5K, &[0, 2]),
    (Encoding::Q6K, &[208]),
];

/// A row of random bits without NaN or infinity.
fn random_row(encoding: Encoding, scales: &[usize], inputs: usize, rng: &mut TestRng) -> Vec<u8> {
    let mut next = || rng.bits() as u32 >> 1;
    let finite = |bits: u32| match (bits as u16) & 0x7c00 {
        0x7c00 => (bits as u16) & 0x83ff,
        _ => bits as u16,
    };
    let (_, bytes) = encoding.block();
    let mut row: Vec<u8> =
        (0..encoding.byte_length(&[inputs]).expect("whole blocks")).map(|_| next() as u8).collect();
    for block in row.chunks_exact_mut(bytes) {
        for at in scales {
            block[*at..at + 2].copy_from_slice(&finite(next()).to_le_bytes());
        }
        match encoding {
            Encoding::F32 => block.copy_from_slice(&(next() as f32 - 1e9).to_le_bytes()),
            Encoding::F16 => block.copy_from_slice(&finite(next()).to_le_bytes()),
            Encoding::Bf16 => block.copy_from_slice(&bf16::from_f32(next() as f32 - 1e9).to_le_bytes()),
            _ => {}
        }
    }
    row
}

/// The weights `[outputs padded to 16][inputs padded to a record]` of tiles.
pub(super) fn dequantized(format: TileFormat, tiles: &[u8], inputs: usize) -> Vec<Vec<f32>> {
    let mut weights = Vec::new();
    for group in tiles.chunks_exact(format.group_bytes(inputs)) {
        let mut rows = vec![Vec::new(); GROUP];
        let mut values = vec![[0.0; GROUP]; format.step()];
        for record in group.chunks_exact(format.record_bytes()) {
            scalar::dequantize(format, record, &mut values);
            for values in &values {
                rows.iter_mut().zip(values).for_each(|(row, value)| row.push(*value));
            }
        }
        weights.extend(rows);
    }
    weights
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn check(encoding: Encoding, scales: &[usize], outputs: usize, inputs: usize, seed: u64) {
    let mut rng = TestRng::new(seed);
    let format = TileFormat::of(encoding).expect("it has tiles");
    let rows: Vec<Vec<u8>> = (0..outputs).map(|_| random_row(encoding, scales, inputs, &mut rng)).collect();
    let source = SourceRows { encoding, rows: rows.iter().map(Vec::as_slice).collect(), inputs };
    let mut tiles = vec![0; format.matrix_bytes(outputs, inputs)];
    repack(&source, &mut tiles).expect("finite blocks of the right length");
    let weights = dequantized(format, &tiles, inputs);
    assert_eq!(weights.len(), outputs.next_multiple_of(GROUP));
    for (n, values) in weights.iter().enumerate() {
        let mut expected = rows.get(n).map_or_else(Vec::new, |row| encoding.dequantize(row).expect("floats"));
        if n < outputs {
            assert_eq!(expected.len(), inputs);
            expected.resize(values.len(), 0.0);
            assert_eq!(bits(values), bits(&expected), "{format}, row {n}");
        } else {
            assert!(values.iter().all(|value| *value == 0.0), "{format}, padding row {n}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 1 } else { 64 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn tiles_hold_the_source_bit_for_bit(outputs in 1_usize..50, blocks in 1_usize..5, seed: u64) {
        for (encoding, scales) in ENCODINGS {
            check(encoding, scales, outputs, blocks * encoding.block().0, seed);
        }
    }
}

/// Activations of whole numbers with a scale of 1.
fn whole_numbers(rows: usize, blocks: usize) -> Panel {
    let mut panel = Panel::default();
    panel.reshape(rows, blocks);
    for (index, value) in panel.values.iter_mut().enumerate() {
        *value = ((index * 89 + 31) % 255) as i8;
    }
    for (scale, values) in panel.scales.iter_mut().zip(panel.values.chunks_exact(32)) {
        let sum = |values: &[i8]| values.iter().map(|value| f32::from(*value)).sum();
        *scale =
            BlockScale { scale: 1.0, sum: sum(values), low: sum(&values[..16]), high: sum(&values[16..]) };
    }
    panel
}

#[test]
fn scalar_products_are_those_of_the_dequantized_weights() {
    for (encoding, scales) in &ENCODINGS[3..] {
        let format = TileFormat::of(*encoding).expect("it has tiles");
        let inputs = 2 * encoding.block().0;
        let rows: Vec<Vec<u8>> =
            (1..20).map(|n| random_row(*encoding, scales, inputs, &mut TestRng::new(n))).collect();
        let source =
            SourceRows { encoding: *encoding, rows: rows.iter().map(Vec::as_slice).collect(), inputs };
        let mut tiles = vec![0; format.matrix_bytes(rows.len(), inputs)];
        repack(&source, &mut tiles).expect("finite blocks");
        let panel = whole_numbers(3, inputs / 32);
        let mut out = vec![[0.0; GROUP]; 2 * 2];
        scalar::blocks(format)(&Blocks { tiles: &tiles, groups: 2, panel: &panel, first_row: 1 }, &mut out);
        for (n, row) in rows.iter().enumerate() {
            let weights = encoding.dequantize(row).expect("floats");
            for m in 0..2 {
                let x = |k: usize| f64::from(panel.values[(k / 32 * panel.rows + m + 1) * 32 + k % 32]);
                let exact: f64 =
                    weights.iter().enumerate().map(|(k, weight)| f64::from(*weight) * x(k)).sum();
                // Adding d u and c apart costs a rounding of sums of up to 2 * 128 / 8 times the weights' size.
                let size: f64 = weights.iter().map(|weight| f64::from(weight.abs()) * 128.0).sum();
                let found = f64::from(out[n / GROUP * 2 + m][n % GROUP]);
                assert!((found - exact).abs() <= 1e-5 * size, "{format}, output {n}: {found}, not {exact}");
            }
        }
    }
}

/// Every format's first block, with `place` of its third row replaced.
fn broken(encoding: Encoding, place: usize, found: f16) -> String {
    let format = TileFormat::of(encoding).expect("it has tiles");
    let mut rows = vec![vec![0; encoding.block().1]; 3];
    rows[2][place..place + 2].copy_from_slice(&found.to_le_bytes());
    let inputs = encoding.block().0;
    let source = SourceRows { encoding, rows: rows.iter().map(Vec::as_slice).collect(), inputs };
    repack(&source, &mut vec![0; format.matrix_bytes(3, inputs)]).expect_err("not finite")
}

#[test]
fn scales_that_are_not_finite_are_named() {
    for (encoding, scales) in ENCODINGS {
        for (index, place) in scales.iter().enumerate() {
            let name = match (index, encoding) {
                (0, _) => "d",
                (_, Encoding::Q4K | Encoding::Q5K) => "dmin",
                _ => "m",
            };
            let expected = format!("row 2, block 0, {name}: found NaN, expected a finite number");
            assert_eq!(broken(encoding, *place, f16::NAN), expected, "{encoding}");
            let expected = format!("row 2, block 0, {name}: found -inf, expected a finite number");
            assert_eq!(broken(encoding, *place, f16::NEG_INFINITY), expected, "{encoding}");
        }
    }
}

#[test]
fn floats_that_are_not_finite_are_named() {
    let raw = |values: [f32; 3]| values.map(f32::to_le_bytes).concat();
    let half = |values: [f32; 3]| values.map(|value| f16::from_f32(value).to_le_bytes()).concat();
    let brain = |values: [f32; 3]| values.map(|value| bf16::from_f32(value).to_le_bytes()).concat();
    for place in 0..3 {
        let mut values = [1.0; 3];
        values[place] = f32::INFINITY;
        for (encoding, row) in
            [(Encoding::F32, raw(values)), (Encoding::F16, half(values)), (Encoding::Bf16, brain(values))]
        {
            let format = TileFormat::of(encoding).expect("it has tiles");
            let source = SourceRows { encoding, rows: vec![&row], inputs: 3 };
            let problem = repack(&source, &mut vec![0; format.matrix_bytes(1, 3)]).expect_err("not finite");
            assert_eq!(problem, format!("row 0, weight {place}: found inf, expected a finite number"));
        }
    }
}

#[test]
fn shapes_and_lengths_must_agree() {
    let repacked = |encoding, rows: Vec<&[u8]>, inputs, length| {
        repack(&SourceRows { encoding, rows, inputs }, &mut vec![0; length]).expect_err("it does not fit")
    };
    assert_eq!(
        repacked(Encoding::I32, vec![&[0; 4]], 1, 64),
        "type: found I32, expected a float or block type"
    );
    assert_eq!(repacked(Encoding::Q4_0, vec![], 32, 0), "shape: found [0, 32], expected at least one weight");
    assert_eq!(repacked(Encoding::F32, vec![], usize::MAX / 4, 0).split(',').count(), 3);
    assert_eq!(repacked(Encoding::F32, vec![&[]], 0, 0), "shape: found [1, 0], expected at least one weight");
    assert_eq!(
        repacked(Encoding::Q4_0, vec![&[0; 18]], 31, 288),
        "inner length: found 31, expected whole Q4_0 blocks"
    );
    assert_eq!(
        repacked(Encoding::Q4_0, vec![&[0; 18], &[0; 17]], 32, 288),
        "row 1: found 17 bytes, expected 18"
    );
    assert_eq!(
        repacked(Encoding::Q4_0, vec![&[0; 18]], 32, 287),
        "tiles: found a buffer of 287 bytes, expected 288"
    );
}
