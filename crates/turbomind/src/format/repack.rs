//! [`repack`]: the rows of a float or block format as tiles.

use internlm_model::weights::Encoding;

use super::record::{BadScale, Problem};
use super::{blocks, float, k_quants};
use crate::tile::{GROUP, TileFormat};

/// Rows of one matrix as a file stores them. They are given one by one, so any order of rows costs nothing.
pub struct SourceRows<'a> {
    /// How the numbers are stored.
    pub encoding: Encoding,
    /// The stored bytes of each output, all of the same length.
    pub rows: Vec<&'a [u8]>,
    /// Number of weights of each output.
    pub inputs: usize,
}

/// Writes the tiles of `source` into `out`, which is zeroed and [`TileFormat::matrix_bytes`] long.
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
    let expected = format.matrix_bytes(rows.len(), inputs);
    if out.len() != expected {
        return Err(format!("tiles: found a buffer of {} bytes, expected {expected}", out.len()));
    }
    let group_bytes = format.group_bytes(inputs);
    for (index, (rows, out)) in rows.chunks(GROUP).zip(out.chunks_exact_mut(group_bytes)).enumerate() {
        let group = match format {
            TileFormat::F32 => float::f32(rows, out),
            TileFormat::F16 => float::f16(rows, out),
            TileFormat::Bf16 => float::bf16(rows, out),
            TileFormat::Q4_0 => each_block(rows, out, blocks::q4_0),
            TileFormat::Q4_1 => each_block(rows, out, blocks::q4_1),
            TileFormat::Q5_0 => each_block(rows, out, blocks::q5_0),
            TileFormat::Q5_1 => each_block(rows, out, blocks::q5_1),
            TileFormat::Q8_0 => each_block(rows, out, blocks::q8_0),
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

/// Writes one column group: `put` writes the source block of output n (0..16) into the record that it shares with the
/// other outputs, record by record.
fn each_block<const SOURCE: usize, const RECORD: usize>(
    rows: &[&[u8]],
    out: &mut [u8],
    put: impl Fn(&[u8; SOURCE], usize, &mut [u8; RECORD]) -> Result<(), BadScale>,
) -> Result<(), Problem> {
    for (index, record) in out.as_chunks_mut::<RECORD>().0.iter_mut().enumerate() {
        for (row, bytes) in rows.iter().enumerate().take(GROUP) {
            put(&bytes.as_chunks::<SOURCE>().0[index], row, record).map_err(|bad| Problem {
                row,
                place: format!("block {index}, {}", bad.name),
                found: bad.found.to_f32(),
            })?;
        }
    }
    Ok(())
}
