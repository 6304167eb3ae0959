//! Source bytes -> tiles, one file per family of formats.
//!
//! The source rows of a column group are given one by one, so that any order of rows (rotary pairs put back
//! together, parts stacked) costs nothing.

mod float;
mod q4;
mod q8_0;

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
    let format = TileFormat::of(source.encoding)
        .ok_or_else(|| format!("type: found {}, expected a float or block type", source.encoding))?;
    let row_bytes = source
        .encoding
        .byte_length(&[source.inputs])
        .ok_or_else(|| format!("inner length: found {}, expected whole {format} blocks", source.inputs))?;
    if let Some(row) = source.rows.iter().position(|row| row.len() != row_bytes) {
        let found = source.rows[row].len();
        return Err(format!("row {row}: found {found} bytes, expected {row_bytes}"));
    }
    let expected = Matrix::bytes(format, source.rows.len(), source.inputs);
    if out.len() != expected {
        return Err(format!("tiles: found room for {} bytes, expected {expected}", out.len()));
    }
    let group_bytes = Matrix::group_bytes(format, source.inputs);
    for (index, (rows, out)) in source.rows.chunks(GROUP).zip(out.chunks_exact_mut(group_bytes)).enumerate() {
        let group = match format {
            TileFormat::F32 | TileFormat::F16 | TileFormat::Bf16 => float::repack(format, rows, out),
            TileFormat::Q4_0 | TileFormat::Q4_1 => q4::repack(format, rows, out),
            TileFormat::Q8_0 => q8_0::repack(rows, out),
            _ => Err((0, format!("type: {format} has no tiles yet"))),
        };
        group.map_err(|(row, problem)| format!("row {}: {problem}", GROUP * index + row))?;
    }
    Ok(())
}

/// Copies an f16 scale to place `n` of a 16-wide row.
///
/// # Errors
/// A sentence when it is NaN or infinite.
fn scale(raw: &[u8], n: usize, out: &mut [u8]) -> Result<(), (usize, String)> {
    let value = half::f16::from_le_bytes([raw[0], raw[1]]);
    if !value.is_finite() {
        return Err((n, format!("scale: found {value}, expected a finite number")));
    }
    out[2 * n..2 * n + 2].copy_from_slice(&raw[..2]);
    Ok(())
}
