//! Stored bytes -> f32, exactly: the value of every format is the f32 of its formula.
//!
//! Block formats are llama.cpp's (`ggml-quants.c`, `dequantize_row_*`): nibble `i` of 16 bytes holds
//! value `i` in its low and value `i + 16` in its high half; scales are f16.

use half::{bf16, f16};

use super::Encoding;

/// Appends the values of `bytes` to `out`; `bytes` is a whole number of blocks.
///
/// Returns `false`, with `out` untouched, for integer encodings: they are not weights.
pub(crate) fn widen(encoding: Encoding, bytes: &[u8], out: &mut Vec<f32>) -> bool {
    match encoding {
        Encoding::F32 => out.extend(bytes.as_chunks::<4>().0.iter().map(|raw| f32::from_le_bytes(*raw))),
        Encoding::F16 => out.extend(bytes.as_chunks::<2>().0.iter().map(|raw| f16_at(*raw))),
        Encoding::Bf16 => {
            out.extend(bytes.as_chunks::<2>().0.iter().map(|raw| bf16::from_le_bytes(*raw).to_f32()));
        }
        Encoding::Q4_0 => bytes.as_chunks::<18>().0.iter().for_each(|block| q4_0(block, out)),
        Encoding::Q4_1 => bytes.as_chunks::<20>().0.iter().for_each(|block| q4_1(block, out)),
        Encoding::Q5_0 => bytes.as_chunks::<22>().0.iter().for_each(|block| q5_0(block, out)),
        Encoding::Q5_1 => bytes.as_chunks::<24>().0.iter().for_each(|block| q5_1(block, out)),
        Encoding::Q8_0 => bytes.as_chunks::<34>().0.iter().for_each(|block| q8_0(block, out)),
        _ => return false,
    }
    true
}

fn f16_at(raw: [u8; 2]) -> f32 {
    f16::from_le_bytes(raw).to_f32()
}

/// w = d (q - 8)
fn q4_0(block: &[u8; 18], out: &mut Vec<f32>) {
    let d = f16_at([block[0], block[1]]);
    let nibbles = &block[2..];
    out.extend(nibbles.iter().map(|byte| d * (f32::from(byte & 15) - 8.0)));
    out.extend(nibbles.iter().map(|byte| d * (f32::from(byte >> 4) - 8.0)));
}

/// w = d q + m
fn q4_1(block: &[u8; 20], out: &mut Vec<f32>) {
    let d = f16_at([block[0], block[1]]);
    let m = f16_at([block[2], block[3]]);
    let nibbles = &block[4..];
    out.extend(nibbles.iter().map(|byte| d * f32::from(byte & 15) + m));
    out.extend(nibbles.iter().map(|byte| d * f32::from(byte >> 4) + m));
}

/// The 32 five-bit values: low four bits from the nibbles, the fifth from a 32-bit mask.
fn five_bit(high: [u8; 4], nibbles: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let high = u32::from_le_bytes(high);
    (0..32).map(move |index| {
        let byte = nibbles[index % 16];
        let low = if index < 16 { byte & 15 } else { byte >> 4 };
        low | (((high >> index) & 1) as u8) << 4
    })
}

/// w = d (q - 16)
fn q5_0(block: &[u8; 22], out: &mut Vec<f32>) {
    let d = f16_at([block[0], block[1]]);
    let high = [block[2], block[3], block[4], block[5]];
    out.extend(five_bit(high, &block[6..]).map(|q| d * (f32::from(q) - 16.0)));
}

/// w = d q + m
fn q5_1(block: &[u8; 24], out: &mut Vec<f32>) {
    let d = f16_at([block[0], block[1]]);
    let m = f16_at([block[2], block[3]]);
    let high = [block[4], block[5], block[6], block[7]];
    out.extend(five_bit(high, &block[8..]).map(|q| d * f32::from(q) + m));
}

/// w = d q
fn q8_0(block: &[u8; 34], out: &mut Vec<f32>) {
    let d = f16_at([block[0], block[1]]);
    out.extend(block[2..].iter().map(|&byte| d * f32::from(byte as i8)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widened(encoding: Encoding, bytes: &[u8]) -> Vec<f32> {
        let mut out = Vec::new();
        assert!(widen(encoding, bytes, &mut out));
        out
    }

    /// d = 0.5 and m = -1 as f16.
    const D: [u8; 2] = [0x00, 0x38];
    const M: [u8; 2] = [0x00, 0xbc];

    #[test]
    fn nibbles_are_low_half_first() {
        // Byte i = low i, high 15 - i.
        let nibbles: Vec<u8> = (0..16).map(|i| i | (15 - i) << 4).collect();
        let q4_0 = widened(Encoding::Q4_0, &[&D[..], &nibbles].concat());
        assert_eq!((q4_0[0], q4_0[15], q4_0[16], q4_0[31]), (-4.0, 3.5, 3.5, -4.0));
        let q4_1 = widened(Encoding::Q4_1, &[&D[..], &M, &nibbles].concat());
        assert_eq!((q4_1[0], q4_1[15], q4_1[16], q4_1[31]), (-1.0, 6.5, 6.5, -1.0));
    }

    #[test]
    fn fifth_bits_come_from_the_mask() {
        let nibbles = [0x21_u8; 16];
        let high = 0x8000_0001_u32.to_le_bytes();
        let q5_0 = widened(Encoding::Q5_0, &[&D[..], &high, &nibbles].concat());
        assert_eq!((q5_0[0], q5_0[1], q5_0[16], q5_0[31]), (0.5, -7.5, -7.0, 1.0));
        let q5_1 = widened(Encoding::Q5_1, &[&D[..], &M, &high, &nibbles].concat());
        assert_eq!((q5_1[0], q5_1[1], q5_1[16], q5_1[31]), (7.5, -0.5, 0.0, 8.0));
    }

    #[test]
    fn signed_bytes_and_plain_floats() {
        let mut block = D.to_vec();
        block.extend((0..32).map(|i| if i == 0 { 0x80_u8 } else { i }));
        assert_eq!(widened(Encoding::Q8_0, &block)[..3], [-64.0, 0.5, 1.0]);
        assert_eq!(widened(Encoding::Bf16, &[0x80, 0x3f]), [1.0]);
        assert_eq!(widened(Encoding::F16, &D), [0.5]);
        assert!(!widen(Encoding::I64, &[0; 8], &mut Vec::new()));
    }
}
