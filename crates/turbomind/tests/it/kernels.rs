//! Every instruction set of this machine against the scalar definition, and the definition against exact arithmetic.

use proptest::prelude::*;
use turbomind::Isa;
use turbomind::internals::{
    BLOCK, Blocks, BlocksFn, Floats, GROUP, Panel, TileFormat, peak_gmac_s, quantize_row, scalar,
};

use crate::made::{self, Activations, Content};

fn available() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_available())
}

/// The first place where two results differ in a bit.
fn difference(found: &[[f32; GROUP]], expected: &[[f32; GROUP]]) -> Option<String> {
    let pairs = found.as_flattened().iter().zip(expected.as_flattened());
    pairs
        .enumerate()
        .find(|(_, (found, expected))| found.to_bits() != expected.to_bits())
        .map(|(place, (found, expected))| format!("output {place}: found {found:e}, expected {expected:e}"))
}

fn same_bits(format: TileFormat, call: &Blocks<'_>, rows: usize) -> Result<(), String> {
    let run = |kernel: BlocksFn| {
        let mut out = vec![[f32::NAN; GROUP]; call.groups * rows];
        kernel(call, &mut out);
        out
    };
    let expected = run(scalar::blocks(format));
    for isa in available() {
        if let Some(difference) = difference(&run(isa.blocks(format)), &expected) {
            return Err(format!("{format} {}: {difference}", isa.name()));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn integer_kernels_give_the_bits_of_the_definition(
        groups in 1_usize..=5,
        blocks in 1_usize..=9,
        rows in 1_usize..=40,
        around in (0_usize..3, 0_usize..3),
        content in prop::sample::select(Content::ALL.to_vec()),
        activations in prop::sample::select(Activations::ALL.to_vec()),
        seed in any::<u64>(),
    ) {
        for format in made::integer_formats() {
            let per_record = format.step() / BLOCK;
            let blocks = if per_record > 1 { blocks.div_ceil(4) * per_record } else { blocks };
            let tiles = made::tiles(format, groups, blocks * BLOCK, content, seed);
            let panel = made::panel(around.0 + rows + around.1, blocks, activations, seed);
            let call = Blocks { tiles: &tiles, groups, panel: &panel, first_row: around.0 };
            prop_assert_eq!(same_bits(format, &call, rows), Ok(()));
        }
    }

    #[test]
    fn float_kernels_give_the_bits_of_the_definition(
        groups in 1_usize..=9,
        inputs in 1_usize..=130,
        rows in 1_usize..=40,
        content in prop::sample::select(Content::ALL.to_vec()),
        seed in any::<u64>(),
    ) {
        for format in [TileFormat::F32, TileFormat::F16, TileFormat::Bf16] {
            let tiles = made::tiles(format, groups, inputs, content, seed);
            let activations = made::normal(rows * inputs, seed);
            let call = Floats { tiles: &tiles, groups, rows: &activations, inputs };
            let mut expected = vec![[f32::NAN; GROUP]; groups * rows];
            scalar::floats(format)(&call, &mut expected);
            for isa in available() {
                let mut found = vec![[f32::NAN; GROUP]; groups * rows];
                isa.floats(format)(&call, &mut found);
                prop_assert_eq!(difference(&found, &expected), None, "{} {}", format, isa.name());
            }
        }
    }

    #[test]
    fn float_activations_meet_integer_weights_exactly(
        groups in 1_usize..=3,
        rows in 1_usize..=9,
        seed in any::<u64>(),
    ) {
        for format in made::integer_formats() {
            let tiles = made::tiles(format, groups, 256, Content::Ordinary, seed);
            let activations = made::normal(rows * 256, seed);
            let call = Floats { tiles: &tiles, groups, rows: &activations, inputs: 256 };
            let mut expected = vec![[f32::NAN; GROUP]; groups * rows];
            scalar::floats(format)(&call, &mut expected);
            for isa in available() {
                let mut found = vec![[f32::NAN; GROUP]; groups * rows];
                isa.floats(format)(&call, &mut found);
                prop_assert_eq!(difference(&found, &expected), None, "{} {}", format, isa.name());
            }
        }
    }
}

#[test]
fn many_rows_are_several_sweeps() {
    for format in made::integer_formats() {
        for rows in [127, 128, 129, 300] {
            let tiles = made::tiles(format, 2, 256, Content::Ordinary, 7);
            let panel = made::panel(rows + 1, 8, Activations::Random, 7);
            let call = Blocks { tiles: &tiles, groups: 2, panel: &panel, first_row: 1 };
            same_bits(format, &call, rows).expect("the same bits");
        }
    }
}

/// `(y, sum |w x|, sum_b s_b / 2 sum |w|)` of every output, exactly but for the rounding of f64.
fn exact(
    format: TileFormat,
    tiles: &[u8],
    rows: &[f32],
    inputs: usize,
    panel: Option<&Panel>,
) -> Vec<(f64, f64, f64)> {
    let step = format.step();
    let mut out = Vec::new();
    for group in tiles.chunks_exact(format.group_bytes(inputs)) {
        let mut weights = vec![[0.0; GROUP]; inputs.next_multiple_of(step)];
        for (record, weights) in group.chunks_exact(format.record_bytes()).zip(weights.chunks_mut(step)) {
            scalar::dequantize(format, record, weights);
        }
        for (row, x) in rows.chunks_exact(inputs).enumerate() {
            for n in 0..GROUP {
                let (mut y, mut size, mut rounding) = (0.0, 0.0, 0.0);
                for (k, (weights, x)) in weights.iter().zip(x).enumerate() {
                    let weight = f64::from(weights[n]);
                    let product = weight * f64::from(*x);
                    y += product;
                    size += product.abs();
                    if let Some(panel) = panel {
                        let scale = panel.scales[k / BLOCK * panel.rows + row].scale;
                        rounding += f64::from(scale) / 2.0 * weight.abs();
                    }
                }
                out.push((y, size, rounding));
            }
        }
    }
    out
}

#[test]
fn numerics_contract() {
    let (groups, inputs) = (3, 1536);
    for format in TileFormat::ALL {
        for rows in [1, 9, 33] {
            let tiles = made::tiles(format, groups, inputs, Content::Ordinary, rows as u64);
            let activations = made::normal(rows * inputs, 3);
            let panel = made::quantized(&activations, inputs);
            let panel = (!format.is_float()).then_some(&panel);
            let expected = exact(format, &tiles, &activations, inputs, panel);
            for isa in available() {
                let mut found = vec![[f32::NAN; GROUP]; groups * rows];
                match panel {
                    Some(panel) => {
                        let call = Blocks { tiles: &tiles, groups, panel, first_row: 0 };
                        isa.blocks(format)(&call, &mut found);
                    }
                    None => {
                        let call = Floats { tiles: &tiles, groups, rows: &activations, inputs };
                        isa.floats(format)(&call, &mut found);
                    }
                }
                within_contract(&format!("{format} {} {rows} rows", isa.name()), &found, &expected);
            }
        }
    }
}

fn within_contract(what: &str, found: &[[f32; GROUP]], expected: &[(f64, f64, f64)]) {
    let (mut error, mut norm) = (0.0, 0.0);
    for (place, (found, (y, size, rounding))) in found.as_flattened().iter().zip(expected).enumerate() {
        let off = (f64::from(*found) - y).abs();
        let bound = rounding + 1e-5 * size;
        assert!(off <= bound, "{what}, output {place}: found {found}, expected {y} within {bound:e}");
        error += off * off;
        norm += y * y;
    }
    let relative = (error / norm).sqrt();
    assert!(relative <= 0.01, "{what}: relative error {relative}");
}

#[test]
fn rows_that_are_not_finite_become_nan() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut activations = made::normal(3 * 256, 5);
        activations[256 + 77] = bad;
        let panel = made::quantized(&activations, 256);
        for format in made::integer_formats() {
            let tiles = made::tiles(format, 2, 256, Content::Ordinary, 5);
            let call = Blocks { tiles: &tiles, groups: 2, panel: &panel, first_row: 0 };
            for isa in available() {
                let mut out = vec![[0.0; GROUP]; 6];
                isa.blocks(format)(&call, &mut out);
                for (place, out) in out.iter().enumerate() {
                    let bad_row = place % 3 == 1;
                    assert!(out.iter().all(|y| y.is_nan() == bad_row), "{format} {}: {out:?}", isa.name());
                }
            }
        }
    }
}

#[test]
fn blocks_are_quantized_by_their_largest_value() {
    let mut row = vec![0.0; 96];
    // Block 0: halves are rounded to even; block 1: zeros; block 2: a subnormal scale, whose inverse is not
    // finite: nothing.
    row[..6].copy_from_slice(&[127.0, -127.0, 0.5, 1.5, 2.5, -0.5]);
    row[31] = 3.25;
    row[64] = 190.0 * f32::from_bits(1);
    let mut panel = Panel::default();
    panel.reshape(2, 3);
    quantize_row(&mut panel, 1, &row);
    let values = |block: usize| &panel.values[(2 * block + 1) * BLOCK..][..BLOCK];
    assert_eq!(values(0)[..6], [127, -127, 0, 2, 2, 0]);
    assert_eq!(values(0)[31], 3);
    let scale = panel.scales[1];
    assert_eq!((scale.scale, scale.sum, scale.low, scale.high), (1.0, 7.0, 4.0, 3.0));
    assert!(values(1).iter().all(|q| *q == 0));
    assert_eq!((panel.scales[3].scale, panel.scales[3].sum), (0.0, 0.0));
    assert!(values(2).iter().all(|q| *q == 0) && panel.scales[5].sum == 0.0);
}

#[test]
fn peaks_are_positive() {
    for isa in Isa::ALL {
        let peak = peak_gmac_s(isa);
        assert!(peak.is_finite() && peak > 0.0, "{}: {peak}", isa.name());
    }
}
