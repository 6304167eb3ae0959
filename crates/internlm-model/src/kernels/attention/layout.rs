//! The two orders of a projection's numbers, and the rotation that happens on the way between them.

use crate::attend::HeadShape;
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

impl<'a> Rotation<'a> {
    #[inline(always)]
    fn row(self, row: usize, half: usize) -> (&'a [f32], &'a [f32]) {
        (&self.cos[row * half..(row + 1) * half], &self.sin[row * half..(row + 1) * half])
    }
}

/// From the projection `[T, width]` to group-major order: queries rotated and scaled, keys rotated, values copied.
pub(crate) fn gather(packed: &[f32], layout: HeadLayout, rotation: Rotation<'_>, groups: &mut [f32]) {
    let (width, group_width, d) = (layout.width(), layout.group_width(), layout.d);
    let tokens = packed.len() / width;
    let queries = layout.group() * d;
    for (group, slab) in groups.chunks_exact_mut((tokens * group_width).max(1)).enumerate() {
        rows::for_each(slab, group_width, |first, slab| {
            vectorized(|| {
                for (row, target) in slab.chunks_exact_mut(group_width).enumerate() {
                    let row = first + row;
                    let source = &packed[row * width + group * group_width..][..group_width];
                    let (cos, sin) = rotation.row(row, d / 2);
                    for (x, y) in source[..queries].chunks_exact(d).zip(target[..queries].chunks_exact_mut(d))
                    {
                        rotate(x, y, cos, sin, layout.query_scale(), 1.0);
                    }
                    rotate(
                        &source[queries..queries + d],
                        &mut target[queries..queries + d],
                        cos,
                        sin,
                        1.0,
                        1.0,
                    );
                    target[queries + d..].copy_from_slice(&source[queries + d..]);
                }
            });
        });
    }
}

/// The transposed map, for gradients: from group-major order back to `[T, width]`.
pub(crate) fn scatter(groups: &[f32], layout: HeadLayout, rotation: Rotation<'_>, packed: &mut [f32]) {
    let (width, group_width, d) = (layout.width(), layout.group_width(), layout.d);
    let tokens = packed.len() / width;
    let queries = layout.group() * d;
    rows::for_each(packed, width, |first, packed| {
        vectorized(|| {
            for (row, target) in packed.chunks_exact_mut(width).enumerate() {
                let row = first + row;
                let (cos, sin) = rotation.row(row, d / 2);
                for (group, target) in target.chunks_exact_mut(group_width).enumerate() {
                    let source = &groups[(group * tokens + row) * group_width..][..group_width];
                    for (x, y) in source[..queries].chunks_exact(d).zip(target[..queries].chunks_exact_mut(d))
                    {
                        rotate(x, y, cos, sin, layout.query_scale(), -1.0);
                    }
                    rotate(
                        &source[queries..queries + d],
                        &mut target[queries..queries + d],
                        cos,
                        sin,
                        1.0,
                        -1.0,
                    );
                    target[queries + d..].copy_from_slice(&source[queries + d..]);
                }
            }
        });
    });
}

/// `y = scale * R(direction * angle) x`: half-split rotation of one head.
#[inline(always)]
fn rotate(x: &[f32], y: &mut [f32], cos: &[f32], sin: &[f32], scale: f32, direction: f32) {
    let half = cos.len();
    let (x1, x2) = x.split_at(half);
    let (y1, y2) = y.split_at_mut(half);
    for i in 0..half {
        let (c, s) = (cos[i], direction * sin[i]);
        y1[i] = (x1[i] * c - x2[i] * s) * scale;
        y2[i] = (x2[i] * c + x1[i] * s) * scale;
    }
}
