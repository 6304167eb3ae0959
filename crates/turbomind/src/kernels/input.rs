//! [`Input`]: the rows that matrices are multiplied with, quantized, as floats, or both; and how they are filled.

use std::cell::UnsafeCell;
use std::ops::Range;

use crate::Result;
use crate::panel::Panel;
use crate::pool::{Member, Shared};
use crate::simd::{BlockSums, Isa, QuantizedBlock, quantize, vector};

/// Up to this many rows every member prepares all of them for itself, which is cheaper than waiting for each other.
const PRIVATE_ROWS: usize = 2;
/// Number of rows of one chunk.
const CHUNK_ROWS: usize = 4;

/// Which forms of an input its consumers read; the others are not computed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Needs {
    /// Whether any reads 8-bit blocks.
    pub(crate) blocks: bool,
    /// Whether any reads floats.
    pub(crate) floats: bool,
    /// Which sums of the blocks are read.
    pub(crate) sums: BlockSums,
}

impl Needs {
    /// The needs of two consumers together.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            blocks: self.blocks || other.blocks,
            floats: self.floats || other.floats,
            sums: if self.sums == BlockSums::Whole { other.sums } else { self.sums },
        }
    }
}

/// Rows of activations in the forms that their consumers read.
#[derive(Debug, Default)]
pub(crate) struct Input {
    needs: Needs,
    rows: usize,
    inputs: usize,
    panel: UnsafeCell<Panel>,
    floats: Shared<f32>,
}

// SAFETY: parts are written through `&self` only by the unsafe methods, which demand disjointness between threads.
unsafe impl Sync for Input {}

impl Input {
    /// Changes the shape to that of a pass, `[rows, inputs]`, and keeps the memory.
    pub(crate) fn reshape(&mut self, rows: usize, inputs: usize, needs: Needs) {
        (self.needs, self.rows, self.inputs) = (needs, rows, inputs);
        self.panel.get_mut().reshape(rows, if needs.blocks { inputs / 32 } else { 0 });
        self.floats.reserve(if needs.floats { rows * inputs } else { 0 });
    }

    /// Number of rows of the pass.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of memory in use.
    pub(crate) fn bytes(&mut self) -> usize {
        self.panel.get_mut().bytes() + size_of_val(self.floats.get_mut())
    }

    /// The quantized rows, once they are filled.
    pub(crate) fn panel(&self) -> &Panel {
        // SAFETY: whoever fills the input promises that nobody reads meanwhile.
        unsafe { &*self.panel.get() }
    }

    /// Some rows as floats, `[rows, inputs]`, once they are filled.
    pub(crate) fn floats(&self, rows: Range<usize>) -> &[f32] {
        // SAFETY: whoever fills the input promises that nobody reads meanwhile.
        unsafe { self.floats.read(rows.start * self.inputs..rows.end * self.inputs) }
    }

    /// Fills columns `first..first + x.len()` of a row, which are whole blocks of 32 where blocks are needed.
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
            quantize(isa, self.needs.sums, x.as_chunks::<32>().0, |index, block| {
                // SAFETY: by the caller's promise.
                unsafe { self.set_block(first / 32 + index, row, block) };
            });
        }
    }

    /// The sums to compute when the products of two column groups can be written as finished blocks; else `None`.
    pub(crate) fn only_blocks(&self) -> Option<BlockSums> {
        (self.needs.blocks && !self.needs.floats && self.inputs.is_multiple_of(32)).then_some(self.needs.sums)
    }

    /// Puts one quantized block of a row into its place.
    ///
    /// # Safety
    /// As [`Input::set`].
    pub(crate) unsafe fn set_block(&self, block: usize, row: usize, quantized: QuantizedBlock) {
        // SAFETY: the vectors themselves change only through `&mut self`.
        let panel = unsafe { &*self.panel.get() };
        let place = block * panel.rows + row;
        assert!(row < panel.rows && place < panel.scales.len(), "a block of the panel");
        // SAFETY: in bounds by the line above, as there are 32 values for each scale; nobody else touches the block,
        // by the caller's promise.
        unsafe {
            *panel.values.as_ptr().cast_mut().cast::<[i8; 32]>().add(place) = quantized.values;
            *panel.scales.as_ptr().cast_mut().add(place) = quantized.scale;
        }
    }
}

/// One input that all members fill together, and a private one for each member.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    together: Input,
    private: Vec<Input>,
}

impl Inputs {
    /// Changes the shape to that of a pass, `[rows, inputs]`, on `threads` members.
    pub(crate) fn reshape(&mut self, threads: usize, rows: usize, inputs: usize, needs: Needs) {
        self.together.reshape(rows, inputs, needs);
        self.private.resize_with(threads, Input::default);
        for input in &mut self.private {
            input.reshape(rows.min(PRIVATE_ROWS), inputs, needs);
        }
    }

    /// The input that all members fill together.
    pub(crate) fn together(&self) -> &Input {
        &self.together
    }

    /// Bytes of memory in use.
    pub(crate) fn bytes(&mut self) -> usize {
        self.together.bytes() + self.private.iter_mut().map(Input::bytes).sum::<usize>()
    }

    /// Fills an input row by row with `fill(row, input)`: the private one of the member for few rows, else the common
    /// one, in a phase.
    fn filled(&self, member: &Member<'_>, fill: impl Fn(usize, &Input)) -> Result<&Input> {
        let rows = self.together.rows;
        if rows <= PRIVATE_ROWS {
            let input = &self.private[member.index()];
            (0..rows).for_each(|row| fill(row, input));
            return Ok(input);
        }
        member.phase(rows.div_ceil(CHUNK_ROWS), |chunk| {
            for row in chunk * CHUNK_ROWS..((chunk + 1) * CHUNK_ROWS).min(rows) {
                fill(row, &self.together);
            }
        })?;
        Ok(&self.together)
    }

    /// Fills the input with the rows of `source`.
    ///
    /// # Shapes
    /// - `source`: `[rows, inputs]`
    pub(crate) fn prepare(
        &self,
        member: &Member<'_>,
        order: Reordering<'_>,
        source: &Shared<f32>,
    ) -> Result<&Input> {
        let width = self.together.inputs;
        self.filled(member, |row, input| {
            // SAFETY: `source` was written in an earlier phase; a row of `input` is filled by one member, in its
            // private input or in a chunk that it claimed.
            unsafe { order.set(member, input, row, source.read(row * width..(row + 1) * width)) }
        })
    }

    /// Fills the input with the RMS norm of rows of `source`; `norm.report` is told which of them hold NaN or infinity.
    pub(crate) fn prepare_normalized(
        &self,
        member: &Member<'_>,
        norm: &Normalization<'_>,
        source: &Shared<f32>,
    ) -> Result<&Input> {
        let (order, width) = (norm.order, norm.weight.len());
        let start = 2 * member.index() * order.each;
        self.filled(member, |row, input| {
            let picked = norm.rows.map_or(row, |rows| rows[row]);
            let from = picked * width;
            // SAFETY: `source` was written in an earlier phase; the buffer's first row is this member's; a row of
            // `input` is filled by one member.
            unsafe {
                let (x, out) = (source.read(from..from + width), order.buffer.write(start..start + width));
                if !vector::rms_norm(order.isa, x, norm.weight, norm.eps, out).is_finite() {
                    (norm.report)(picked);
                }
                order.set(member, input, row, out);
            }
        })
    }
}

/// How rows enter an input: the order of their columns, and a buffer to reorder them in.
#[derive(Clone, Copy)]
pub(crate) struct Reordering<'a> {
    pub(crate) isa: Isa,
    /// Two rows for each member, `each` long.
    pub(crate) buffer: &'a Shared<f32>,
    pub(crate) each: usize,
    /// The column at each place, when the columns are not in their usual order (GPTQ's `desc_act`).
    pub(crate) columns: Option<&'a [u32]>,
}

impl Reordering<'_> {
    /// Puts a row into an input, its columns in order.
    ///
    /// # Safety
    /// As [`Input::set`]; the member holds no slice of its second row of the buffer.
    unsafe fn set(&self, member: &Member<'_>, input: &Input, row: usize, x: &[f32]) {
        let Some(columns) = self.columns else {
            // SAFETY: by the caller's promise.
            unsafe { input.set(self.isa, row, 0, x) };
            return;
        };
        let start = (2 * member.index() + 1) * self.each;
        // SAFETY: the second row of this member; the rest by the caller's promise.
        unsafe {
            let moved = self.buffer.write(start..start + x.len());
            moved.iter_mut().zip(columns).for_each(|(to, column)| *to = x[*column as usize]);
            input.set(self.isa, row, 0, moved);
        }
    }
}

/// An RMS norm over rows.
pub(crate) struct Normalization<'a> {
    pub(crate) weight: &'a [f32],
    pub(crate) eps: f32,
    pub(crate) order: Reordering<'a>,
    /// The row of the source that becomes row i, when it is not row i itself.
    pub(crate) rows: Option<&'a [usize]>,
    /// Is told every row of the source that is not finite.
    pub(crate) report: &'a dyn Fn(usize),
}
