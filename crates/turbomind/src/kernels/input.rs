//! [`Input`]: the rows that matrices are multiplied with, quantized, as floats, or both.

use std::cell::UnsafeCell;
use std::ops::Range;

use super::Shared;
use crate::Result;
use crate::model::Model;
use crate::panel::{BlockScale, Panel};
use crate::pool::Member;
use crate::simd::Isa;
use crate::simd::vector::{self, BlockSums};

/// Up to this many rows every member prepares all of them for itself, which is cheaper than waiting for each other.
const PRIVATE_ROWS: usize = 2;
/// Rows of one chunk.
const CHUNK_ROWS: usize = 4;

/// What the consumers of an input read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Needs {
    /// 8-bit blocks.
    pub(crate) blocks: bool,
    /// Floats.
    pub(crate) floats: bool,
    /// Sums of the blocks.
    pub(crate) sums: BlockSums,
}

impl Needs {
    /// What either reads.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            blocks: self.blocks || other.blocks,
            floats: self.floats || other.floats,
            sums: if self.sums == BlockSums::Whole { other.sums } else { self.sums },
        }
    }
}

/// Rows of activations.
#[derive(Debug, Default)]
pub(crate) struct Input {
    needs: Needs,
    inputs: usize,
    panel: UnsafeCell<Panel>,
    floats: Shared<f32>,
}

// SAFETY: parts are written through `&self` only by the unsafe methods, which demand disjointness between threads.
unsafe impl Sync for Input {}

impl Input {
    /// Takes the shape of a pass: `[rows, inputs]`.
    pub(crate) fn reshape(&mut self, rows: usize, inputs: usize, needs: Needs) {
        (self.needs, self.inputs) = (needs, inputs);
        self.panel.get_mut().reshape(rows, if needs.blocks { inputs / 32 } else { 0 });
        self.floats.reserve(if needs.floats { rows * inputs } else { 0 });
    }

    /// Bytes it holds.
    pub(crate) fn bytes(&mut self) -> usize {
        self.panel.get_mut().bytes() + size_of_val(self.floats.get_mut())
    }

    /// The quantized rows, once they are filled.
    pub(crate) fn panel(&self) -> &Panel {
        // SAFETY: whoever fills promises that nobody reads meanwhile.
        unsafe { &*self.panel.get() }
    }

    /// Some rows as floats, `[rows, inputs]`, once they are filled.
    pub(crate) fn floats(&self, rows: Range<usize>) -> &[f32] {
        // SAFETY: whoever fills promises that nobody reads meanwhile.
        unsafe { self.floats.read(rows.start * self.inputs..rows.end * self.inputs) }
    }

    /// Fills columns `first..first + x.len()` of a row; whole blocks of 32 where blocks are needed.
    ///
    /// # Safety
    /// No other thread reads or writes these columns of the row meanwhile; they are read in later phases only.
    pub(crate) unsafe fn set(&self, isa: Isa, row: usize, first: usize, x: &[f32]) {
        if self.needs.floats {
            let start = row * self.inputs + first;
            // SAFETY: by the caller's promise.
            unsafe { self.floats.write(start..start + x.len()) }.copy_from_slice(x);
        }
        if self.needs.blocks {
            vector::quantize(isa, self.needs.sums, x.as_chunks::<32>().0, |index, values, scale| {
                // SAFETY: by the caller's promise.
                unsafe { self.set_block((first / 32 + index, row), values, scale) };
            });
        }
    }

    /// Whether the blocks of the product of two column groups can be written as they come.
    pub(crate) fn only_blocks(&self) -> Option<BlockSums> {
        (self.needs.blocks && !self.needs.floats && self.inputs.is_multiple_of(32)).then_some(self.needs.sums)
    }

    /// Puts one quantized block of a row into its place.
    ///
    /// # Safety
    /// As [`Input::set`].
    pub(crate) unsafe fn set_block(&self, (block, row): (usize, usize), values: [i8; 32], scale: BlockScale) {
        // SAFETY: the vectors themselves change only through `&mut self`.
        let panel = unsafe { &*self.panel.get() };
        let place = block * panel.rows + row;
        assert!(row < panel.rows && place < panel.scales.len(), "a block of the panel");
        // SAFETY: in bounds by the line above, as there are 32 values for each scale; nobody else touches the block,
        // by the caller's promise.
        unsafe {
            *panel.values.as_ptr().cast_mut().cast::<[i8; 32]>().add(place) = values;
            *panel.scales.as_ptr().cast_mut().add(place) = scale;
        }
    }
}

/// One input for all members together, and one for each alone.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    together: Input,
    alone: Vec<Input>,
}

impl Inputs {
    /// Takes the shape of a pass.
    pub(crate) fn reshape(&mut self, threads: usize, shape: [usize; 2], needs: Needs) {
        let [rows, inputs] = shape;
        self.together.reshape(rows, inputs, needs);
        self.alone.resize_with(threads, Input::default);
        for input in &mut self.alone {
            input.reshape(rows.min(PRIVATE_ROWS), inputs, needs);
        }
    }

    /// The one that all members fill together.
    pub(crate) fn together(&self) -> &Input {
        &self.together
    }

    /// Bytes they hold.
    pub(crate) fn bytes(&mut self) -> usize {
        self.together.bytes() + self.alone.iter_mut().map(Input::bytes).sum::<usize>()
    }
}

/// Fills an input with `rows` rows, each given by `fill(row, set)`.
///
/// # Errors
/// A member panicked.
fn filled<'a>(
    member: &Member<'_>,
    inputs: &'a Inputs,
    rows: usize,
    fill: impl Fn(usize, &Input),
) -> Result<&'a Input> {
    if rows <= PRIVATE_ROWS {
        let input = &inputs.alone[member.index()];
        (0..rows).for_each(|row| fill(row, input));
        return Ok(input);
    }
    member.phase(rows.div_ceil(CHUNK_ROWS), |chunk| {
        for row in chunk * CHUNK_ROWS..((chunk + 1) * CHUNK_ROWS).min(rows) {
            fill(row, &inputs.together);
        }
    })?;
    Ok(&inputs.together)
}

/// Room for rows that change on their way into an input.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) isa: Isa,
    /// Two rows for each member, `each` long.
    pub(crate) room: &'a Shared<f32>,
    pub(crate) each: usize,
    /// Which column stands at each place, when they do not stand in order.
    pub(crate) columns: Option<&'a [u32]>,
}

impl Rows<'_> {
    /// Puts a row into an input, its columns in order.
    ///
    /// # Safety
    /// As [`Input::set`]; the member holds no slice of its second row.
    unsafe fn set(&self, member: &Member<'_>, input: &Input, row: usize, x: &[f32]) {
        let Some(columns) = self.columns else {
            // SAFETY: by the caller's promise.
            unsafe { input.set(self.isa, row, 0, x) };
            return;
        };
        let start = (2 * member.index() + 1) * self.each;
        // SAFETY: the second row of this member; the rest by the caller's promise.
        unsafe {
            let moved = self.room.write(start..start + x.len());
            moved.iter_mut().zip(columns).for_each(|(to, column)| *to = x[*column as usize]);
            input.set(self.isa, row, 0, moved);
        }
    }
}

/// `source` as an input.
///
/// # Shapes
/// - `source`: `[rows, width]`
pub(crate) fn prepare<'a>(
    member: &Member<'_>,
    way: Rows<'_>,
    source: &Shared<f32>,
    inputs: &'a Inputs,
    [rows, width]: [usize; 2],
) -> Result<&'a Input> {
    filled(member, inputs, rows, |row, input| {
        // SAFETY: `source` was written in an earlier phase; a row of `input` is filled by one member, its own input
        // or one whose chunk it claimed.
        unsafe { way.set(member, input, row, source.read(row * width..(row + 1) * width)) }
    })
}

/// A norm over rows.
pub(crate) struct Normalization<'a> {
    pub(crate) weight: &'a [f32],
    pub(crate) eps: f32,
    pub(crate) way: Rows<'a>,
}

/// The RMS norm of `rows` rows of `source` as an input; row i is row `pick(i)` of `source`, and `report(i)` is called
/// when it holds NaN or infinity.
pub(crate) fn prepare_normalized<'a>(
    member: &Member<'_>,
    norm: &Normalization<'_>,
    source: &Shared<f32>,
    inputs: &'a Inputs,
    rows: usize,
    (pick, report): (impl Fn(usize) -> usize, impl Fn(usize)),
) -> Result<&'a Input> {
    let width = norm.weight.len();
    let room = 2 * member.index() * norm.way.each;
    filled(member, inputs, rows, |row, input| {
        let from = pick(row) * width;
        // SAFETY: `source` was written in an earlier phase; the room is this member's; a row of `input` is filled by
        // one member.
        unsafe {
            let (x, out) = (source.read(from..from + width), norm.way.room.write(room..room + width));
            if !vector::rms_norm(norm.way.isa, x, norm.weight, norm.eps, out).is_finite() {
                report(row);
            }
            norm.way.set(member, input, row, out);
        }
    })
}

/// Embeddings of `tokens` into `x`.
///
/// # Shapes
/// - `x`: `[tokens, hidden]`
pub(crate) fn embed(member: &Member<'_>, model: &Model, tokens: &[u32], x: &Shared<f32>) -> Result<()> {
    let width = model.config.hidden;
    member.phase(tokens.len(), |row| {
        // SAFETY: a chunk is one row, claimed once.
        let out = unsafe { x.write(row * width..(row + 1) * width) };
        model.embedding.row(tokens[row] as usize, out);
    })
}
