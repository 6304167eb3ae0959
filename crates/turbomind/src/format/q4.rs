//! Q4_0 and Q4_1: a byte transpose of 16 source rows.

use super::scale;
use crate::tile::TileFormat;

/// One column group; an error names the row inside of it.
pub(super) fn repack(format: TileFormat, rows: &[&[u8]], out: &mut [u8]) -> Result<(), (usize, String)> {
    let header = if format == TileFormat::Q4_1 { 4 } else { 2 };
    for (n, row) in rows.iter().enumerate() {
        let records = out.chunks_exact_mut(format.record_bytes());
        for (block, record) in row.chunks_exact(header + 16).zip(records) {
            for (t, byte) in block[header..].iter().enumerate() {
                record[64 * (t / 4) + 4 * n + t % 4] = *byte;
            }
            scale(block, n, &mut record[256..288])?;
            if header == 4 {
                scale(&block[2..], n, &mut record[288..])?;
            }
        }
    }
    Ok(())
}
