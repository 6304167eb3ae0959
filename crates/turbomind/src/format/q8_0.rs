//! Q8_0: signed bytes become unsigned.

use super::scale;
use crate::tile::TileFormat;

/// One column group; an error names the row inside of it.
pub(super) fn repack(rows: &[&[u8]], out: &mut [u8]) -> Result<(), (usize, String)> {
    for (n, row) in rows.iter().enumerate() {
        let records = out.chunks_exact_mut(TileFormat::Q8_0.record_bytes());
        for (block, record) in row.chunks_exact(34).zip(records) {
            for (t, byte) in block[2..].iter().enumerate() {
                record[64 * (t / 4) + 4 * n + t % 4] = byte ^ 0x80;
            }
            scale(block, n, &mut record[512..])?;
        }
    }
    Ok(())
}
