//! Source bytes -> tiles, one file per family of formats.
//!
//! The source rows of a column group are given one by one, so that any order of rows (rotary pairs put back
//! together, parts stacked) costs nothing. [`int4`] holds the 4-bit matrices of Hugging Face folders, [`quantized`]
//! finds them there.

mod float;
pub mod int4;
mod k_quants;
mod q4;
mod q5;
mod q8_0;
pub mod quantized;

use half::f16;
use internlm_model::weights::Encoding;

use crate::tile::{GROUP, Matrix, TileFormat};

/// Rows of one matrix as a file stores them.
pub struct SourceRows<'a> {
    /// How the numbers are stored.
    pub encoding: Encoding,
    /// The stored bytes of each output, all of the same length.
    pub rows: Vec<&'a [u8]>,
    /// Inner length.
    pub inputs: usize,
}

/// Writes the tiles of `source` into `out`, which is zeroed and [`Matrix::bytes`] long.
///
/// # Errors
/// A sentence: lengths that disagree, NaN or infinite scales.
pub fn repack(source: &SourceRows<'_>, out: &mut [u8]) -> Result<(), String> {
    let (rows, inputs) = (&source.rows[..], source.inputs);
    let format = TileFormat::of(source.encoding)
        .ok_or_else(|| format!("type: found {}, expected a float or block type", source.encoding))?;
    if rows.is_empty() || inputs == 0 {
        return Err(format!("shape: found [{}, {inputs}], expected at least one weight", rows.len()));
    }
    let row_bytes = source
        .encoding
        .byte_length(&[inputs])
        .ok_or_else(|| format!("inner length: found {inputs}, expected whole {format} blocks"))?;
    if let Some(row) = rows.iter().position(|row| row.len() != row_bytes) {
        return Err(format!("row {row}: found {} bytes, expected {row_bytes}", rows[row].len()));
    }
    let expected = Matrix::bytes(format, rows.len(), inputs);
    if out.len() != expected {
        return Err(format!("tiles: found room for {} bytes, expected {expected}", out.len()));
    }
    let group_bytes = Matrix::group_bytes(format, inputs);
    for (index, (rows, out)) in rows.chunks(GROUP).zip(out.chunks_exact_mut(group_bytes)).enumerate() {
        let group = match format {
            TileFormat::F32 => float::f32(rows, out),
            TileFormat::F16 => float::f16(rows, out),
            TileFormat::Bf16 => float::bf16(rows, out),
            TileFormat::Q4_0 => each_block(rows, out, q4::q4_0),
            TileFormat::Q4_1 => each_block(rows, out, q4::q4_1),
            TileFormat::Q5_0 => each_block(rows, out, q5::q5_0),
            TileFormat::Q5_1 => each_block(rows, out, q5::q5_1),
            TileFormat::Q8_0 => each_block(rows, out, q8_0::q8_0),
            TileFormat::Q4K => each_block(rows, out, k_quants::q4_k),
            TileFormat::Q5K => each_block(rows, out, k_quants::q5_k),
            TileFormat::Q6K => each_block(rows, out, k_quants::q6_k),
            TileFormat::Int4 => unreachable!("no encoding has this format"),
        };
        group.map_err(|problem| {
            let Problem { row, place, found } = problem;
            format!("row {}, {place}: found {found}, expected a finite number", GROUP * index + row)
        })?;
    }
    Ok(())
}

/// A number that is not finite.
struct Problem {
    /// Row inside of the column group.
    row: usize,
    /// Where in the row.
    place: String,
    found: f32,
}

/// A scale that is not finite: its name and value.
type BadScale = (&'static str, f16);

/// One column group: `put` writes the source block of output n (0..16) into the record that it shares with the
/// other outputs, record by record.
fn each_block<const SOURCE: usize, const RECORD: usize>(
    rows: &[&[u8]],
    out: &mut [u8],
    put: impl Fn(&[u8; SOURCE], usize, &mut [u8; RECORD]) -> Result<(), BadScale>,
) -> Result<(), Problem> {
    for (index, record) in out.as_chunks_mut::<RECORD>().0.iter_mut().enumerate() {
        for (row, bytes) in rows.iter().enumerate().take(GROUP) {
            put(&bytes.as_chunks::<SOURCE>().0[index], row, record).map_err(|(name, found)| Problem {
                row,
                place: format!("block {index}, {name}"),
                found: found.to_f32(),
            })?;
        }
    }
    Ok(())
}

/// Copies the f16 scale `name` from `source[from..]` to place `n` of a 16-wide row.
fn scale(name: &'static str, source: &[u8], from: usize, row: &mut [u8], n: usize) -> Result<(), BadScale> {
    let raw = [source[from], source[from + 1]];
    let value = f16::from_le_bytes(raw);
    if !value.is_finite() {
        return Err((name, value));
    }
    row[2 * n..2 * n + 2].copy_from_slice(&raw);
    Ok(())
}

/// Four bytes as a number, the first in its lowest bits.
fn word(bytes: &[u8], at: usize) -> u32 {
    let raw = &bytes[at..at + 4];
    u32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]])
}

/// Writes four bytes.
fn put_word(out: &mut [u8], at: usize, word: u32) {
    out[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

/// Byte transpose of 16 nibble pairs: weight t in the low, t + 16 in the high half of byte t.
fn put_nibbles(source: &[u8], n: usize, payload: &mut [u8]) {
    for j in 0..4 {
        put_word(payload, 64 * j + 4 * n, word(source, 4 * j));
    }
}

/// Bits 4 j .. 4 j + 4 of `fifth` to output n's part of the bit plane, which is zeroed.
fn put_fifth_bits(fifth: u32, n: usize, plane: &mut [u8]) {
    for j in 0..8 {
        plane[8 * j + n / 2] |= ((fifth >> (4 * j) & 15) << (4 * (n % 2))) as u8;
    }
}

#[cfg(test)]
mod tests;
