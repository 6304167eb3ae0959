//! Q5_0 and Q5_1: nibbles and a plane of fifth bits.

use super::{BadScale, put_fifth_bits, put_nibbles, scale, word};

/// One block of output n.
pub(super) fn q5_0(source: &[u8; 22], n: usize, record: &mut [u8; 352]) -> Result<(), BadScale> {
    put_nibbles(&source[6..], n, record);
    put_fifth_bits(word(source, 2), n, &mut record[256..320]);
    scale("d", source, 0, &mut record[320..], n)
}

/// One block of output n.
pub(super) fn q5_1(source: &[u8; 24], n: usize, record: &mut [u8; 384]) -> Result<(), BadScale> {
    put_nibbles(&source[8..], n, record);
    put_fifth_bits(word(source, 4), n, &mut record[256..320]);
    scale("d", source, 0, &mut record[320..352], n)?;
    scale("m", source, 2, &mut record[352..], n)
}
