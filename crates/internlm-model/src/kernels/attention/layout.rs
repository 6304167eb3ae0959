//! The two orders of a projection's numbers, and the rotation that happens on the way between them.

use crate::heads::HeadShape;
use crate::kernels::rows;
use crate::kernels::vector::vectorized;

/// Sizes of the heads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct HeadLayout {
    /// Query heads.
    pub(crate) heads: usize,
    /// Key and value heads.
    pub(crate) kv_heads: usize,
    /// Numbers per head.
    pub(crate) d: usize,
}

impl HeadLayout {
    /// The layout of a packed projection of `width` columns.
    pub(crate) fn new(shape: HeadShape, width: usize) -> Self {
        let HeadShape { heads, kv_heads } = shape;
        Self { heads, kv_heads, d: width / (heads + 2 * kv_heads) }
    }

    /// Query heads per kv head.
    pub(crate) fn group(self) -> usize {
        self.heads / self.kv_heads
    }

    /// Columns of one kv head: its queries, its key, its value.
    pub(crate) fn group_width(self) -> usize {
        (self.group() + 2) * self.d
    }

    /// Columns of the projection.
    pub(crate) fn width(self) -> usize {
        self.kv_heads * self.group_width()
    }

    /// Columns of the attention's output.
    pub(crate) fn output_width(self) -> usize {
        self.heads * self.d
    }

    /// What queries are multiplied by: `1 / sqrt(d)`.
    pub(crate) fn query_scale(self) -> f32 {
        1.0 / (self.d as f32).sqrt()
    }
}

/// Cosines and sines, `[T, d / 2]`.
#[derive(Clone, Copy)]
pub(crate) struct Rotation<'a> {
    pub(crate) cos: &'a [f32],
    pub(crate) sin: &'a [f32],
}

/// How the queries and the key of one token are turned on the way.
#[derive(Clone, Copy)]
struct Turn<'a> {
    /// Cosines and sines of the token's position.
    angles: Rotation<'a>,
    /// What queries are multiplied by; keys are not scaled.
    scale: f32,
    /// 1 turns by the angle; -1 turns back, as gradients are.
    direction: f32,
}

impl<'a> Rotation<'a> {
    /// The cosines and sines of one token.
    #[inline(always)]
    fn row(self, row: usize, half: usize) -> Self {
        let range = row * half..(row + 1) * half;
        Self { cos: &self.cos[range.clone()], sin: &self.sin[range] }
    }
}

/// From the projection `[T, width]` to group-major order: queries rotated and scaled, keys rotated, values copied.
pub(crate) fn gather(packed: &[f32], layout: HeadLayout, rotation: Rotation<'_>, groups: &mut [f32]) {
    let (width, group_width) = (layout.width(), layout.group_width());
    let tokens = packed.len() / width;
    for (group, slab) in groups.chunks_exact_mut((tokens * group_width).max(1)).enumerate() {
        rows::for_each(slab, group_width, |first, slab| {
            gather_rows(&packed[group * group_width..], first, layout, rotation, slab);
        });
    }
}

/// The transposed map, for gradients: from group-major order back to `[T, width]`.
pub(crate) fn scatter(groups: &[f32], layout: HeadLayout, rotation: Rotation<'_>, packed: &mut [f32]) {
    let (width, group_width) = (layout.width(), layout.group_width());
    let tokens = packed.len() / width;
    rows::for_each(packed, width, |first, packed| {
        for group in 0..layout.kv_heads {
            scatter_rows(
                &groups[group * tokens * group_width..],
                first,
                layout,
                rotation,
                &mut packed[group * group_width..],
            );
        }
    });
}

vectorized! {
    /// Fills rows from `first` on of one kv head; `packed` begins at its first column.
    fn gather_rows(packed: &[f32], first: usize, layout: HeadLayout, rotation: Rotation<'_>, slab: &mut [f32]) {
        for (row, target) in slab.chunks_exact_mut(layout.group_width()).enumerate() {
            let source = &packed[(first + row) * layout.width()..];
            let angles = rotation.row(first + row, layout.d / 2);
            turn_row(source, target, layout, Turn { angles, scale: layout.query_scale(), direction: 1.0 });
        }
    }

    /// Fills the columns of one kv head; `packed` begins at the first of them.
    fn scatter_rows(slab: &[f32], first: usize, layout: HeadLayout, rotation: Rotation<'_>, packed: &mut [f32]) {
        for (row, target) in packed.chunks_mut(layout.width()).enumerate() {
            let source = &slab[(first + row) * layout.group_width()..];
            let angles = rotation.row(first + row, layout.d / 2);
            turn_row(source, target, layout, Turn { angles, scale: layout.query_scale(), direction: -1.0 });
        }
    }
}

/// One token of one kv head: queries rotated and scaled, key rotated, value copied.
#[inline(always)]
fn turn_row(x: &[f32], y: &mut [f32], layout: HeadLayout, turn: Turn<'_>) {
    let d = layout.d;
    for head in 0..=layout.group() {
        let scale = if head < layout.group() { turn.scale } else { 1.0 };
        rotate(&x[head * d..(head + 1) * d], &mut y[head * d..(head + 1) * d], Turn { scale, ..turn });
    }
    let value = layout.group_width() - d..layout.group_width();
    y[value.clone()].copy_from_slice(&x[value]);
}

/// `y = scale * R(direction * angle) x`: half-split rotation of one head.
#[inline(always)]
fn rotate(x: &[f32], y: &mut [f32], turn: Turn<'_>) {
    let Turn { angles: Rotation { cos, sin }, scale, direction } = turn;
    let half = cos.len();
    let sin = &sin[..half];
    let (x1, x2) = x.split_at(half);
    let (y1, y2) = y.split_at_mut(half);
    for i in 0..half {
        let (c, s) = (cos[i], direction * sin[i]);
        y1[i] = (x1[i] * c - x2[i] * s) * scale;
        y2[i] = (x2[i] * c + x1[i] * s) * scale;
    }
}
