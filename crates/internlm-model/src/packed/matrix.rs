//! [`PackedMatrix`]: the weights of one layer in 4, 8 or 16 bits, decoded a few rows at a time.

use serde::{Deserialize, Serialize};

use super::codebook::{DYNAMIC, NF4, nearest};

/// How the weights of a [`PackedMatrix`] are stored.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum PackedFormat {
    /// Brain floats: 2 bytes per weight.
    Bf16,
    /// Signed 8-bit codes, one f32 scale `max |w| / 127` per block of 64: 1.0625 bytes per weight.
    Int8,
    /// NF4 codes, one f32 scale `max |w|` per block of 64: 0.5625 byte per weight.
    Nf4,
    /// NF4 whose scales are stored in 8 bits (double quantization): 0.516 byte per weight.
    Nf4Double,
}

/// A matrix `[outputs, inputs]` of packed weights, row-major.
///
/// ```
/// use internlm_model::packed::{PackedFormat, PackedMatrix};
///
/// let weights: Vec<f32> = (0..128).map(|i| (i as f32 - 64.0) / 64.0).collect();
/// let packed = PackedMatrix::pack(&weights, [2, 64], PackedFormat::Nf4);
/// let mut row = [0.0; 64];
/// packed.decode_rows(1, &mut row);
/// assert!((row[63] - 63.0 / 64.0).abs() < 1e-6 && packed.bytes() == 72);
/// ```
#[derive(Clone, Debug)]
pub struct PackedMatrix {
    outputs: usize,
    inputs: usize,
    storage: Storage,
}

#[derive(Clone, Debug)]
enum Storage {
    Bf16(Vec<half::bf16>),
    Int8 {
        codes: Vec<i8>,
        scales: Vec<f32>,
    },
    /// Two codes per byte, the first weight in the high half.
    Nf4 {
        codes: Vec<u8>,
        scales: Scales,
    },
}

/// The largest absolute value of each block.
#[derive(Clone, Debug)]
enum Scales {
    Plain(Vec<f32>),
    /// `mean + DYNAMIC[code] * scale`, one scale per [`SCALE_BLOCK`] codes.
    Double {
        codes: Vec<u8>,
        scales: Vec<f32>,
        mean: f32,
    },
}

/// Consecutive weights that share one scale.
const BLOCK: usize = 64;
/// Consecutive scales that share one scale of their own.
const SCALE_BLOCK: usize = 256;

impl PackedMatrix {
    /// Packs the row-major matrix `weights` of shape `[outputs, inputs]`.
    ///
    /// # Panics
    /// When the number of weights is not that of the shape.
    #[must_use]
    pub fn pack(weights: &[f32], [outputs, inputs]: [usize; 2], format: PackedFormat) -> Self {
        assert_eq!(weights.len(), outputs * inputs, "a matrix has as many weights as its shape says");
        let storage = match format {
            PackedFormat::Bf16 => {
                Storage::Bf16(weights.iter().map(|weight| half::bf16::from_f32(*weight)).collect())
            }
            PackedFormat::Int8 => int8(weights),
            PackedFormat::Nf4 => nf4(weights, Scales::Plain),
            PackedFormat::Nf4Double => nf4(weights, Scales::double),
        };
        Self { outputs, inputs, storage }
    }

    /// Shape of the matrix: `[outputs, inputs]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 2] {
        [self.outputs, self.inputs]
    }

    /// How the weights are stored.
    #[must_use]
    pub fn format(&self) -> PackedFormat {
        match &self.storage {
            Storage::Bf16(_) => PackedFormat::Bf16,
            Storage::Int8 { .. } => PackedFormat::Int8,
            Storage::Nf4 { scales: Scales::Plain(_), .. } => PackedFormat::Nf4,
            Storage::Nf4 { scales: Scales::Double { .. }, .. } => PackedFormat::Nf4Double,
        }
    }

    /// Memory of codes and scales.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.storage {
            Storage::Bf16(values) => 2 * values.len(),
            Storage::Int8 { codes, scales } => codes.len() + 4 * scales.len(),
            Storage::Nf4 { codes, scales } => {
                let scales = match scales {
                    Scales::Plain(scales) => 4 * scales.len(),
                    Scales::Double { codes, scales, .. } => codes.len() + 4 * scales.len() + 4,
                };
                codes.len() + scales
            }
        }
    }

    /// The NF4 code of weight number `index`; `None` in other formats.
    #[must_use]
    pub fn nf4_code(&self, index: usize) -> Option<u8> {
        match &self.storage {
            Storage::Nf4 { codes, .. } => codes.get(index / 2).map(|byte| half_of(*byte, index)),
            _ => None,
        }
    }

    /// Writes the rows from `first` on as floats; `out` holds whole rows.
    ///
    /// # Panics
    /// When `out` reaches beyond the matrix.
    pub fn decode_rows(&self, first: usize, out: &mut [f32]) {
        let start = first * self.inputs;
        assert!(start + out.len() <= self.outputs * self.inputs, "the rows are in the matrix");
        match &self.storage {
            Storage::Bf16(values) => {
                let values = &values[start..start + out.len()];
                out.iter_mut().zip(values).for_each(|(out, value)| *out = value.to_f32());
            }
            Storage::Int8 { codes, scales } => blocks(start, out, |block, at, out| {
                let scale = scales[block];
                let codes = &codes[at..at + out.len()];
                out.iter_mut().zip(codes).for_each(|(out, code)| *out = f32::from(*code) * scale);
            }),
            Storage::Nf4 { codes, scales } => blocks(start, out, |block, at, out| {
                let scale = scales.get(block);
                let values = NF4.map(|value| value * scale);
                for (offset, out) in out.iter_mut().enumerate() {
                    let index = at + offset;
                    *out = values[usize::from(half_of(codes[index / 2], index))];
                }
            }),
        }
    }

    /// The whole matrix as floats, row-major.
    #[must_use]
    pub fn decode(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.outputs * self.inputs];
        self.decode_rows(0, &mut values);
        values
    }
}

impl Scales {
    /// Stores the scales in 8 bits, around their mean.
    fn double(scales: Vec<f32>) -> Self {
        let mean =
            (scales.iter().map(|scale| f64::from(*scale)).sum::<f64>() / scales.len().max(1) as f64) as f32;
        let (mut codes, mut outer) = (Vec::with_capacity(scales.len()), Vec::new());
        for block in scales.chunks(SCALE_BLOCK) {
            let largest = block.iter().map(|scale| (scale - mean).abs()).fold(0.0, f32::max);
            outer.push(largest);
            let divisor = if largest > 0.0 { largest } else { 1.0 };
            codes.extend(block.iter().map(|scale| nearest(&*DYNAMIC, (scale - mean) / divisor)));
        }
        Self::Double { codes, scales: outer, mean }
    }

    fn get(&self, block: usize) -> f32 {
        match self {
            Self::Plain(scales) => scales[block],
            Self::Double { codes, scales, mean } => {
                DYNAMIC[usize::from(codes[block])] * scales[block / SCALE_BLOCK] + mean
            }
        }
    }
}

/// The code of weight number `index` in its byte.
fn half_of(byte: u8, index: usize) -> u8 {
    if index.is_multiple_of(2) { byte >> 4 } else { byte & 15 }
}

/// Calls `decode(block, index of the first weight, weights)` for each part of `out` that belongs to one block; `start` is
/// the index of the first weight of `out`.
fn blocks(start: usize, out: &mut [f32], mut decode: impl FnMut(usize, usize, &mut [f32])) {
    let (mut at, mut rest) = (start, out);
    while !rest.is_empty() {
        let length = (BLOCK - at % BLOCK).min(rest.len());
        let (part, next) = rest.split_at_mut(length);
        decode(at / BLOCK, at, part);
        at += length;
        rest = next;
    }
}

/// The largest absolute value of each block, and each weight divided by that of its block (0 in a block of zeros).
fn scaled(weights: &[f32]) -> (Vec<f32>, impl Iterator<Item = f32> + '_) {
    let scales: Vec<f32> = weights
        .chunks(BLOCK)
        .map(|block| block.iter().map(|weight| weight.abs()).fold(0.0, f32::max))
        .collect();
    let divisors: Vec<f32> = scales.iter().map(|scale| if *scale > 0.0 { *scale } else { 1.0 }).collect();
    let values = weights.iter().enumerate().map(move |(index, weight)| weight / divisors[index / BLOCK]);
    (scales, values)
}

fn int8(weights: &[f32]) -> Storage {
    let (scales, values) = scaled(weights);
    let codes = values.map(|value| (value * 127.0).round() as i8).collect();
    Storage::Int8 { codes, scales: scales.into_iter().map(|scale| scale / 127.0).collect() }
}

fn nf4(weights: &[f32], store: impl FnOnce(Vec<f32>) -> Scales) -> Storage {
    let (scales, values) = scaled(weights);
    let codes: Vec<u8> = values.map(|value| nearest(&NF4, value)).collect();
    let bytes = codes.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect();
    Storage::Nf4 { codes: bytes, scales: store(scales) }
}
