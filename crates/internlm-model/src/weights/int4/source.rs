//! AWQ, GPTQ and compressed-tensors (pack-quantized): 4-bit weights `w = (q - z) s` with a scale s and a zero point z per
//! group of inputs.
//!
//! All are little-endian i32 words of eight nibbles, nibble i = bits `4 i .. 4 i + 4`; K inputs, N outputs, groups of g:
//!
//! | packing | weights | zero points | scales |
//! |---|---|---|---|
//! | AWQ (gemm) | `[K, N / 8]`, nibble i of word c = output `8 c + [0, 2, 4, 6, 1, 3, 5, 7][i]` | `[K / g, N / 8]`, same order | `[K / g, N]` |
//! | GPTQ | `[K / 8, N]`, nibble i of word r = input `8 r + i` | `[K / g, N / 8]`, nibble i of word c = output `8 c + i`, z - 1 | `[K / g, N]` |
//! | GPTQ v2 | same | same, z itself | `[K / g, N]` |
//! | compressed-tensors | `[N, K / 8]`, nibble i of word c = input `8 c + i` | `[N / 8, K / g]`, nibble i of word c = output `8 c + i`; absent: 8 | `[N, K / g]` |
//!
//! GPTQ's `g_idx` gives the group of each input. Where it is not `k / g` (`desc_act`) codes are read group by group, and
//! the activations' columns must be taken in that order: [`Int4Source::columns`].

use std::borrow::Cow;

use half::{bf16, f16};
use rayon::prelude::*;

use crate::weights::Encoding;

/// Consecutive places of inputs that are read at once; groups are whole numbers of them.
pub const BLOCK: usize = 32;
/// The nibble of AWQ's word that holds output `8 c + index`.
const AWQ_NIBBLES: [u8; 8] = [0, 4, 1, 5, 2, 6, 3, 7];

/// How a quantizer lays out its nibbles; the table is above.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Packing {
    /// AutoAWQ's files, version `gemm`.
    Awq,
    /// AutoGPTQ's files with `checkpoint_format` `gptq`.
    Gptq,
    /// AutoGPTQ's files with `checkpoint_format` `gptq_v2`.
    GptqV2,
    /// Files of compressed-tensors, format `pack-quantized`.
    CompressedTensors,
}

/// One matrix as its file stores it.
#[derive(Clone, Debug)]
pub struct Int4Parts<'a> {
    /// How the nibbles are laid out.
    pub packing: Packing,
    /// Number of outputs, N.
    pub outputs: usize,
    /// Number of inputs, K.
    pub inputs: usize,
    /// Inputs per group, g.
    pub group: usize,
    /// The packed weights, as the table says.
    pub weights: Cow<'a, [u8]>,
    /// The packed zero points; `None` means 8 everywhere.
    pub zeros: Option<Cow<'a, [u8]>>,
    /// The scales, in `scale_encoding`.
    pub scales: Cow<'a, [u8]>,
    /// F16, BF16 or F32. As a half a scale is exact for F16, and for BF16 of at least 2^-17.
    pub scale_encoding: Encoding,
    /// `g_idx`, i32 `[K]`: the group of each input.
    pub input_groups: Option<Cow<'a, [u8]>>,
}

/// One matrix whose parts fit together.
#[derive(Clone, Debug)]
pub struct Int4Source<'a> {
    parts: Int4Parts<'a>,
    symmetric: bool,
    columns: Option<Vec<u32>>,
}

/// Where a nibble is; the places of an output and of an input add up.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    word: usize,
    shift: u8,
}

/// Where the codes of [`BLOCK`] inputs are, for any output.
#[derive(Clone, Copy, Debug)]
pub struct InputPlaces([Place; BLOCK]);

impl<'a> Int4Source<'a> {
    /// Checks that the lengths and groups of the parts agree.
    ///
    /// # Errors
    /// A sentence: lengths that disagree, a group size that is not a multiple of 32, groups of unequal size.
    pub fn new(parts: Int4Parts<'a>) -> Result<Self, String> {
        let groups = check_lengths(&parts)?;
        let symmetric = is_symmetric(&parts);
        let columns = match &parts.input_groups {
            Some(bytes) => columns(bytes, groups, parts.group)?,
            None => None,
        };
        Ok(Self { parts, symmetric, columns })
    }

    /// Number of outputs, N.
    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.parts.outputs
    }

    /// Number of inputs, K.
    #[must_use]
    pub const fn inputs(&self) -> usize {
        self.parts.inputs
    }

    /// Inputs per group, g.
    #[must_use]
    pub const fn group(&self) -> usize {
        self.parts.group
    }

    /// Whether all zero points are 8.
    #[must_use]
    pub const fn is_symmetric(&self) -> bool {
        self.symmetric
    }

    /// The input at each place; `None` when the inputs are in their usual order.
    #[must_use]
    pub fn columns(&self) -> Option<&[u32]> {
        self.columns.as_deref()
    }

    /// Where the codes of places `first .. first + BLOCK` are.
    #[must_use]
    pub fn places(&self, first: usize) -> InputPlaces {
        let input = |place| self.columns.as_ref().map_or(place, |columns| columns[place] as usize);
        InputPlaces(std::array::from_fn(|k| self.place_of_input(input(first + k))))
    }

    /// The codes q of one output.
    #[must_use]
    pub fn codes(&self, row: usize, places: &InputPlaces) -> [u8; BLOCK] {
        let output = self.place_of_output(row);
        let weights = &self.parts.weights[4 * output.word..];
        places.0.map(|input| (word(weights, 4 * input.word) >> (output.shift + input.shift) & 15) as u8)
    }

    /// The zero point z of a group of one output, 0 to 16.
    #[must_use]
    pub fn zero(&self, row: usize, group: usize) -> u8 {
        let Some(zeros) = &self.parts.zeros else { return 8 };
        let (at, nibble) = match self.parts.packing {
            Packing::Awq => (group * (self.parts.outputs / 8) + row / 8, AWQ_NIBBLES[row % 8]),
            Packing::Gptq | Packing::GptqV2 => (group * (self.parts.outputs / 8) + row / 8, (row % 8) as u8),
            Packing::CompressedTensors => {
                (row / 8 * (self.parts.inputs / self.parts.group) + group, (row % 8) as u8)
            }
        };
        let stored = (word(zeros, 4 * at) >> (4 * nibble) & 15) as u8;
        stored + u8::from(self.parts.packing == Packing::Gptq)
    }

    /// The scale s of a group of one output, rounded to a half.
    ///
    /// # Errors
    /// A sentence: a scale that is NaN or beyond the range of halves.
    pub fn scale(&self, row: usize, group: usize) -> Result<f16, String> {
        let found = self.stored_scale(row, group);
        let scale = f16::from_f32(found);
        if scale.is_finite() {
            return Ok(scale);
        }
        Err(format!("group {group}, scale: found {found}, expected a finite number of at most 65504"))
    }

    /// Whether halves hold all scales.
    #[must_use]
    pub fn has_half_scales(&self) -> bool {
        let groups = self.parts.inputs / self.parts.group;
        self.parts.scale_encoding == Encoding::F16
            || (0..self.parts.outputs * groups).all(|at| {
                let scale = self.stored_scale(at / groups, at % groups);
                f16::from_f32(scale).to_f32() == scale
            })
    }

    /// The weights `(q - z) s`, `[out, in]`, inputs in their usual order; exact but for scales in f32, of which the product
    /// is rounded.
    ///
    /// # Errors
    /// The number of an output, and a sentence: a scale that is NaN or infinite.
    pub fn dequantize(&self) -> Result<Vec<f32>, (usize, String)> {
        let Int4Parts { outputs, inputs, group, .. } = self.parts;
        let places: Vec<InputPlaces> = (0..inputs).step_by(BLOCK).map(|first| self.places(first)).collect();
        let mut weights = vec![0.0; outputs * inputs];
        weights.par_chunks_exact_mut(inputs).enumerate().try_for_each(|(row, weights)| {
            for (block, places) in places.iter().enumerate() {
                let (first, group) = (block * BLOCK, block * BLOCK / group);
                let (scale, zero) = (self.stored_scale(row, group), f32::from(self.zero(row, group)));
                if !scale.is_finite() {
                    return Err((
                        row,
                        format!("group {group}, scale: found {scale}, expected a finite number"),
                    ));
                }
                for (place, code) in (first..).zip(self.codes(row, places)) {
                    let input = self.columns.as_ref().map_or(place, |columns| columns[place] as usize);
                    weights[input] = (f32::from(code) - zero) * scale;
                }
            }
            Ok(())
        })?;
        Ok(weights)
    }

    /// The scale as the file has it.
    fn stored_scale(&self, row: usize, group: usize) -> f32 {
        let at = match self.parts.packing {
            Packing::CompressedTensors => row * (self.parts.inputs / self.parts.group) + group,
            _ => group * self.parts.outputs + row,
        };
        let scales = &self.parts.scales;
        match self.parts.scale_encoding {
            Encoding::F16 => f16::from_le_bytes([scales[2 * at], scales[2 * at + 1]]).to_f32(),
            Encoding::Bf16 => bf16::from_le_bytes([scales[2 * at], scales[2 * at + 1]]).to_f32(),
            _ => f32::from_bits(word(scales, 4 * at)),
        }
    }

    fn place_of_output(&self, row: usize) -> Place {
        match self.parts.packing {
            Packing::Awq => Place { word: row / 8, shift: 4 * AWQ_NIBBLES[row % 8] },
            Packing::Gptq | Packing::GptqV2 => Place { word: row, shift: 0 },
            Packing::CompressedTensors => Place { word: row * (self.parts.inputs / 8), shift: 0 },
        }
    }

    fn place_of_input(&self, input: usize) -> Place {
        let shift = 4 * (input % 8) as u8;
        match self.parts.packing {
            Packing::Awq => Place { word: input * (self.parts.outputs / 8), shift: 0 },
            Packing::Gptq | Packing::GptqV2 => Place { word: input / 8 * self.parts.outputs, shift },
            Packing::CompressedTensors => Place { word: input / 8, shift },
        }
    }
}

/// The little-endian word at a byte.
pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Compares every part with the shapes; gives the number of groups.
fn check_lengths(parts: &Int4Parts<'_>) -> Result<usize, String> {
    let (outputs, inputs, group) = (parts.outputs, parts.inputs, parts.group);
    let whole = group > 0 && inputs.is_multiple_of(group) && group.is_multiple_of(BLOCK);
    if outputs == 0 || inputs == 0 || !whole {
        return Err(format!(
            "shape: found [{outputs}, {inputs}] in groups of {group}, expected whole groups of a multiple of {BLOCK}"
        ));
    }
    if parts.packing != Packing::CompressedTensors && !outputs.is_multiple_of(8) {
        return Err(format!("outputs: found {outputs}, expected a multiple of 8"));
    }
    let size = match parts.scale_encoding {
        Encoding::F16 | Encoding::Bf16 => 2,
        Encoding::F32 => 4,
        other => return Err(format!("scales: found {other}, expected F16, BF16 or F32")),
    };
    let groups = inputs / group;
    let words = |count: Option<usize>| count.and_then(|count| count.checked_mul(4));
    let lengths = [
        ("weights", Some(&parts.weights), words(outputs.checked_mul(inputs / 8))),
        ("zero points", parts.zeros.as_ref(), words(outputs.div_ceil(8).checked_mul(groups))),
        (
            "scales",
            Some(&parts.scales),
            outputs.checked_mul(groups).and_then(|count| count.checked_mul(size)),
        ),
        ("g_idx", parts.input_groups.as_ref(), words(Some(inputs))),
    ];
    for (name, found, expected) in lengths {
        if let Some(found) = found.map(|bytes| bytes.len()).filter(|length| Some(*length) != expected) {
            let expected = expected.map_or_else(|| "less".to_owned(), |length| length.to_string());
            return Err(format!("{name}: found {found} bytes, expected {expected}"));
        }
    }
    Ok(groups)
}

/// Whether every stored zero point stands for 8.
fn is_symmetric(parts: &Int4Parts<'_>) -> bool {
    let eights: u32 = if parts.packing == Packing::Gptq { 0x7777_7777 } else { 0x8888_8888 };
    let zeros = parts.zeros.as_deref().unwrap_or_default();
    zeros.as_chunks::<4>().0.iter().all(|word| *word == eights.to_le_bytes())
}

/// The inputs group by group, in rising order inside of a group; `None` when that is the order they have.
fn columns(input_groups: &[u8], groups: usize, group: usize) -> Result<Option<Vec<u32>>, String> {
    let input_groups: Vec<i32> =
        input_groups.as_chunks::<4>().0.iter().map(|raw| i32::from_le_bytes(*raw)).collect();
    let inputs =
        u32::try_from(input_groups.len()).map_err(|_| "g_idx: more inputs than u32 counts".to_owned())?;
    let mut order: Vec<u32> = (0..inputs).collect();
    order.sort_by_key(|input| input_groups[*input as usize]);
    for (place, input) in order.iter().enumerate() {
        let (found, expected) = (input_groups[*input as usize], place / group);
        if usize::try_from(found) != Ok(expected) {
            return Err(format!(
                "g_idx of input {input}: found group {found}, expected {groups} groups of {group} inputs each"
            ));
        }
    }
    let sorted = order.iter().enumerate().all(|(place, input)| place == *input as usize);
    Ok((!sorted).then_some(order))
}
