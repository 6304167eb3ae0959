//! F32, F16 and BF16: 16 outputs side by side.

use half::{bf16, f16};

use crate::tile::{GROUP, TileFormat};

/// One column group; an error names the row inside of it.
pub(super) fn repack(format: TileFormat, rows: &[&[u8]], out: &mut [u8]) -> Result<(), (usize, String)> {
    let size = if format == TileFormat::F32 { 4 } else { 2 };
    for (n, row) in rows.iter().enumerate() {
        for (k, raw) in row.chunks_exact(size).enumerate() {
            let value = match format {
                TileFormat::F32 => f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]),
                TileFormat::F16 => f16::from_le_bytes([raw[0], raw[1]]).to_f32(),
                _ => bf16::from_le_bytes([raw[0], raw[1]]).to_f32(),
            };
            if !value.is_finite() {
                return Err((n, format!("weight {k}: found {value}, expected a finite number")));
            }
            let place = match format {
                TileFormat::Bf16 => 2 * (2 * GROUP * (k / 2) + 2 * n + (k & 1)),
                _ => size * (GROUP * k + n),
            };
            out[place..place + size].copy_from_slice(raw);
        }
    }
    Ok(())
}
