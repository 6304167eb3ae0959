//! Q4_K, Q5_K and Q6_K: blocks of 256 weights, cut into eight blocks of 32 that each have small scales.
//!
//! Bit layouts as llama.cpp's `ggml-quants.c` (`dequantize_row_q4_K` and the like).

use super::record::{BadScale, put_fifth_bits, put_word, scale, word};

/// The low half of each byte.
const LOW: u32 = 0x0f0f_0f0f;
/// The lowest bit of each byte.
const ONES: u32 = 0x0101_0101;
/// The lowest two bits of each byte.
const PAIRS: u32 = 0x0303_0303;

/// Writes one Q4_K block of 256 weights as output n.
pub(super) fn q4_k(source: &[u8; 144], n: usize, record: &mut [u8; 2368]) -> Result<(), BadScale> {
    for (index, part) in record[64..].as_chunks_mut::<288>().0.iter_mut().enumerate() {
        put_halves(&source[16 + 32 * (index / 2)..], 4 * (index % 2), n, part);
        [part[256 + n], part[272 + n]] = scale_min(&source[4..16], index);
    }
    scale("d", source, 0, &mut record[..32], n)?;
    scale("dmin", source, 2, &mut record[32..64], n)
}

/// Writes one Q5_K block of 256 weights as output n.
pub(super) fn q5_k(source: &[u8; 176], n: usize, record: &mut [u8; 2880]) -> Result<(), BadScale> {
    for (index, part) in record[64..].as_chunks_mut::<352>().0.iter_mut().enumerate() {
        put_halves(&source[48 + 32 * (index / 2)..], 4 * (index % 2), n, part);
        put_fifth_bits(bit_of_each(&source[16..48], index), n, &mut part[256..320]);
        [part[320 + n], part[336 + n]] = scale_min(&source[4..16], index);
    }
    scale("d", source, 0, &mut record[..32], n)?;
    scale("dmin", source, 2, &mut record[32..64], n)
}

/// Writes one Q6_K block of 256 weights as output n.
pub(super) fn q6_k(source: &[u8; 210], n: usize, record: &mut [u8; 3360]) -> Result<(), BadScale> {
    for (index, part) in record[32..].as_chunks_mut::<416>().0.iter_mut().enumerate() {
        let (half, run) = (index / 4, index % 4);
        put_halves(&source[64 * half + 32 * (run % 2)..], 4 * (run / 2), n, part);
        let upper = &source[128 + 32 * half..];
        for h in 0..2 {
            let pairs = |j: usize| (word(upper, 16 * h + 4 * j) >> (2 * run) & PAIRS) << (2 * j);
            put_word(part, 256 + 64 * h + 4 * n, pairs(0) | pairs(1) | pairs(2) | pairs(3));
        }
        part[384 + n] = source[192 + 2 * index];
        part[400 + n] = source[193 + 2 * index];
    }
    scale("d", source, 208, &mut record[..32], n)
}

/// The nibbles at `shift` of 32 bytes, of which byte t + 16 goes to the high half of byte t.
fn put_halves(source: &[u8], shift: usize, n: usize, payload: &mut [u8]) {
    for j in 0..4 {
        let (low, high) = (word(source, 4 * j) >> shift, word(source, 16 + 4 * j) >> shift);
        put_word(payload, 64 * j + 4 * n, low & LOW | (high & LOW) << 4);
    }
}

/// Bit `index` of each of 32 bytes.
fn bit_of_each(bytes: &[u8], index: usize) -> u32 {
    (0..8).fold(0, |bits, j| {
        let ones = word(bytes, 4 * j) >> index & ONES;
        // Bits 0, 8, 16, 24 side by side: the factor moves them to 24..28, and no two terms meet.
        bits | (ones.wrapping_mul(0x0102_0408) >> 24) << (4 * j)
    })
}

/// The 6-bit scale and minimum of sub-block `index` out of 12 bytes.
fn scale_min(packed: &[u8], index: usize) -> [u8; 2] {
    if index < 4 {
        return [packed[index] & 63, packed[index + 4] & 63];
    }
    let low = packed[index + 4];
    [low & 15 | (packed[index - 4] >> 6) << 4, low >> 4 | (packed[index] >> 6) << 4]
}
