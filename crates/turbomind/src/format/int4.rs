//! AWQ, GPTQ and compressed-tensors (pack-quantized) -> tiles: 4-bit weights `w = (q - z) s` with a scale s and a zero
//! point z per group of inputs.
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
//! GPTQ's `g_idx` gives the group of each input. Where it is not `k / g` (`desc_act`) the tiles hold the inputs group by
//! group, and the activations' columns must be taken in that order: [`Int4Source::columns`].

use std::borrow::Cow;

use half::{bf16, f16};
use internlm_model::weights::Encoding;

use super::record::word;
use crate::tile::{GROUP, TileFormat};

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
    /// F16, BF16 or F32; tiles hold f16, which is exact for F16, and for BF16 of at least 2^-17.
    pub scale_encoding: Encoding,
    /// `g_idx`, i32 `[K]`: the group of each input.
    pub input_groups: Option<Cow<'a, [u8]>>,
}

/// One matrix whose parts fit together.
#[derive(Clone, Debug)]
pub struct Int4Source<'a> {
    parts: Int4Parts<'a>,
    format: TileFormat,
    columns: Option<Vec<u32>>,
}

/// One output of a matrix of tiles.
#[derive(Clone, Copy, Debug)]
pub struct Int4Row<'a> {
    /// The matrix that the row comes from.
    pub source: &'a Int4Source<'a>,
    /// The number of the row in that matrix.
    pub row: usize,
}

/// Where a nibble is; the places of an output and of an input add up.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    word: usize,
    shift: u8,
}

impl<'a> Int4Source<'a> {
    /// Checks that the lengths and groups of the parts agree.
    ///
    /// # Errors
    /// A sentence: lengths that disagree, a group size that is not a multiple of 32, groups of unequal size.
    pub fn new(parts: Int4Parts<'a>) -> Result<Self, String> {
        let groups = check_lengths(&parts)?;
        let format = tile_format(&parts);
        let columns = match &parts.input_groups {
            Some(bytes) => columns(bytes, groups, parts.group)?,
            None => None,
        };
        Ok(Self { parts, format, columns })
    }

    /// The tiles it becomes: INT4 for groups of a multiple of 128; for smaller ones Q4_0 where all zero points are 8,
    /// else Q8_0.
    #[must_use]
    pub const fn format(&self) -> TileFormat {
        self.format
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

    /// The input at each place of the tiles; `None` when the inputs are in their usual order.
    #[must_use]
    pub fn columns(&self) -> Option<&[u32]> {
        self.columns.as_deref()
    }

    /// Whether rows of both can be part of one matrix.
    fn stacks_with(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
            || (self.format == other.format
                && self.parts.inputs == other.parts.inputs
                && self.columns == other.columns)
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

    fn zero(&self, row: usize, group: usize) -> u8 {
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

    fn scale(&self, row: usize, group: usize) -> Result<f16, String> {
        let at = match self.parts.packing {
            Packing::CompressedTensors => row * (self.parts.inputs / self.parts.group) + group,
            _ => group * self.parts.outputs + row,
        };
        let scales = &self.parts.scales;
        let found = match self.parts.scale_encoding {
            Encoding::F16 => f16::from_le_bytes([scales[2 * at], scales[2 * at + 1]]).to_f32(),
            Encoding::Bf16 => bf16::from_le_bytes([scales[2 * at], scales[2 * at + 1]]).to_f32(),
            _ => f32::from_bits(word(scales, 4 * at)),
        };
        let scale = f16::from_f32(found);
        if scale.is_finite() {
            return Ok(scale);
        }
        Err(format!("group {group}, scale: found {found}, expected a finite number of at most 65504"))
    }
}

/// Compares every part with the shapes; gives the number of groups.
fn check_lengths(parts: &Int4Parts<'_>) -> Result<usize, String> {
    let (outputs, inputs, group) = (parts.outputs, parts.inputs, parts.group);
    if outputs == 0 || inputs == 0 || group == 0 || !inputs.is_multiple_of(group) || !group.is_multiple_of(32)
    {
        return Err(format!(
            "shape: found [{outputs}, {inputs}] in groups of {group}, expected whole groups of a multiple of 32"
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

/// INT4 records hold one scale per 128 inputs. Smaller groups fit Q4_0 blocks when they are symmetric, and Q8_0 blocks,
/// which hold `q - z` exactly in twice the bytes, when they are not.
fn tile_format(parts: &Int4Parts<'_>) -> TileFormat {
    if parts.group.is_multiple_of(TileFormat::Int4.step()) {
        return TileFormat::Int4;
    }
    let eights: u32 = if parts.packing == Packing::Gptq { 0x7777_7777 } else { 0x8888_8888 };
    let zeros = parts.zeros.as_deref().unwrap_or_default();
    let symmetric = zeros.as_chunks::<4>().0.iter().all(|word| *word == eights.to_le_bytes());
    if symmetric { TileFormat::Q4_0 } else { TileFormat::Q8_0 }
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

/// Writes the tiles of a matrix with these rows, which may come from several sources, into `out`, which is zeroed and
/// [`TileFormat::matrix_bytes`] long.
///
/// # Errors
/// A sentence: sources that do not stack, rows that do not exist, NaN or infinite scales, a wrong length of `out`.
pub fn repack(rows: &[Int4Row<'_>], out: &mut [u8]) -> Result<(), String> {
    let Some(Int4Row { source: first, .. }) = rows.first() else {
        return Err("rows: found none, expected at least one".to_owned());
    };
    for (index, Int4Row { source, row }) in rows.iter().enumerate() {
        if *row >= source.parts.outputs {
            return Err(format!("row {index}: found number {row} of {} source rows", source.parts.outputs));
        }
        if !source.stacks_with(first) {
            return Err(format!(
                "row {index}: found {} tiles over {} inputs, expected {} over {} in the same order",
                source.format, source.parts.inputs, first.format, first.parts.inputs
            ));
        }
    }
    let expected = first.format.matrix_bytes(rows.len(), first.parts.inputs);
    if out.len() != expected {
        return Err(format!("tiles: found a buffer of {} bytes, expected {expected}", out.len()));
    }
    let group_bytes = first.format.group_bytes(first.parts.inputs);
    for (index, (rows, out)) in rows.chunks(GROUP).zip(out.chunks_exact_mut(group_bytes)).enumerate() {
        let group = column_group(rows, out);
        group.map_err(|(row, problem)| format!("row {}, {problem}", GROUP * index + row))?;
    }
    Ok(())
}

/// One column group; an error names the row inside of it.
fn column_group(rows: &[Int4Row<'_>], out: &mut [u8]) -> Result<(), (usize, String)> {
    let format = rows[0].source.format;
    for (index, record) in out.chunks_exact_mut(format.record_bytes()).enumerate() {
        let first = index * format.step();
        if format == TileFormat::Int4 {
            let (header, payload) = record.split_at_mut(48);
            put_scales(rows, first, header)?;
            for (n, Int4Row { source, row }) in rows.iter().enumerate() {
                header[32 + n] = source.zero(*row, first / source.parts.group);
            }
            for (block, payload) in payload.as_chunks_mut::<256>().0.iter_mut().enumerate() {
                put_nibbles(rows, first + 32 * block, payload);
            }
        } else {
            let (payload, scales) = record.split_at_mut(format.record_bytes() - 2 * GROUP);
            put_scales(rows, first, scales)?;
            match format {
                TileFormat::Q8_0 => put_differences(rows, first, payload),
                _ => put_nibbles(rows, first, payload),
            }
        }
    }
    Ok(())
}

/// The scales of all rows at place `first`; an error names the row.
fn put_scales(rows: &[Int4Row<'_>], first: usize, out: &mut [u8]) -> Result<(), (usize, String)> {
    for (n, Int4Row { source, row }) in rows.iter().enumerate() {
        let scale = source.scale(*row, first / source.parts.group).map_err(|problem| (n, problem))?;
        out[2 * n..2 * n + 2].copy_from_slice(&scale.to_le_bytes());
    }
    Ok(())
}

/// The payload of a block of 4 bits: the weights of places `first .. first + 32` of up to 16 rows.
fn put_nibbles(rows: &[Int4Row<'_>], first: usize, payload: &mut [u8]) {
    each_block(rows, first, |n, weights| {
        for t in 0..16 {
            payload[64 * (t / 4) + 4 * n + t % 4] = weights[t] | weights[t + 16] << 4;
        }
    });
}

/// The payload of a Q8_0 block: `q - z + 128` of the same places, which belong to one group.
fn put_differences(rows: &[Int4Row<'_>], first: usize, payload: &mut [u8]) {
    each_block(rows, first, |n, weights| {
        let Int4Row { source, row } = rows[n];
        let zero = source.zero(row, first / source.parts.group);
        for (t, weight) in weights.into_iter().enumerate() {
            payload[64 * (t / 4) + 4 * n + t % 4] = 128 + weight - zero;
        }
    });
}

/// Gives `put` the number of each row and its weights `q` at places `first .. first + 32`.
fn each_block(rows: &[Int4Row<'_>], first: usize, mut put: impl FnMut(usize, [u8; 32])) {
    let columns = rows[0].source.columns.as_deref();
    let inputs: [usize; 32] =
        std::array::from_fn(|k| columns.map_or(first + k, |columns| columns[first + k] as usize));
    let mut before = rows[0].source;
    let mut places = inputs.map(|input| before.place_of_input(input));
    for (n, Int4Row { source, row }) in rows.iter().enumerate() {
        if !std::ptr::eq(*source, before) {
            before = source;
            places = inputs.map(|input| source.place_of_input(input));
        }
        let output = source.place_of_output(*row);
        let weights = &source.parts.weights[4 * output.word..];
        let nibble = |input: Place| word(weights, 4 * input.word) >> (output.shift + input.shift) & 15;
        put(n, places.map(|place| nibble(place) as u8));
    }
}

#[cfg(test)]
pub(super) mod tests;
