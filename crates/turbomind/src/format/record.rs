//! What the writers of records share: words, scales, and a number that is not finite.

use half::f16;

/// A number that is not finite, and where it is.
pub(super) struct Problem {
    /// Row inside of the column group, below 16.
    pub(super) row: usize,
    /// Where in the row: a weight, or a block and the name of its scale.
    pub(super) place: String,
    /// NaN or infinity.
    pub(super) found: f32,
}

/// A scale of a block that is not finite.
pub(super) struct BadScale {
    /// The name of the scale in the format: `d`, `m`, `dmin`.
    pub(super) name: &'static str,
    /// NaN or infinity.
    pub(super) found: f16,
}

/// Copies the f16 scale `name` from `source[from..]` to place `n` of a 16-wide row.
pub(super) fn scale(
    name: &'static str,
    source: &[u8],
    from: usize,
    row: &mut [u8],
    n: usize,
) -> Result<(), BadScale> {
    let raw = [source[from], source[from + 1]];
    let value = f16::from_le_bytes(raw);
    if !value.is_finite() {
        return Err(BadScale { name, found: value });
    }
    row[2 * n..2 * n + 2].copy_from_slice(&raw);
    Ok(())
}

/// Reads four bytes as a number, the first in its lowest bits.
pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    let raw = &bytes[at..at + 4];
    u32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]])
}

/// Writes a number as four bytes, its lowest bits first.
pub(super) fn put_word(out: &mut [u8], at: usize, word: u32) {
    out[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

/// Byte transpose of 16 nibble pairs: weight t in the low, t + 16 in the high half of byte t.
pub(super) fn put_nibbles(source: &[u8], n: usize, payload: &mut [u8]) {
    for j in 0..4 {
        put_word(payload, 64 * j + 4 * n, word(source, 4 * j));
    }
}

/// Bits 4 j .. 4 j + 4 of `fifth` to output n's part of the bit plane, which is zeroed.
pub(super) fn put_fifth_bits(fifth: u32, n: usize, plane: &mut [u8]) {
    for j in 0..8 {
        plane[8 * j + n / 2] |= ((fifth >> (4 * j) & 15) << (4 * (n % 2))) as u8;
    }
}
