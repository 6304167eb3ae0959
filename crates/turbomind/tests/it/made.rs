//! Random tiles and activations; benches use this file as well.
#![allow(dead_code, reason = "each user needs another part")]

use std::ops::Range;

use half::{bf16, f16};
use internlm_kit::rng::CounterRng;
use turbomind::internals::{BLOCK, BlockScale, Panel, TileFormat, quantize_row};

/// What records are filled with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Content {
    /// Weights of the size that models have.
    Ordinary,
    /// Every byte random, scales any finite number.
    AnyScale,
    /// Every bit of the payload set.
    Highest,
    /// No bit of the payload set: in Q8_0 -128.
    Lowest,
    /// Random weights, scales 0.
    ZeroScale,
    /// Random weights, the smallest scales.
    SubnormalScale,
}

impl Content {
    pub(crate) const ALL: [Self; 6] =
        [Self::Ordinary, Self::AnyScale, Self::Highest, Self::Lowest, Self::ZeroScale, Self::SubnormalScale];
}

/// The activations of a panel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Activations {
    /// Any values, scales around 1.
    Random,
    /// 127 everywhere.
    Highest,
    /// -127 everywhere.
    Lowest,
    /// 127 and -127 alternately.
    Alternating,
    /// Scales 0.
    ZeroScale,
    /// The smallest scales.
    SubnormalScale,
}

impl Activations {
    pub(crate) const ALL: [Self; 6] =
        [Self::Random, Self::Highest, Self::Lowest, Self::Alternating, Self::ZeroScale, Self::SubnormalScale];
}

/// Formats whose activations are 8-bit blocks.
pub(crate) fn integer_formats() -> impl Iterator<Item = TileFormat> {
    TileFormat::ALL.into_iter().filter(|format| !format.is_float())
}

/// The records of `groups` column groups.
pub(crate) fn tiles(
    format: TileFormat,
    groups: usize,
    inputs: usize,
    content: Content,
    seed: u64,
) -> Vec<u8> {
    let mut tiles = vec![0; groups * format.group_bytes(inputs)];
    let rng = CounterRng::new(seed, "tiles");
    for (index, record) in tiles.chunks_exact_mut(format.record_bytes()).enumerate() {
        let rng = rng.split(index as u64);
        match content {
            Content::Highest => record.fill(255),
            Content::Lowest => {}
            _ => {
                for (counter, bytes) in record.chunks_mut(8).enumerate() {
                    bytes.copy_from_slice(&rng.u64(counter as u64).to_le_bytes()[..bytes.len()]);
                }
            }
        }
        if format.is_float() {
            float_weights(format, record, content, rng);
        } else {
            scales(format, record, content, rng);
        }
    }
    tiles
}

/// Makes the f16 scales of a record finite and its small integers what files hold.
fn scales(format: TileFormat, record: &mut [u8], content: Content, rng: CounterRng) {
    let (places, small): (Range<usize>, u8) = match format {
        TileFormat::Q4_0 => (256..288, 0),
        TileFormat::Q4_1 => (256..320, 0),
        TileFormat::Q5_0 => (320..352, 0),
        TileFormat::Q5_1 => (320..384, 0),
        TileFormat::Q8_0 => (512..544, 0),
        TileFormat::Q4K | TileFormat::Q5K => (0..64, 63),
        TileFormat::Q6K => (0..32, 0),
        _ => (0..32, 15),
    };
    for (counter, scale) in record[places].as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let counter = 1_000_000 + counter as u64;
        *scale = match content {
            Content::ZeroScale => f16::ZERO,
            Content::SubnormalScale => f16::from_bits(rng.below(counter, 1024) as u16),
            Content::AnyScale => {
                f16::from_bits(rng.below(counter, 0x7c00) as u16 | (counter as u16 & 1) << 15)
            }
            _ => f16::from_f64(0.002 * (1.0 + rng.f64(counter))),
        }
        .to_le_bytes();
    }
    if content == Content::Ordinary && small > 0 {
        let (first, part, payload) = match format {
            TileFormat::Q4K => (64, 288, 256),
            TileFormat::Q5K => (64, 352, 320),
            // Zero points follow the scales of the record.
            _ => return record[32..48].iter_mut().for_each(|zero| *zero &= small),
        };
        for part in record[first..].chunks_exact_mut(part) {
            part[payload..].iter_mut().for_each(|value| *value &= small);
        }
    }
}

fn float_weights(format: TileFormat, record: &mut [u8], content: Content, rng: CounterRng) {
    let size = if format == TileFormat::F32 { 4 } else { 2 };
    for (counter, raw) in record.chunks_exact_mut(size).enumerate() {
        let counter = 1_000_000 + counter as u64;
        let weight = match content {
            Content::Highest => 65504.0,
            Content::Lowest => -65504.0,
            Content::ZeroScale => 0.0,
            Content::SubnormalScale => f32::from_bits(rng.below(counter, 1 << 23) as u32),
            _ => 0.02 * rng.normal(counter) as f32,
        };
        match format {
            TileFormat::F32 => raw.copy_from_slice(&weight.to_le_bytes()),
            TileFormat::F16 if content == Content::SubnormalScale => {
                raw.copy_from_slice(&(weight.to_bits() as u16 & 1023).to_le_bytes());
            }
            TileFormat::F16 => raw.copy_from_slice(&f16::from_f32(weight).to_le_bytes()),
            _ => raw.copy_from_slice(&bf16::from_f32(weight).to_le_bytes()),
        }
    }
}

/// A panel with values that no quantizer needs to give.
pub(crate) fn panel(rows: usize, blocks: usize, activations: Activations, seed: u64) -> Panel {
    let rng = CounterRng::new(seed, "panel");
    let mut panel = Panel::default();
    panel.reshape(rows, blocks);
    for (index, value) in panel.values.iter_mut().enumerate() {
        *value = match activations {
            Activations::Highest => 127,
            Activations::Lowest => -127,
            Activations::Alternating => [127, -127][index % 2],
            _ => (rng.below(index as u64, 255) as i64 - 127) as i8,
        };
    }
    let rng = rng.split(0);
    for (place, scale) in panel.scales.iter_mut().enumerate() {
        let s = match activations {
            Activations::ZeroScale => 0.0,
            Activations::SubnormalScale => f32::from_bits(rng.below(place as u64, 1 << 23) as u32),
            _ => rng.normal(place as u64).exp() as f32,
        };
        let sum = |part: &[i8]| s * part.iter().map(|q| i32::from(*q)).sum::<i32>() as f32;
        let values = &panel.values[place * BLOCK..][..BLOCK];
        let (low, high) = values.split_at(BLOCK / 2);
        *scale = BlockScale { scale: s, sum: sum(values), low: sum(low), high: sum(high) };
    }
    panel
}

/// Standard normal numbers.
pub(crate) fn normal(count: usize, seed: u64) -> Vec<f32> {
    let rng = CounterRng::new(seed, "normal");
    (0..count as u64).map(|i| rng.normal(i) as f32).collect()
}

/// Rows as a panel.
pub(crate) fn quantized(rows: &[f32], inputs: usize) -> Panel {
    let mut panel = Panel::default();
    panel.reshape(rows.len() / inputs, inputs / BLOCK);
    for (row, values) in rows.chunks_exact(inputs).enumerate() {
        quantize_row(&mut panel, row, values);
    }
    panel
}
