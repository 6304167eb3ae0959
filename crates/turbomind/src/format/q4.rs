//! Q4_0 and Q4_1: a byte transpose of 16 source rows.

use super::{BadScale, put_nibbles, scale};

/// One block of output n.
pub(super) fn q4_0(source: &[u8; 18], n: usize, record: &mut [u8; 288]) -> Result<(), BadScale> {
    put_nibbles(&source[2..], n, record);
    scale("d", source, 0, &mut record[256..], n)
}

/// One block of output n.
pub(super) fn q4_1(source: &[u8; 20], n: usize, record: &mut [u8; 320]) -> Result<(), BadScale> {
    put_nibbles(&source[4..], n, record);
    scale("d", source, 0, &mut record[256..288], n)?;
    scale("m", source, 2, &mut record[288..], n)
}
