//! Q8_0: signed bytes become unsigned.

use super::{BadScale, put_word, scale, word};

/// One block of output n.
pub(super) fn q8_0(source: &[u8; 34], n: usize, record: &mut [u8; 544]) -> Result<(), BadScale> {
    for j in 0..8 {
        put_word(record, 64 * j + 4 * n, word(source, 2 + 4 * j) ^ 0x8080_8080);
    }
    scale("d", source, 0, &mut record[512..], n)
}
