//! Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0: blocks of 32 weights, as llama.cpp's `ggml-common.h` lays them out.
//!
//! A record holds one block of each of 16 outputs. The block of output n is written into every sixteenth place of the
//! payload, so that a kernel finds the same four weights of all outputs side by side.

use super::record::{BadScale, put_fifth_bits, put_nibbles, put_word, scale, word};

/// Writes one Q4_0 block as output n: nibbles and a scale.
pub(super) fn q4_0(source: &[u8; 18], n: usize, record: &mut [u8; 288]) -> Result<(), BadScale> {
    put_nibbles(&source[2..], n, record);
    scale("d", source, 0, &mut record[256..], n)
}

/// Writes one Q4_1 block as output n: nibbles, a scale and a minimum.
pub(super) fn q4_1(source: &[u8; 20], n: usize, record: &mut [u8; 320]) -> Result<(), BadScale> {
    put_nibbles(&source[4..], n, record);
    scale("d", source, 0, &mut record[256..288], n)?;
    scale("m", source, 2, &mut record[288..], n)
}

/// Writes one Q5_0 block as output n: nibbles, the plane of fifth bits and a scale.
pub(super) fn q5_0(source: &[u8; 22], n: usize, record: &mut [u8; 352]) -> Result<(), BadScale> {
    put_nibbles(&source[6..], n, record);
    put_fifth_bits(word(source, 2), n, &mut record[256..320]);
    scale("d", source, 0, &mut record[320..], n)
}

/// Writes one Q5_1 block as output n: nibbles, the plane of fifth bits, a scale and a minimum.
pub(super) fn q5_1(source: &[u8; 24], n: usize, record: &mut [u8; 384]) -> Result<(), BadScale> {
    put_nibbles(&source[8..], n, record);
    put_fifth_bits(word(source, 4), n, &mut record[256..320]);
    scale("d", source, 0, &mut record[320..352], n)?;
    scale("m", source, 2, &mut record[352..], n)
}

/// Writes one Q8_0 block as output n: flipping the top bit makes the signed bytes unsigned, `q + 128`.
pub(super) fn q8_0(source: &[u8; 34], n: usize, record: &mut [u8; 544]) -> Result<(), BadScale> {
    for j in 0..8 {
        put_word(record, 64 * j + 4 * n, word(source, 2 + 4 * j) ^ 0x8080_8080);
    }
    scale("d", source, 0, &mut record[512..], n)
}
