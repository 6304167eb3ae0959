//! Stored bytes -> f32, exactly: the value of every format is the f32 of its formula.
//!
//! Block formats are llama.cpp's (`ggml-quants.c`, `dequantize_row_*`): nibble `i` of 16 bytes holds
//! value `i` in its low and value `i + 16` in its high half; scales are f16.

use half::{bf16, f16};

use super::Encoding;

impl Encoding {
    /// The values of whole blocks, widened to f32 exactly; `None` for integers and F64, and when `bytes` is not a
    /// whole number of blocks.
    #[must_use]
    pub fn dequantize(self, bytes: &[u8]) -> Option<Vec<f32>> {
        let (values, block_bytes) = self.block();
        if !bytes.len().is_multiple_of(block_bytes) {
            return None;
        }
        let mut out = Vec::with_capacity(bytes.len() / block_bytes * values);
        widen(self, bytes, &mut out).then_some(out)
    }
}

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
        Encoding::Q4K => bytes.as_chunks::<144>().0.iter().for_each(|block| q4_k(block, out)),
        Encoding::Q5K => bytes.as_chunks::<176>().0.iter().for_each(|block| q5_k(block, out)),
        Encoding::Q6K => bytes.as_chunks::<210>().0.iter().for_each(|block| q6_k(block, out)),
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

/// The 6-bit scale and minimum of sub-block `index` out of 12 bytes (`get_scale_min_k4`): the first four of each
/// are in the low six bits of a byte, the last four are put together from four and two bits.
fn scale_min(packed: &[u8], index: usize) -> (f32, f32) {
    let (scale, min) = if index < 4 {
        (packed[index] & 63, packed[index + 4] & 63)
    } else {
        let low = packed[index + 4];
        ((low & 15) | (packed[index - 4] >> 6) << 4, (low >> 4) | (packed[index] >> 6) << 4)
    };
    (f32::from(scale), f32::from(min))
}

/// w = (d scale) q - (dmin min), 32 values per scale; 32 bytes hold sub-block 2j in their low, 2j + 1 in their
/// high nibbles.
fn q4_k(block: &[u8; 144], out: &mut Vec<f32>) {
    let (d, dmin) = (f16_at([block[0], block[1]]), f16_at([block[2], block[3]]));
    let (scales, nibbles) = (&block[4..16], &block[16..]);
    for (pair, bytes) in nibbles.chunks_exact(32).enumerate() {
        for (index, shift) in [(2 * pair, 0), (2 * pair + 1, 4)] {
            let (scale, min) = scale_min(scales, index);
            let (scale, min) = (d * scale, dmin * min);
            out.extend(bytes.iter().map(|byte| scale * f32::from((byte >> shift) & 15) - min));
        }
    }
}

/// As [`q4_k`], with the fifth bit of sub-block i in bit i of 32 more bytes.
fn q5_k(block: &[u8; 176], out: &mut Vec<f32>) {
    let (d, dmin) = (f16_at([block[0], block[1]]), f16_at([block[2], block[3]]));
    let (scales, high, nibbles) = (&block[4..16], &block[16..48], &block[48..]);
    for (pair, bytes) in nibbles.chunks_exact(32).enumerate() {
        for (index, shift) in [(2 * pair, 0), (2 * pair + 1, 4)] {
            let (scale, min) = scale_min(scales, index);
            let (scale, min) = (d * scale, dmin * min);
            let values = bytes.iter().zip(high);
            out.extend(values.map(|(byte, high)| {
                let q = (byte >> shift) & 15 | ((high >> index) & 1) << 4;
                scale * f32::from(q) - min
            }));
        }
    }
}

/// w = d scale (q - 32), 16 values per scale. In each half of 128 values, four runs of 32 take their low four bits
/// from nibbles of 64 bytes and their high two bits from two bits of 32 bytes.
fn q6_k(block: &[u8; 210], out: &mut Vec<f32>) {
    let d = f16_at([block[208], block[209]]);
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    for half in 0..2 {
        let (low, high) = (&low[64 * half..], &high[32 * half..]);
        for run in 0..4 {
            let bytes = &low[32 * (run % 2)..][..32];
            let (low_shift, high_shift) = (4 * (run / 2), 2 * run);
            out.extend(bytes.iter().zip(high).enumerate().map(|(index, (low, high))| {
                let q = (low >> low_shift) & 15 | ((high >> high_shift) & 3) << 4;
                let scale = scales[8 * half + 2 * run + index / 16] as i8;
                d * f32::from(scale) * (f32::from(q) - 32.0)
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widened(encoding: Encoding, bytes: &[u8]) -> Vec<f32> {
        let mut out = Vec::new();
        assert!(widen(encoding, bytes, &mut out));
        out
    }

    const BLOCKS: [Encoding; 8] = [
        Encoding::Q4_0,
        Encoding::Q4_1,
        Encoding::Q5_0,
        Encoding::Q5_1,
        Encoding::Q8_0,
        Encoding::Q4K,
        Encoding::Q5K,
        Encoding::Q6K,
    ];

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

    /// `tests/golden/blocks.py` made the values with llama.cpp's gguf package.
    #[test]
    fn blocks_have_llama_cpps_values() {
        let golden = include_str!("../../tests/golden/blocks.json");
        let rows: Vec<serde_json::Value> = serde_json::from_str(golden).expect("the golden is JSON");
        let mut seen = Vec::new();
        for row in rows {
            let bytes: Vec<u8> = serde_json::from_value(row["bytes"].clone()).expect("bytes");
            let expected: Vec<f32> = serde_json::from_value(row["values"].clone()).expect("numbers");
            let encoding = BLOCKS.into_iter().find(|encoding| row["type"] == encoding.name());
            let encoding = encoding.expect("a block format");
            assert_eq!(widened(encoding, &bytes), expected, "{encoding}");
            seen.push(encoding);
        }
        assert_eq!(seen, BLOCKS);
    }

    #[test]
    fn signed_bytes_and_plain_floats() {
        let mut block = D.to_vec();
        block.extend((0..32).map(|i| if i == 0 { 0x80_u8 } else { i }));
        assert_eq!(widened(Encoding::Q8_0, &block)[..3], [-64.0, 0.5, 1.0]);
        assert_eq!(widened(Encoding::Bf16, &[0x80, 0x3f]), [1.0]);
        assert_eq!(widened(Encoding::F16, &D), [0.5]);
        assert!(!widen(Encoding::I64, &[0; 8], &mut Vec::new()));
        assert_eq!(Encoding::I64.dequantize(&[0; 8]), None);
        assert_eq!(Encoding::Bf16.dequantize(&[0x80, 0x3f, 0]), None, "half a value");
        assert_eq!(Encoding::Bf16.dequantize(&[0x80, 0x3f]), Some(vec![1.0]));
    }
}
