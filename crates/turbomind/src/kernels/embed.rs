//! [`embed`]: the first phase of a pass, ids to rows.

use crate::Result;
use crate::pool::{Member, Shared};
use crate::simd::scalar;
use crate::tile::{GROUP, Matrix};

/// Writes the embeddings of `tokens` into `x`, dequantized on the way.
///
/// # Shapes
/// - `x`: `[tokens, hidden]`
pub(crate) fn embed(member: &Member<'_>, embedding: &Matrix, tokens: &[u32], x: &Shared<f32>) -> Result<()> {
    let width = embedding.inputs;
    member.phase(tokens.len(), |row| {
        // SAFETY: a chunk is one row, claimed once.
        let out = unsafe { x.write(row * width..(row + 1) * width) };
        dequantize_row(embedding, tokens[row] as usize, out);
    })
}

/// Dequantizes the weights of one output, exactly.
///
/// # Shapes
/// - `out`: `[inputs]`
fn dequantize_row(matrix: &Matrix, output: usize, out: &mut [f32]) {
    let (format, group) = (matrix.format, output / GROUP);
    let mut weights = [[0.0; GROUP]; 256];
    let weights = &mut weights[..format.step()];
    let records = matrix.group_tiles(group..group + 1).chunks_exact(format.record_bytes());
    for (record, out) in records.zip(out.chunks_mut(format.step())) {
        scalar::dequantize(format, record, weights);
        for (out, weights) in out.iter_mut().zip(&*weights) {
            *out = weights[output % GROUP];
        }
    }
}
