//! Row operations over [`Lanes`]: RMS norm, silu, rotation, candidates, products with dequantized weights.

use super::isa::Isa;
use super::lanes::{Kernel, Lanes, exp2};
use super::product::{Floats, rows_of};
use super::quantize::{BlockSums, QuantizedBlock, block};
use super::scalar::dequantize;
use crate::tile::{GROUP, TileFormat};

/// `out = weight * (x / sqrt(mean(x^2) + eps))`; returns the mean square. When that is not finite, `out` is NaN.
///
/// # Shapes
/// - `x`, `weight`, `out`: `[hidden]`
pub(crate) fn rms_norm(isa: Isa, x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) -> f32 {
    isa.run(RmsNorm { x, weight, eps, out })
}

/// `gate = silu(gate) * up`.
pub(crate) fn silu_mul(isa: Isa, gate: &mut [[f32; GROUP]], up: &[[f32; GROUP]]) {
    isa.run(SiluMul { gate, up });
}

/// Rotates pairs `(x_i, x_{i + d/2})` by the angle of `cos_i, sin_i`.
///
/// # Shapes
/// - `head`: `[d]`; `cos`, `sin`: `[d / 2]`
pub(crate) fn rotate(isa: Isa, head: &mut [f32], cos: &[f32], sin: &[f32]) {
    isa.run(Rotate { head, cos, sin });
}

/// [`Floats`] with the weights of any format dequantized exactly.
pub(crate) fn multiply_dequantized(
    isa: Isa,
    format: TileFormat,
    call: &Floats<'_>,
    out: &mut [[f32; GROUP]],
) {
    isa.run(MultiplyDequantized { format, call, out });
}

/// Calls `found` with every row that has a value of at least `least(row)`: a quick check before a list is searched.
pub(crate) fn contenders(
    isa: Isa,
    values: &[[f32; GROUP]],
    least: impl FnMut(usize) -> f32,
    found: impl FnMut(usize),
) {
    isa.run(Contenders { values, least, found });
}

/// See [`contenders`].
struct Contenders<'a, L, F> {
    values: &'a [[f32; GROUP]],
    least: L,
    found: F,
}

impl<L: FnMut(usize) -> f32, F: FnMut(usize)> Kernel for Contenders<'_, L, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(mut self, simd: S) {
        for (row, values) in self.values.iter().enumerate() {
            if simd.largest(simd.load(values)) >= (self.least)(row) {
                (self.found)(row);
            }
        }
    }
}

/// The squares are summed in 16 lanes, so that the sum has the same order on every instruction set.
struct RmsNorm<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    eps: f32,
    out: &'a mut [f32],
}

impl Kernel for RmsNorm<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) -> f32 {
        let (chunks, rest) = self.x.as_chunks::<16>();
        let mut sums = simd.splat(0.0);
        for chunk in chunks {
            let x = simd.load(chunk);
            sums = simd.mul_add(x, x, sums);
        }
        // What is left is padded with zeros, which add nothing.
        let mut last = [0.0; 16];
        last[..rest.len()].copy_from_slice(rest);
        let x = simd.load(&last);
        sums = simd.mul_add(x, x, sums);
        let mean = simd.sum(sums) / self.x.len() as f32;
        // Infinity would give a factor of zero and so hide itself.
        let factor = if mean.is_finite() { 1.0 / (mean + self.eps).sqrt() } else { f32::NAN };
        let factors = simd.splat(factor);
        let (weights, rest_weight) = self.weight.as_chunks::<16>();
        let (outs, rest_out) = self.out.as_chunks_mut::<16>();
        for ((chunk, weight), out) in chunks.iter().zip(weights).zip(outs) {
            let x = simd.mul(simd.load(chunk), factors);
            simd.store(simd.mul(simd.load(weight), x), out);
        }
        for ((x, weight), out) in rest.iter().zip(rest_weight).zip(rest_out) {
            *out = weight * (x * factor);
        }
        mean
    }
}

/// See [`silu_mul`].
struct SiluMul<'a> {
    gate: &'a mut [[f32; GROUP]],
    up: &'a [[f32; GROUP]],
}

impl Kernel for SiluMul<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        for (gate, up) in self.gate.iter_mut().zip(self.up) {
            simd.store(gated(simd, simd.load(gate), simd.load(up)), gate);
        }
    }
}

/// `silu(gate) * up`.
#[inline(always)]
fn gated<S: Lanes>(simd: S, gate: S::F32, up: S::F32) -> S::F32 {
    // sigmoid(x) = 1 / (1 + 2^(-x log2 e)); the power is bounded so that `exp2` stays in its range, and NaN passes.
    let one = simd.splat(1.0);
    let power = simd.min(simd.splat(126.0), simd.mul(gate, simd.splat(-std::f32::consts::LOG2_E)));
    let sigmoid = simd.div(one, simd.add(one, exp2(simd, power)));
    simd.mul(simd.mul(gate, sigmoid), up)
}

/// `silu(gate) * up` of two column groups, `[2][rows][16]`, quantized as one block of each row.
pub(crate) fn gated_blocks(
    isa: Isa,
    sums: BlockSums,
    gate: &[[f32; GROUP]],
    up: &[[f32; GROUP]],
    out: impl FnMut(usize, QuantizedBlock),
) {
    isa.run(GatedBlocks { sums, gate: gate.split_at(gate.len() / 2), up: up.split_at(up.len() / 2), out });
}

/// See [`gated_blocks`]: the first group of a row is the low half of its block, the second group the high half.
struct GatedBlocks<'a, F> {
    sums: BlockSums,
    gate: (&'a [[f32; GROUP]], &'a [[f32; GROUP]]),
    up: (&'a [[f32; GROUP]], &'a [[f32; GROUP]]),
    out: F,
}

impl<F: FnMut(usize, QuantizedBlock)> Kernel for GatedBlocks<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(mut self, simd: S) {
        let gates = self.gate.0.iter().zip(self.gate.1);
        let ups = self.up.0.iter().zip(self.up.1);
        for (row, (gate, up)) in gates.zip(ups).enumerate() {
            let low = gated(simd, simd.load(gate.0), simd.load(up.0));
            let high = gated(simd, simd.load(gate.1), simd.load(up.1));
            (self.out)(row, block(simd, self.sums, [low, high]));
        }
    }
}

/// See [`rotate`].
struct Rotate<'a> {
    head: &'a mut [f32],
    cos: &'a [f32],
    sin: &'a [f32],
}

impl Kernel for Rotate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let (first, second) = self.head.split_at_mut(self.cos.len());
        let (a, a_rest) = first.as_chunks_mut::<16>();
        let (b, b_rest) = second.as_chunks_mut::<16>();
        let (cos, cos_rest) = self.cos.as_chunks::<16>();
        let (sin, sin_rest) = self.sin.as_chunks::<16>();
        for (((a, b), cos), sin) in a.iter_mut().zip(b).zip(cos).zip(sin) {
            let (x, y, cos, sin) = (simd.load(a), simd.load(b), simd.load(cos), simd.load(sin));
            simd.store(simd.sub(simd.mul(x, cos), simd.mul(y, sin)), a);
            simd.store(simd.add(simd.mul(y, cos), simd.mul(x, sin)), b);
        }
        for (((a, b), cos), sin) in a_rest.iter_mut().zip(b_rest).zip(cos_rest).zip(sin_rest) {
            let (x, y) = (*a, *b);
            *a = x * cos - y * sin;
            *b = y * cos + x * sin;
        }
    }
}

/// See [`multiply_dequantized`]. Products are added in rising order of the inner length, as in [`super::scalar`].
struct MultiplyDequantized<'a> {
    format: TileFormat,
    call: &'a Floats<'a>,
    out: &'a mut [[f32; GROUP]],
}

impl Kernel for MultiplyDequantized<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let Self { format, call, out } = self;
        let rows = rows_of(call.groups, out);
        let group_bytes = format.group_bytes(call.inputs);
        let mut weights = vec![[0.0; GROUP]; format.step()];
        out.fill([0.0; GROUP]);
        for group in 0..call.groups {
            let tiles = &call.tiles[group * group_bytes..][..group_bytes];
            for (index, record) in tiles.chunks_exact(format.record_bytes()).enumerate() {
                // Unpacked once per record, then used by every row.
                dequantize(format, record, &mut weights);
                let first = index * format.step();
                for row in rows.clone() {
                    let sums = &mut out[group * rows.len() + row];
                    let x = &call.rows[row * call.inputs..][..call.inputs];
                    let mut acc = simd.load(sums);
                    for (weights, x) in weights.iter().zip(&x[first..]) {
                        acc = simd.mul_add(simd.load(weights), simd.splat(*x), acc);
                    }
                    simd.store(acc, sums);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_norm_has_unit_mean_square_and_sees_infinity() {
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            let x: Vec<f32> = (0..37).map(|i| i as f32 - 11.5).collect();
            let mut out = vec![0.0; 37];
            assert!(rms_norm(isa, &x, &[1.0; 37], 0.0, &mut out).is_finite());
            let mean = out.iter().map(|x| x * x).sum::<f32>() / 37.0;
            assert!((mean - 1.0).abs() < 1e-6, "{mean}");
            for bad in [f32::NAN, f32::INFINITY] {
                let x = [1.0, bad, 2.0];
                assert!(!rms_norm(isa, &x, &[1.0; 3], 1e-5, &mut out[..3]).is_finite());
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let x: [f32; 32] = std::array::from_fn(|i| ((i * 37 % 19) as f32 - 9.3) * 1.7);
        let bits = |isa: Isa| {
            let mut head = x;
            let mut gate = *x.as_chunks::<16>().0.first().expect("32 values");
            let up = [gate];
            silu_mul(isa, std::slice::from_mut(&mut gate), &up);
            rotate(isa, &mut head, &x[..16], &x[16..]);
            let mut norm = [0.0; 32];
            rms_norm(isa, &x, &head, 1e-5, &mut norm);
            let floats = [&gate[..], &head, &norm].concat();
            floats.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        let expected = bits(Isa::Scalar);
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            assert_eq!(bits(isa), expected, "{isa:?}");
        }
    }

    fn close(found: f32, expected: f64) -> bool {
        (f64::from(found) - expected).abs() <= 1e-6 * expected.abs().max(1e-3)
    }

    proptest! {
        #[test]
        fn silu_and_rotation_are_their_formulas(
            x in prop::array::uniform16(-30.0_f32..30.0),
            y in prop::array::uniform16(-3.0_f32..3.0),
            angle in -9.0_f32..9.0,
        ) {
            for isa in Isa::ALL {
                let mut gate = [x];
                silu_mul(isa, &mut gate, &[y]);
                for (lane, found) in gate[0].iter().enumerate() {
                    let (x, y) = (f64::from(x[lane]), f64::from(y[lane]));
                    prop_assert!(close(*found, x / (1.0 + (-x).exp()) * y), "{} silu({x}) {y}", isa.name());
                }
                let mut head = [x, y].concat();
                rotate(isa, &mut head, &[angle.cos(); 16], &[angle.sin(); 16]);
                for lane in 0..16 {
                    // A rotation keeps the length of every pair.
                    let length = |a: f32, b: f32| f64::from(a).hypot(f64::from(b));
                    prop_assert!((length(head[lane], head[lane + 16]) - length(x[lane], y[lane])).abs() < 1e-4);
                }
            }
        }

        #[test]
        fn contenders_are_the_rows_that_reach_the_bound(
            values in prop::collection::vec(prop::array::uniform16(-9.0_f32..9.0), 0..20),
            bound in -9.0_f32..9.0,
        ) {
            let reaches = |row: &[f32; 16]| row.iter().any(|x| *x >= bound);
            let expected: Vec<usize> = (0..values.len()).filter(|row| reaches(&values[*row])).collect();
            for isa in Isa::ALL {
                let mut found = Vec::new();
                contenders(isa, &values, |_| bound, |row| found.push(row));
                prop_assert_eq!(&found, &expected, "{}", isa.name());
            }
        }
    }
}
