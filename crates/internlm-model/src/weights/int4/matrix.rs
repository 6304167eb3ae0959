//! [`Int4Matrix`]: 4-bit codes row by row, whatever file they come from, as kernels read them.

use std::borrow::Cow;

use half::f16;
use internlm_kit::rng::CounterRng;
use rayon::prelude::*;

use super::source::{BLOCK, InputPlaces, Int4Source};
use crate::weights::Encoding;

/// Rows that one thread reads at once.
const PIECE: usize = 64;

/// What the numbers of a group are besides its scale s.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Offset {
    /// A zero point z, an integer from 0 to 16: `w = (q - z) s`.
    Zero,
    /// The smallest weight m, a half: `w = q s + m`.
    Minimum,
}

/// What rows must share to be rows of one matrix.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Int4Layout {
    /// Number of inputs; a multiple of the group.
    pub inputs: usize,
    /// Consecutive inputs with one scale; a multiple of [`BLOCK`].
    pub group: usize,
    /// What belongs to a scale.
    pub offset: Offset,
    /// The input at each place of a row; `None` when the inputs are in their usual order.
    pub columns: Option<Vec<u32>>,
}

/// A matrix of 4-bit codes, `[out, in]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Int4Matrix {
    /// What all rows share.
    pub layout: Int4Layout,
    /// `[out, in / 8]`: bits `4 i .. 4 i + 4` of word c are the code q at place `8 c + i`.
    pub codes: Vec<u32>,
    /// `[out, in / group]`: the lower 16 bits are the scale, a half, the upper ones its [`Offset`].
    pub scales: Vec<u32>,
}

impl Int4Matrix {
    /// The matrix whose rows are given by (part, row of it); all parts have the layout of the first.
    ///
    /// # Errors
    /// The number of a part, and a sentence: a scale that is NaN or infinite.
    pub(crate) fn stack(parts: &[CodedRows<'_>], rows: &[(usize, usize)]) -> Result<Self, (usize, String)> {
        let layout = parts[0].layout();
        let empty = || Self { layout: layout.clone(), codes: Vec::new(), scales: Vec::new() };
        let piece = |rows: &[(usize, usize)]| {
            let mut piece = empty();
            for (part, row) in rows {
                parts[*part].append(*row, &mut piece).map_err(|problem| (*part, problem))?;
            }
            Ok(piece)
        };
        let pieces: Vec<Self> = rows.par_chunks(PIECE).map(piece).collect::<Result<_, _>>()?;
        let mut matrix = empty();
        matrix.codes.reserve_exact(rows.len() * layout.inputs / 8);
        matrix.scales.reserve_exact(rows.len() * layout.inputs / layout.group);
        for piece in pieces {
            matrix.codes.extend(piece.codes);
            matrix.scales.extend(piece.scales);
        }
        Ok(matrix)
    }

    /// Random codes with a zero point of 8, whose weights have a root mean square of `size`; their mean is half a step
    /// below 0.
    pub(crate) fn random([outputs, inputs]: [usize; 2], group: usize, size: f64, rng: CounterRng) -> Self {
        // Codes are uniform, so that `q - 8` has a mean of -1/2 and a variance of (16^2 - 1) / 12.
        let scale = f16::from_f64(size / (0.25_f64 + 255.0 / 12.0).sqrt());
        let pair = u32::from(scale.to_bits()) | 8 << 16;
        let words = (outputs * inputs / 8) as u64;
        Self {
            layout: Int4Layout { inputs, group, offset: Offset::Zero, columns: None },
            codes: (0..words).into_par_iter().map(|word| rng.u64(word) as u32).collect(),
            scales: vec![pair; outputs * inputs / group],
        }
    }

    /// Number of outputs, rows of the matrix.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.codes.len() * 8 / self.layout.inputs.max(1)
    }

    /// The weights, `[out, in]`, inputs in their usual order.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        let Int4Layout { inputs, group, offset, columns } = &self.layout;
        let mut weights = vec![0.0; self.codes.len() * 8];
        for (row, weights) in weights.chunks_exact_mut(*inputs).enumerate() {
            let codes = &self.codes[row * inputs / 8..];
            let scales = &self.scales[row * inputs / group..];
            for place in 0..*inputs {
                let code = codes[place / 8] >> (4 * (place % 8)) & 15;
                let input = columns.as_ref().map_or(place, |columns| columns[place] as usize);
                weights[input] = weight(code, scales[place / group], *offset);
            }
        }
        weights
    }

    /// Adds a block of codes to the last row.
    fn push(&mut self, codes: [u8; BLOCK]) {
        let word = |codes: &[u8]| codes.iter().rev().fold(0, |word, code| word << 4 | u32::from(*code));
        self.codes.extend(codes.chunks_exact(8).map(word));
    }
}

/// The weight that a code stands for.
fn weight(code: u32, scale: u32, offset: Offset) -> f32 {
    let [scale, upper] = [scale as u16, (scale >> 16) as u16];
    let scale = f16::from_bits(scale).to_f32();
    match offset {
        Offset::Zero => (code as f32 - f32::from(upper)) * scale,
        Offset::Minimum => code as f32 * scale + f16::from_bits(upper).to_f32(),
    }
}

/// Rows of 4-bit codes as a file stores them.
#[derive(Clone, Debug)]
pub(crate) enum CodedRows<'a> {
    /// A matrix of a quantizer's folder, and where the blocks of its rows are.
    Packed { source: Int4Source<'a>, places: Vec<InputPlaces> },
    /// Blocks of a GGUF file: Q4_0 or Q4_1, rows of `inputs` weights.
    Blocks { encoding: Encoding, bytes: Cow<'a, [u8]>, inputs: usize },
}

/// Whether a tensor is made of blocks that [`CodedRows`] reads.
pub(crate) fn is_coded(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::Q4_0 | Encoding::Q4_1)
}

impl<'a> CodedRows<'a> {
    /// The rows of a matrix of a quantizer's folder.
    pub(crate) fn packed(source: Int4Source<'a>) -> Self {
        let places = (0..source.inputs()).step_by(BLOCK).map(|first| source.places(first)).collect();
        Self::Packed { source, places }
    }

    /// Number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Self::Packed { source, .. } => source.outputs(),
            Self::Blocks { encoding, bytes, inputs } => {
                bytes.len() / encoding.byte_length(&[*inputs]).expect("whole blocks")
            }
        }
    }

    /// What these rows ask of the matrix that they become part of.
    pub(crate) fn layout(&self) -> Int4Layout {
        match self {
            Self::Packed { source, .. } => Int4Layout {
                inputs: source.inputs(),
                group: source.group(),
                offset: Offset::Zero,
                columns: source.columns().map(<[u32]>::to_vec),
            },
            Self::Blocks { encoding, inputs, .. } => {
                let offset = if *encoding == Encoding::Q4_1 { Offset::Minimum } else { Offset::Zero };
                Int4Layout { inputs: *inputs, group: BLOCK, offset, columns: None }
            }
        }
    }

    /// Adds one row to a matrix of the same layout.
    ///
    /// # Errors
    /// A sentence: a scale that is NaN or infinite.
    pub(crate) fn append(&self, row: usize, matrix: &mut Int4Matrix) -> Result<(), String> {
        match self {
            Self::Packed { source, places } => {
                places.iter().for_each(|places| matrix.push(source.codes(row, places)));
                (0..source.inputs() / source.group()).try_for_each(|group| {
                    let scale =
                        source.scale(row, group).map_err(|problem| format!("row {row}, {problem}"))?;
                    let zero = source.zero(row, group);
                    matrix.scales.push(u32::from(scale.to_bits()) | u32::from(zero) << 16);
                    Ok(())
                })
            }
            Self::Blocks { encoding, bytes, inputs } => {
                let length = encoding.byte_length(&[BLOCK]).expect("one whole block");
                let row_bytes = inputs / BLOCK * length;
                let blocks = bytes[row * row_bytes..(row + 1) * row_bytes].chunks_exact(length);
                blocks.enumerate().try_for_each(|(block, bytes)| {
                    append_block(bytes, matrix).map_err(|found| {
                        format!("row {row}, block {block}: found {found}, expected a number")
                    })
                })
            }
        }
    }
}

/// Adds a block of Q4_0 (scale, codes) or Q4_1 (scale, minimum, codes): the lower nibbles of the 16 bytes of codes are
/// the first half. The error is a scale or minimum that is NaN or infinite.
fn append_block(block: &[u8], matrix: &mut Int4Matrix) -> Result<(), f16> {
    let (header, nibbles) = block.split_at(block.len() - BLOCK / 2);
    let half = |at: usize| f16::from_le_bytes([header[at], header[at + 1]]);
    let (scale, upper) = match matrix.layout.offset {
        Offset::Zero => (half(0), 8),
        Offset::Minimum => (half(0), u32::from(half(2).to_bits())),
    };
    let minimum = if matrix.layout.offset == Offset::Minimum { half(2) } else { f16::ZERO };
    if let Some(odd) = [scale, minimum].into_iter().find(|number| !number.is_finite()) {
        return Err(odd);
    }
    matrix.scales.push(u32::from(scale.to_bits()) | upper << 16);
    matrix.push(std::array::from_fn(|k| nibbles[k % 16] >> (k / 16 * 4) & 15));
    Ok(())
}
