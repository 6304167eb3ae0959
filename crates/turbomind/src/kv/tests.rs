//! Tests of the pool: sizes, messages, copies, rounding.

use half::f16;
use internlm_kit::exit::BadInput;
use proptest::prelude::*;

use super::{BlockCopy, KvConfig, KvFormat, KvPool, TILE, Tile, rotate};
use crate::Error;
use crate::kernels::attention::{KvPlace, PagedAttention};
use crate::simd::Isa;

/// 30 layers of 3 heads of 64 dimensions, the reference model.
fn reference(format: KvFormat) -> KvConfig {
    KvConfig { format, layers: 30, kv_heads: 3, head_dim: 64, block_tokens: 32, blocks: 4 }
}

#[test]
fn bytes_per_token_are_those_of_the_formats() {
    let per_token = KvFormat::ALL.map(|format| reference(format).block_bytes().expect("a shape") / 32);
    assert_eq!(per_token, [46_080, 23_040, 12_240, 7_200, 6_480]);
    let pool = KvPool::new(&reference(KvFormat::F16)).expect("11 MB of address space");
    assert_eq!(pool.bytes(), 4 * 32 * 23_040);
    assert_eq!(*pool.config(), reference(KvFormat::F16));
}

#[test]
fn names_of_formats_are_read_back() {
    for format in KvFormat::ALL {
        assert_eq!(format.to_string().parse::<KvFormat>().expect("its own name"), format);
    }
    let error = "fp8".parse::<KvFormat>().expect_err("no such format").to_string();
    assert_eq!(
        error,
        r#"format of keys and values: found "fp8", expected one of f32, f16, int8, int4, int4-plain"#
    );
}

#[test]
fn impossible_shapes_are_errors_with_every_problem() {
    let config = KvConfig { layers: 0, head_dim: 7, block_tokens: 24, ..reference(KvFormat::F16) };
    let error = KvPool::new(&config).expect_err("three problems");
    assert!(error.is_bad_input());
    assert_eq!(
        error.to_string(),
        "pool of keys and values: layers: found 0, expected 1 to 4294967295; head_dim: found 7, expected an even \
         number up to 256; block_tokens: found 24, expected a multiple of 16 up to 128"
    );
    let config = KvConfig { blocks: u32::MAX as usize, layers: 1 << 31, ..reference(KvFormat::F32) };
    assert!(matches!(KvPool::new(&config), Err(Error::KvShape { .. })));
}

#[test]
fn a_copy_takes_tokens_of_every_layer_and_head_and_nothing_else() {
    for format in KvFormat::ALL {
        let config = KvConfig { format, layers: 2, kv_heads: 2, head_dim: 32, block_tokens: 64, blocks: 3 };
        let mut pool = KvPool::new(&config).expect("a small pool");
        for bytes in [pool.keys.get_mut(), pool.values.get_mut()] {
            (0..).zip(bytes.iter_mut()).for_each(|(index, byte): (usize, _)| *byte = (index % 251) as u8);
        }
        let before = [pool.keys.get_mut().to_vec(), pool.values.get_mut().to_vec()];
        pool.copy(BlockCopy { src: 2, dst: 0, tokens: 20 }).expect("inside of the pool");
        let layout = pool.layout;
        let after = [pool.keys.get_mut().to_vec(), pool.values.get_mut().to_vec()];
        for (layer, kv_head) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            for block in 0..3 {
                for index in 0..4 {
                    let at = layout.offset(Tile { layer, block, kv_head, index });
                    let copied = block == 0 && index < 2;
                    let source = if copied { 2 } else { block };
                    let from = layout.offset(Tile { layer, block: source, kv_head, index });
                    for side in 0..2 {
                        let bytes = layout.tile_bytes();
                        assert_eq!(after[side][at..at + bytes], before[side][from..from + bytes]);
                    }
                }
            }
        }
        for copy in [
            BlockCopy { src: 3, dst: 0, tokens: 1 },
            BlockCopy { src: 0, dst: 9, tokens: 1 },
            BlockCopy { src: 0, dst: 1, tokens: 65 },
        ] {
            assert!(matches!(pool.copy(copy), Err(Error::Argument { .. })), "{copy:?}");
        }
    }
}

#[test]
fn rotation_is_its_own_inverse_and_keeps_products() {
    for n in [16, 32, 64, 96, 128, 256] {
        let x: Vec<f32> = (0..n).map(|i| ((i * i * 37 + i) % 101) as f32 / 50.0 - 1.0).collect();
        let y: Vec<f32> = (0..n).map(|i| ((i * 53 + 11) % 97) as f32 / 48.0 - 1.0).collect();
        let (mut x2, mut y2) = (x.clone(), y.clone());
        rotate(&mut x2);
        rotate(&mut y2);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        assert!((dot(&x, &y) - dot(&x2, &y2)).abs() < 1e-5, "{n}");
        assert_ne!(x, x2);
        rotate(&mut x2);
        assert!(x.iter().zip(&x2).all(|(a, b)| (a - b).abs() < 1e-6), "{n}");
    }
}

/// Key (side 0) or value (side 1) of a place as the table of [`crate::kv`] tells, still rotated.
pub(crate) fn decode(pool: &mut KvPool, place: KvPlace, side: usize) -> Vec<f64> {
    let layout = pool.layout;
    let (slot, groups) = (place.slot % TILE, layout.groups());
    let tile = Tile {
        layer: place.layer,
        block: place.block as usize,
        kv_head: place.kv_head,
        index: place.slot / TILE,
    };
    let bytes = if side == 0 { pool.keys.get_mut() } else { pool.values.get_mut() };
    let tile = &bytes[layout.offset(tile)..][..layout.tile_bytes()];
    let (codes, scales) = tile.split_at(TILE * layout.code_bytes());
    // Elements of the token in order, `size` bytes each, whichever way they are interleaved.
    let element = |part: &[u8], count: usize, size: usize, index: usize| {
        let at = if side == 0 { index * TILE + slot } else { slot * count + index };
        part[at * size..(at + 1) * size].to_vec()
    };
    let half = |bytes: Vec<u8>| f64::from(f16::from_le_bytes([bytes[0], bytes[1]]));
    let code = |index| f64::from(element(codes, layout.code_bytes(), 1, index)[0]);
    let nibble = |d: usize| {
        let byte = element(codes, layout.code_bytes(), 1, d / 32 * 16 + d % 16)[0];
        f64::from(if d % 32 < 16 { byte & 15 } else { byte >> 4 })
    };
    (0..layout.dim)
        .map(|d| {
            let code = match layout.config.format {
                KvFormat::F32 => {
                    let bytes = element(codes, layout.dim, 4, d);
                    return f64::from(f32::from_le_bytes(bytes.try_into().expect("four bytes")));
                }
                KvFormat::F16 => return half(element(codes, layout.dim, 2, d)),
                KvFormat::Int8 => code(d),
                KvFormat::Int4 | KvFormat::Int4Plain => nibble(d),
            };
            let scale = |which| half(element(scales, 2 * groups, 2, d / layout.group * 2 + which));
            code * scale(0) + scale(1)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_stored_is_within_half_a_step(
        x in prop::collection::vec(-30.0_f32..30.0, 128),
        half_dim in 1_usize..=64,
        slot in 0_usize..32,
    ) {
        let head_dim = 2 * half_dim;
        let x = &x[..head_dim];
        for format in KvFormat::ALL {
            let config = KvConfig { format, layers: 1, kv_heads: 1, head_dim, block_tokens: 32, blocks: 1 };
            let mut attention = PagedAttention::new(Isa::detect(), &config, 1).expect("a small pool");
            let place = KvPlace { layer: 0, block: 0, slot, kv_head: 0 };
            attention.store(place, x, x);
            let mut expected = x.to_vec();
            expected.resize(attention.kv().layout.dim, 0.0);
            if format.is_rotated() {
                rotate(&mut expected);
            }
            let group = attention.kv().layout.group.max(1);
            for side in 0..2 {
                let found = decode(attention.kv(), place, side);
                let used = if format.is_rotated() { expected.len() } else { head_dim };
                for d in 0..used {
                    let run = &expected[d / group * group..used.min(d / group * group + group)];
                    let largest = run.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
                    let width = run.iter().fold(f32::MIN, |a, b| a.max(*b))
                        - run.iter().fold(f32::MAX, |a, b| a.min(*b));
                    // Half a step; scale and minimum are halves, off by 2^-11 of themselves.
                    let bound = match format.bits() {
                        32 => 0.0,
                        16 => largest / 2048.0 + 1e-7,
                        bits => width / ((1 << bits) - 1) as f32 * 0.5 + (width + largest) / 2048.0 + 1e-4,
                    };
                    let error = (found[d] - f64::from(expected[d])).abs();
                    prop_assert!(error <= f64::from(bound), "{format} {side} {d}: {error} > {bound}");
                }
            }
        }
    }
}

#[test]
fn a_number_that_is_not_finite_is_read_back_as_such() {
    for format in KvFormat::ALL {
        let config = KvConfig { format, layers: 1, kv_heads: 1, head_dim: 64, block_tokens: 32, blocks: 1 };
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut attention = PagedAttention::new(Isa::detect(), &config, 1).expect("a small pool");
            let place = KvPlace { layer: 0, block: 0, slot: 5, kv_head: 0 };
            let mut x = [0.5; 64];
            x[40] = bad;
            attention.store(place, &x, &x);
            for side in 0..2 {
                assert!(!decode(attention.kv(), place, side)[40].is_finite(), "{format} {bad}");
            }
        }
    }
}
