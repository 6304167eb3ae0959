//! InternLM2's packing of q, k and v, and the row orders of the two rotary conventions.
//!
//! Rows of `wqkv` are grouped by kv head: for each of the K groups the H/K query heads, then the key head,
//! then the value head, each `head_dim` rows (InternLM2's `modeling_internlm2.py`, the `rearrange` of `wqkv`).

use crate::ModelConfig;

/// How the rows of one q or k head are ordered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RowOrder {
    /// Row i rotates with row i + d/2: Hugging Face.
    HalfSplit,
    /// Row 2i rotates with row 2i + 1: GGUF of archs `llama` and `internlm2`, InternEvo without `adapt_hf`.
    Interleaved,
}

/// The head layout of one attention layer.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// Number of query heads; a multiple of `kv_heads`.
    pub heads: usize,
    /// Number of key heads, and of value heads.
    pub kv_heads: usize,
    /// Number of rows per head; even.
    pub head_dim: usize,
    /// Row order inside the heads of the separate q and k.
    pub order: RowOrder,
}

impl Heads {
    /// The heads of a model.
    #[must_use]
    pub fn of(config: &ModelConfig, order: RowOrder) -> Self {
        Self { heads: config.heads, kv_heads: config.kv_heads, head_dim: config.head_dim, order }
    }

    /// Rows of q, k and v.
    #[must_use]
    pub fn rows(&self) -> [usize; 3] {
        [self.heads, self.kv_heads, self.kv_heads].map(|heads| heads * self.head_dim)
    }

    /// For each row of `wqkv`: which part (0 q, 1 k, 2 v) and which row of it.
    pub fn packing(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let group = self.heads / self.kv_heads.max(1);
        (0..self.kv_heads).flat_map(move |kv| {
            let queries = (0..group).map(move |j| (0, kv * group + j));
            queries.chain([(1, kv), (2, kv)]).flat_map(move |(part, head)| {
                (0..self.head_dim).map(move |row| (part, head * self.head_dim + self.stored_row(part, row)))
            })
        })
    }

    /// Where row `row` of a half-split head is stored.
    fn stored_row(&self, part: usize, row: usize) -> usize {
        let half = self.head_dim / 2;
        match self.order {
            RowOrder::Interleaved if part < 2 => 2 * (row % half) + row / half,
            _ => row,
        }
    }
}

/// Joins q, k and v (row-major, the same width) into `wqkv`. A bias is a matrix of width 1.
///
/// Works on numbers and on stored bytes alike: a row is moved as it is.
#[must_use]
pub fn join<T: Copy>(parts: &[&[T]; 3], heads: Heads) -> Vec<T> {
    let rows: usize = heads.rows().iter().sum();
    let width = parts.iter().map(|part| part.len()).sum::<usize>() / rows.max(1);
    let mut joined = Vec::with_capacity(rows * width);
    for (part, row) in heads.packing() {
        joined.extend_from_slice(&parts[part][row * width..(row + 1) * width]);
    }
    joined
}

/// One of q (0), k (1) and v (2) out of `wqkv`: the inverse of [`join`].
#[must_use]
pub fn part<T: Copy + Default>(wqkv: &[T], heads: Heads, part: usize) -> Vec<T> {
    let rows = heads.rows();
    let width = wqkv.len() / rows.iter().sum::<usize>().max(1);
    let mut values = vec![T::default(); rows[part] * width];
    for (source, (_, row)) in heads.packing().enumerate().filter(|(_, (of, _))| *of == part) {
        values[row * width..(row + 1) * width].copy_from_slice(&wqkv[source * width..(source + 1) * width]);
    }
    values
}

/// Splits `wqkv` into q, k and v.
#[must_use]
pub fn split<T: Copy + Default>(wqkv: &[T], heads: Heads) -> [Vec<T>; 3] {
    [0, 1, 2].map(|index| part(wqkv, heads, index))
}

/// Packed `wqkv` whose q and k heads are interleaved, put into half-split order; `heads.order` says what the heads
/// are outside of the pack.
#[must_use]
pub fn to_half_split<T: Copy + Default>(wqkv: &[T], heads: Heads) -> Vec<T> {
    move_rows(wqkv, heads, |row, stored| (stored, row))
}

/// The inverse of [`to_half_split`].
#[must_use]
pub fn to_interleaved<T: Copy + Default>(wqkv: &[T], heads: Heads) -> Vec<T> {
    move_rows(wqkv, heads, |row, stored| (row, stored))
}

/// Moves every row of the pack; `places` turns (half-split row, interleaved row) of a head into (from, to).
fn move_rows<T: Copy + Default>(
    wqkv: &[T],
    heads: Heads,
    places: fn(usize, usize) -> (usize, usize),
) -> Vec<T> {
    let d = heads.head_dim;
    let group = heads.heads / heads.kv_heads.max(1) + 2;
    let width = wqkv.len() / heads.rows().iter().sum::<usize>().max(1);
    let mut moved = vec![T::default(); wqkv.len()];
    let packed = wqkv.chunks_exact((d * width).max(1)).zip(moved.chunks_exact_mut((d * width).max(1)));
    for (index, (head, target)) in packed.enumerate() {
        let part = if index % group == group - 1 { 2 } else { 0 };
        for row in 0..d {
            let (from, to) = places(row, heads.stored_row(part, row));
            target[to * width..(to + 1) * width].copy_from_slice(&head[from * width..(from + 1) * width]);
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: Heads = Heads { heads: 4, kv_heads: 2, head_dim: 4, order: RowOrder::HalfSplit };

    #[test]
    fn rows_are_grouped_by_kv_head() {
        // Value = part * 100 + row.
        let parts = [16, 8, 8].map(|rows| (0..rows).map(|row| row as f32).collect::<Vec<_>>());
        let parts = [
            parts[0].clone(),
            parts[1].iter().map(|x| x + 100.0).collect(),
            parts[2].iter().map(|x| x + 200.0).collect(),
        ];
        let joined = join(&parts.each_ref().map(Vec::as_slice), HEADS);
        let heads: Vec<f32> = joined.iter().step_by(4).copied().collect();
        assert_eq!(heads, [0.0, 4.0, 100.0, 200.0, 8.0, 12.0, 104.0, 204.0]);
        assert_eq!(split(&joined, HEADS), parts);
    }

    #[test]
    fn interleaved_rows_go_back_to_halves() {
        let heads = Heads { heads: 1, kv_heads: 1, order: RowOrder::Interleaved, ..HEADS };
        // Stored order of a head whose half-split rows are 0 1 2 3 is 0 2 1 3.
        let stored = [0.0, 2.0, 1.0, 3.0];
        let joined = join(&[&stored, &stored, &stored], heads);
        assert_eq!(joined, [0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 0.0, 2.0, 1.0, 3.0]);
    }

    #[test]
    fn packed_rows_change_order_and_come_back() {
        let heads = Heads { order: RowOrder::Interleaved, ..HEADS };
        let packed: Vec<u8> = (0..32).collect();
        let interleaved = to_interleaved(&packed, heads);
        // Two query heads and the key head of the first group are interleaved, the value head is not.
        assert_eq!(interleaved[..16], [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 13, 14, 15]);
        assert_eq!(to_half_split(&interleaved, heads), packed);
    }
}
