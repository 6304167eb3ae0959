//! 4-bit matrices of AWQ, GPTQ and compressed-tensors -> tiles, which hold the inputs in the order of
//! [`Int4Source::columns`].

pub use internlm_model::weights::int4::{Int4Parts, Int4Source, Packing};

use crate::tile::{GROUP, TileFormat};

/// One output of a matrix of tiles.
#[derive(Clone, Copy, Debug)]
pub struct Int4Row<'a> {
    /// The matrix that the row comes from.
    pub source: &'a Int4Source<'a>,
    /// The number of the row in that matrix.
    pub row: usize,
}

/// The tiles that a matrix becomes: INT4 for groups of a multiple of 128; for smaller ones Q4_0 where all zero points
/// are 8, else Q8_0.
///
/// INT4 records hold one scale per 128 inputs. Q8_0 blocks hold the differences `q - z`.
#[must_use]
pub const fn tile_format(source: &Int4Source<'_>) -> TileFormat {
    if source.group().is_multiple_of(TileFormat::Int4.step()) {
        return TileFormat::Int4;
    }
    if source.is_symmetric() { TileFormat::Q4_0 } else { TileFormat::Q8_0 }
}

/// Whether rows of both can be part of one matrix.
fn stacks_with(source: &Int4Source<'_>, other: &Int4Source<'_>) -> bool {
    std::ptr::eq(source, other)
        || (tile_format(source) == tile_format(other)
            && source.inputs() == other.inputs()
            && source.columns() == other.columns())
}

/// Writes the tiles of a matrix with these rows, which may come from several sources, into `out`, which is zeroed and
/// [`TileFormat::matrix_bytes`] long.
///
/// # Errors
/// A sentence: sources that do not stack, rows that do not exist, NaN or infinite scales, a wrong length of `out`.
pub fn repack(rows: &[Int4Row<'_>], out: &mut [u8]) -> Result<(), String> {
    let Some(Int4Row { source: first, .. }) = rows.first() else {
        return Err("rows: found none, expected at least one".to_owned());
    };
    for (index, Int4Row { source, row }) in rows.iter().enumerate() {
        if *row >= source.outputs() {
            return Err(format!("row {index}: found number {row} of {} source rows", source.outputs()));
        }
        if !stacks_with(source, first) {
            return Err(format!(
                "row {index}: found {} tiles over {} inputs, expected {} over {} in the same order",
                tile_format(source),
                source.inputs(),
                tile_format(first),
                first.inputs()
            ));
        }
    }
    let expected = tile_format(first).matrix_bytes(rows.len(), first.inputs());
    if out.len() != expected {
        return Err(format!("tiles: found a buffer of {} bytes, expected {expected}", out.len()));
    }
    let group_bytes = tile_format(first).group_bytes(first.inputs());
    for (index, (rows, out)) in rows.chunks(GROUP).zip(out.chunks_exact_mut(group_bytes)).enumerate() {
        let group = column_group(rows, out);
        group.map_err(|(row, problem)| format!("row {}, {problem}", GROUP * index + row))?;
    }
    Ok(())
}

/// One column group; an error names the row inside of it.
fn column_group(rows: &[Int4Row<'_>], out: &mut [u8]) -> Result<(), (usize, String)> {
    let format = tile_format(rows[0].source);
    for (index, record) in out.chunks_exact_mut(format.record_bytes()).enumerate() {
        let first = index * format.step();
        if format == TileFormat::Int4 {
            let (header, payload) = record.split_at_mut(48);
            put_scales(rows, first, header)?;
            for (n, Int4Row { source, row }) in rows.iter().enumerate() {
                header[32 + n] = source.zero(*row, first / source.group());
            }
            for (block, payload) in payload.as_chunks_mut::<256>().0.iter_mut().enumerate() {
                put_nibbles(rows, first + 32 * block, payload);
            }
        } else {
            let (payload, scales) = record.split_at_mut(format.record_bytes() - 2 * GROUP);
            put_scales(rows, first, scales)?;
            match format {
                TileFormat::Q8_0 => put_differences(rows, first, payload),
                _ => put_nibbles(rows, first, payload),
            }
        }
    }
    Ok(())
}

/// The scales of all rows at place `first`; an error names the row.
fn put_scales(rows: &[Int4Row<'_>], first: usize, out: &mut [u8]) -> Result<(), (usize, String)> {
    for (n, Int4Row { source, row }) in rows.iter().enumerate() {
        let scale = source.scale(*row, first / source.group()).map_err(|problem| (n, problem))?;
        out[2 * n..2 * n + 2].copy_from_slice(&scale.to_le_bytes());
    }
    Ok(())
}

/// The payload of a block of 4 bits: the weights of places `first .. first + 32` of up to 16 rows.
fn put_nibbles(rows: &[Int4Row<'_>], first: usize, payload: &mut [u8]) {
    each_block(rows, first, |n, weights| {
        for t in 0..16 {
            payload[64 * (t / 4) + 4 * n + t % 4] = weights[t] | weights[t + 16] << 4;
        }
    });
}

/// The payload of a Q8_0 block: `q - z + 128` of the same places, which belong to one group.
fn put_differences(rows: &[Int4Row<'_>], first: usize, payload: &mut [u8]) {
    each_block(rows, first, |n, weights| {
        let Int4Row { source, row } = rows[n];
        let zero = source.zero(row, first / source.group());
        for (t, weight) in weights.into_iter().enumerate() {
            payload[64 * (t / 4) + 4 * n + t % 4] = 128 + weight - zero;
        }
    });
}

/// Gives `put` the number of each row and its weights `q` at places `first .. first + 32`.
fn each_block(rows: &[Int4Row<'_>], first: usize, mut put: impl FnMut(usize, [u8; 32])) {
    let mut before = rows[0].source;
    let mut places = before.places(first);
    for (n, Int4Row { source, row }) in rows.iter().enumerate() {
        if !std::ptr::eq(*source, before) {
            before = source;
            places = source.places(first);
        }
        put(n, source.codes(*row, &places));
    }
}

#[cfg(test)]
mod tests;
