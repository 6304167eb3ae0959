//! The readable definition of every kernel: plain Rust, no instruction set assumed.
//!
//! An output adds its blocks in rising order, `acc = fma(f32(dot), d * s, acc)` then `acc = fma(c, S, acc)`; Q6_K does
//! so for each half block of 16. The integer sums are exact, so every other kernel gives the same bits.

use std::ops::Range;

use half::{bf16, f16};

use super::product::{Blocks, BlocksFn, Floats, FloatsFn, rows_of};
use crate::tile::{GROUP, TileFormat};

/// One block of 32 weights of 16 outputs: `w = d u + c`.
#[derive(Clone, Debug)]
pub struct Unpacked {
    /// `values[i][n]`: weight i of output n, unsigned.
    pub values: [[u8; GROUP]; 32],
    /// `d` of weights 0..16 and 16..32 of each output; equal but for Q6_K.
    pub scale: [[f32; GROUP]; 2],
    /// The offset `c` of each output, likewise.
    pub offset: [[f32; GROUP]; 2],
}

/// The defining kernel of an integer format.
#[must_use]
pub fn blocks(format: TileFormat) -> BlocksFn {
    macro_rules! table {
        ($($name:ident),*) => {
            match format {
                $(TileFormat::$name => |call, out| multiply_blocks(TileFormat::$name, call, out),)*
            }
        };
    }
    table!(F32, F16, Bf16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4K, Q5K, Q6K, Int4)
}

/// The defining kernel for float activations: the weights are dequantized exactly, whatever their format.
#[must_use]
pub fn floats(format: TileFormat) -> FloatsFn {
    macro_rules! table {
        ($($name:ident),*) => {
            match format {
                $(TileFormat::$name => |call, out| multiply_floats(TileFormat::$name, call, out),)*
            }
        };
    }
    table!(F32, F16, Bf16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4K, Q5K, Q6K, Int4)
}

/// The product of [`Blocks`], block by block; the order of additions is the crate's one rule.
fn multiply_blocks(format: TileFormat, call: &Blocks<'_>, out: &mut [[f32; GROUP]]) {
    let inputs = call.panel.blocks * 32;
    let rows = rows_of(call.groups, out);
    let per_record = format.step() / 32;
    let group_bytes = format.group_bytes(inputs);
    out.fill([0.0; GROUP]);
    for group in 0..call.groups {
        let tiles = &call.tiles[group * group_bytes..][..group_bytes];
        for block in 0..call.panel.blocks {
            let record = &tiles[block / per_record * format.record_bytes()..][..format.record_bytes()];
            let weights = unpack(format, record, block % per_record);
            for row in rows.clone() {
                let place = block * call.panel.rows + call.first_row + row;
                let values = &call.panel.values[place * 32..][..32];
                let scale = call.panel.scales[place];
                let acc = &mut out[group * rows.len() + row];
                // Q6_K has scales per 16 weights, so its blocks are added in two halves.
                if format == TileFormat::Q6K {
                    let (low, high) = values.split_at(16);
                    weights.add(
                        acc,
                        Part { half: 0, dots: weights.dots(0..16, low), sum: scale.low },
                        scale.scale,
                    );
                    weights.add(
                        acc,
                        Part { half: 1, dots: weights.dots(16..32, high), sum: scale.high },
                        scale.scale,
                    );
                } else {
                    weights.add(
                        acc,
                        Part { half: 0, dots: weights.dots(0..32, values), sum: scale.sum },
                        scale.scale,
                    );
                }
            }
        }
    }
}

/// A block, or half of one, met by a row of activations.
struct Part {
    /// Which of the weights' scales counts.
    half: usize,
    /// `sum_i u(i, n) q(i)` of every output.
    dots: [i32; GROUP],
    /// The activations' S for these weights.
    sum: f32,
}

impl Unpacked {
    /// `sum_i u(i, n) q(i)` for every output, over some of the 32 weights.
    fn dots(&self, weights: Range<usize>, values: &[i8]) -> [i32; GROUP] {
        let mut sums = [0; GROUP];
        for (weights, value) in self.values[weights].iter().zip(values) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += i32::from(*weight) * i32::from(*value);
            }
        }
        sums
    }

    /// Adds a part to the outputs; `scale` is the activations' s.
    fn add(&self, acc: &mut [f32; GROUP], part: Part, scale: f32) {
        for (n, acc) in acc.iter_mut().enumerate() {
            *acc = (part.dots[n] as f32).mul_add(self.scale[part.half][n] * scale, *acc);
            *acc = self.offset[part.half][n].mul_add(part.sum, *acc);
        }
    }
}

/// The product of [`Floats`], weight by weight.
fn multiply_floats(format: TileFormat, call: &Floats<'_>, out: &mut [[f32; GROUP]]) {
    let rows = rows_of(call.groups, out).len();
    let group_bytes = format.group_bytes(call.inputs);
    let mut weights = vec![[0.0; GROUP]; format.step()];
    out.fill([0.0; GROUP]);
    for (tiles, out) in call.tiles.chunks_exact(group_bytes).zip(out.chunks_exact_mut(rows.max(1))) {
        for (index, record) in tiles.chunks_exact(format.record_bytes()).enumerate() {
            dequantize(format, record, &mut weights);
            for (x, acc) in call.rows.chunks_exact(call.inputs).zip(&mut *out) {
                add_products(&weights, &x[index * format.step()..], acc);
            }
        }
    }
}

/// `acc[n] += sum_i weights[i][n] x[i]`, in rising order of i.
fn add_products(weights: &[[f32; GROUP]], x: &[f32], acc: &mut [f32; GROUP]) {
    for (weights, x) in weights.iter().zip(x) {
        for (acc, weight) in acc.iter_mut().zip(weights) {
            *acc = weight.mul_add(*x, *acc);
        }
    }
}

/// Writes the weights of one record as floats, `out[i][n]` = weight i of output n, exactly.
pub fn dequantize(format: TileFormat, record: &[u8], out: &mut [[f32; GROUP]]) {
    match format {
        TileFormat::F32 => {
            for (value, raw) in out[0].iter_mut().zip(record.as_chunks::<4>().0) {
                *value = f32::from_le_bytes(*raw);
            }
        }
        TileFormat::F16 => out[0] = f16s(record),
        TileFormat::Bf16 => {
            for (index, raw) in record.as_chunks::<2>().0.iter().enumerate() {
                out[index & 1][index / 2] = bf16::from_le_bytes(*raw).to_f32();
            }
        }
        _ => {
            for (block, out) in out.chunks_exact_mut(32).enumerate() {
                dequantize_block(format, &unpack(format, record, block), out);
            }
        }
    }
}

/// The weights of one block, in the order of operations of `internlm_model`'s dequantizers: d (q - 8) rounds once.
fn dequantize_block(format: TileFormat, weights: &Unpacked, out: &mut [[f32; GROUP]]) {
    for (i, (out, values)) in out.iter_mut().zip(&weights.values).enumerate() {
        let (scale, offset) = (&weights.scale[i / 16], &weights.offset[i / 16]);
        // `d (q - zero)` rounds once where `d q + c` would round twice.
        *out = std::array::from_fn(|n| match zero(format) {
            Some(zero) => scale[n] * (f32::from(values[n]) - zero),
            None => scale[n] * f32::from(values[n]) + offset[n],
        });
    }
}

/// The unsigned value that represents zero, where it is the same for the whole format.
const fn zero(format: TileFormat) -> Option<f32> {
    match format {
        TileFormat::Q4_0 => Some(8.0),
        TileFormat::Q5_0 => Some(16.0),
        TileFormat::Q8_0 => Some(128.0),
        TileFormat::Q6K => Some(32.0),
        _ => None,
    }
}

/// Unpacks block `block` of a record of an integer format.
#[must_use]
pub fn unpack(format: TileFormat, record: &[u8], block: usize) -> Unpacked {
    let blocks = |header: usize| (format.record_bytes() - header) / (format.step() / 32);
    let part = |header: usize| &record[header + block * blocks(header)..][..blocks(header)];
    match format {
        TileFormat::Q4_0 => simple(nibbles(record), f16s(&record[256..]), Offset::Times(-8.0)),
        TileFormat::Q4_1 => simple(nibbles(record), f16s(&record[256..]), Offset::Each(f16s(&record[288..]))),
        TileFormat::Q5_0 => simple(fifth_bits(record), f16s(&record[320..]), Offset::Times(-16.0)),
        TileFormat::Q5_1 => {
            simple(fifth_bits(record), f16s(&record[320..]), Offset::Each(f16s(&record[352..])))
        }
        TileFormat::Q8_0 => simple(bytes(record), f16s(&record[512..]), Offset::Times(-128.0)),
        TileFormat::Q4K | TileFormat::Q5K => {
            let (d, dmin, part) = (f16s(record), f16s(&record[32..]), part(64));
            let five = format == TileFormat::Q5K;
            let values = if five { fifth_bits(part) } else { nibbles(part) };
            let small = &part[if five { 320 } else { 256 }..];
            let scale = std::array::from_fn(|n| d[n] * f32::from(small[n]));
            let offset = std::array::from_fn(|n| -(dmin[n] * f32::from(small[16 + n])));
            simple(values, scale, Offset::Each(offset))
        }
        TileFormat::Q6K => {
            let (d, part) = (f16s(record), part(32));
            let scale = [0, 1].map(|half| {
                std::array::from_fn(|n| d[n] * f32::from(part[384 + 16 * half + n].cast_signed()))
            });
            let offset = scale.map(|scale: [f32; GROUP]| scale.map(|scale| -32.0 * scale));
            Unpacked { values: sixth_bits(part), scale, offset }
        }
        TileFormat::Int4 => {
            let (d, zeros) = (f16s(record), &record[32..48]);
            let offset = std::array::from_fn(|n| -(d[n] * f32::from(zeros[n])));
            simple(nibbles(part(48)), d, Offset::Each(offset))
        }
        TileFormat::F32 | TileFormat::F16 | TileFormat::Bf16 => unreachable!("a float format has no blocks"),
    }
}

/// Where the offsets `c` of a block come from.
enum Offset {
    /// The same multiple of the scale for every output.
    Times(f32),
    /// Stored for each output.
    Each([f32; GROUP]),
}

/// A block with one scale and one offset for all of its 32 weights.
fn simple(values: [[u8; GROUP]; 32], scale: [f32; GROUP], offset: Offset) -> Unpacked {
    let offset = match offset {
        Offset::Times(factor) => scale.map(|scale| factor * scale),
        Offset::Each(offset) => offset,
    };
    Unpacked { values, scale: [scale; 2], offset: [offset; 2] }
}

/// One half per output.
fn f16s(bytes: &[u8]) -> [f32; GROUP] {
    std::array::from_fn(|n| f16::from_le_bytes([bytes[2 * n], bytes[2 * n + 1]]).to_f32())
}

/// The 4-bit values of 256 bytes, in the layout of [`crate::tile`].
fn nibbles(payload: &[u8]) -> [[u8; GROUP]; 32] {
    std::array::from_fn(|i| {
        let (j, i, shift) = (i % 16 / 4, i % 4, i / 16 * 4);
        std::array::from_fn(|n| payload[64 * j + 4 * n + i] >> shift & 15)
    })
}

/// The 8-bit values of 512 bytes.
fn bytes(payload: &[u8]) -> [[u8; GROUP]; 32] {
    std::array::from_fn(|i| std::array::from_fn(|n| payload[64 * (i / 4) + 4 * n + i % 4]))
}

/// Nibbles and the bit plane that follows them.
fn fifth_bits(payload: &[u8]) -> [[u8; GROUP]; 32] {
    let mut values = nibbles(payload);
    for (i, values) in values.iter_mut().enumerate() {
        for (n, value) in values.iter_mut().enumerate() {
            let bit = 64 * (i / 4) + 4 * n + i % 4;
            *value |= (payload[256 + bit / 8] >> (bit % 8) & 1) << 4;
        }
    }
    values
}

/// Nibbles and the two-bit plane that follows them.
fn sixth_bits(payload: &[u8]) -> [[u8; GROUP]; 32] {
    let mut values = nibbles(payload);
    for (i, values) in values.iter_mut().enumerate() {
        let (half, j, i) = (i / 16, i % 16 / 4, i % 4);
        for (n, value) in values.iter_mut().enumerate() {
            *value |= (payload[256 + 64 * half + 4 * n + i] >> (2 * j) & 3) << 4;
        }
    }
    values
}
