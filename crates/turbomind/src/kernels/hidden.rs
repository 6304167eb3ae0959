//! The hidden states of a pass: rows after the final norm, as floats.

use super::Normalization;
use crate::Result;
use crate::pool::{Member, Shared};
use crate::simd::vector;

/// Writes the RMS norm of the rows `norm.rows` of `source`; `norm.report` is told which of them hold NaN or infinity.
///
/// The rows keep the order of the model's columns and all bits of a float, whatever the output matrix reads.
///
/// # Shapes
/// - `source`: `[tokens, hidden]`
/// - `out`: `[rows, hidden]`
pub(crate) fn hidden_states(
    member: &Member<'_>,
    norm: &Normalization<'_>,
    source: &Shared<f32>,
    out: &Shared<f32>,
) -> Result<()> {
    let (rows, width) = (norm.rows.unwrap_or_default(), norm.weight.len());
    member.phase(rows.len(), |row| {
        let from = rows[row] * width;
        // SAFETY: `source` was written in an earlier phase; a chunk is one row of `out`, claimed once.
        let (x, out) =
            unsafe { (source.read(from..from + width), out.write(row * width..(row + 1) * width)) };
        if !vector::rms_norm(norm.order.isa, x, norm.weight, norm.eps, out).is_finite() {
            (norm.report)(rows[row]);
        }
    })
}
