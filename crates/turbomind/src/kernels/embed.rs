//! [`embed`]: the first phase of a pass, ids to rows.

use crate::Result;
use crate::pool::{Member, Shared};
use crate::tile::Matrix;

/// Writes the embeddings of `tokens` into `x`, dequantized on the way.
///
/// # Shapes
/// - `x`: `[tokens, hidden]`
pub(crate) fn embed(member: &Member<'_>, embedding: &Matrix, tokens: &[u32], x: &Shared<f32>) -> Result<()> {
    let width = embedding.inputs;
    member.phase(tokens.len(), |row| {
        // SAFETY: a chunk is one row, claimed once.
        let out = unsafe { x.write(row * width..(row + 1) * width) };
        embedding.row(tokens[row] as usize, out);
    })
}
