//! Activations as 8-bit blocks, by the rule of [`crate::panel`], on every instruction set with the same bits.

use super::isa::Isa;
use super::lanes::{Kernel, Lanes};
use crate::panel::{BlockScale, Panel};
use crate::tile::BLOCK;

/// Which sums of a block its consumers read; the others are not computed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum BlockSums {
    /// The sum of the whole block; the sums of its halves are zero.
    #[default]
    Whole,
    /// The sums of both halves as well, for formats with scales per 16 weights.
    Halves,
}

/// One block of 32 activations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuantizedBlock {
    /// The quantized numbers, in -127..=127.
    pub(crate) values: [i8; BLOCK],
    /// Scale and sums of the values.
    pub(crate) scale: BlockScale,
}

/// Quantizes blocks of 32 numbers and hands each to `out` with its index. NaN and infinity give a scale that is NaN.
pub(crate) fn quantize(
    isa: Isa,
    sums: BlockSums,
    x: &[[f32; BLOCK]],
    out: impl FnMut(usize, QuantizedBlock),
) {
    isa.run(Quantize { sums, x, out });
}

/// Quantizes `blocks * 32` values into one row of a panel, with all sums. A block that holds NaN or infinity gets NaN
/// as its scale and sums, so that every output of the row becomes NaN.
///
/// # Panics
/// When the row or the length disagrees with the shape of the panel.
pub fn quantize_row(panel: &mut Panel, row: usize, values: &[f32]) {
    assert!(row < panel.rows && values.len() == panel.blocks * BLOCK, "a whole row of the panel");
    quantize(Isa::Scalar, BlockSums::Halves, values.as_chunks::<BLOCK>().0, |block, quantized| {
        let place = block * panel.rows + row;
        panel.values[place * BLOCK..][..BLOCK].copy_from_slice(&quantized.values);
        panel.scales[place] = quantized.scale;
    });
}

struct Quantize<'a, F> {
    sums: BlockSums,
    x: &'a [[f32; BLOCK]],
    out: F,
}

impl<F: FnMut(usize, QuantizedBlock)> Kernel for Quantize<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(mut self, simd: S) {
        for (index, x) in self.x.iter().enumerate() {
            let halves = x.as_chunks::<16>().0;
            let quantized = block(simd, self.sums, [simd.load(&halves[0]), simd.load(&halves[1])]);
            (self.out)(index, quantized);
        }
    }
}

/// Quantizes one block, given as its two halves.
#[inline(always)]
pub(super) fn block<S: Lanes>(simd: S, sums: BlockSums, halves: [S::F32; 2]) -> QuantizedBlock {
    let [low, high] = halves;
    let magnitude = simd.magnitude(simd.larger(low, high));
    let scale = if magnitude.is_finite() { magnitude * (1.0 / 127.0) } else { f32::NAN };
    // A subnormal scale has no finite inverse; numbers that small count as zero.
    let inverse = simd.splat(if scale >= f32::MIN_POSITIVE { 1.0 / scale } else { 0.0 });
    let (low, high) = (simd.round(simd.mul(low, inverse)), simd.round(simd.mul(high, inverse)));
    let mut values = [0; BLOCK];
    values[..16].copy_from_slice(&simd.to_signed(low));
    values[16..].copy_from_slice(&simd.to_signed(high));
    let sum = scale * simd.sum(simd.add(low, high));
    let halves = match sums {
        BlockSums::Whole => [0.0; 2],
        BlockSums::Halves => [scale * simd.sum(low), scale * simd.sum(high)],
    };
    QuantizedBlock { values, scale: BlockScale { scale, sum, low: halves[0], high: halves[1] } }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quantized(isa: Isa, x: &[f32; BLOCK]) -> QuantizedBlock {
        let mut found = None;
        quantize(isa, BlockSums::Halves, std::slice::from_ref(x), |_, block| found = Some(block));
        found.expect("one block")
    }

    #[test]
    fn blocks_round_half_to_even_and_carry_nan() {
        let mut x = [0.0; BLOCK];
        (x[0], x[1], x[2], x[20]) = (127.0, 2.5, -3.5, -127.0);
        let QuantizedBlock { values, scale } = quantized(Isa::Scalar, &x);
        assert_eq!((values[0], values[1], values[2], values[20]), (127, 2, -4, -127));
        assert_eq!((scale.scale, scale.low, scale.high, scale.sum), (1.0, 125.0, -127.0, -2.0));
        x[31] = f32::INFINITY;
        assert!(quantized(Isa::Scalar, &x).scale.sum.is_nan());
        assert_eq!(quantized(Isa::Scalar, &[0.0; BLOCK]).scale.scale, 0.0);
    }

    proptest! {
        #[test]
        fn every_instruction_set_gives_the_same_bits(
            x in prop::array::uniform32(prop_oneof![8 => -9.0_f32..9.0, 1 => any::<f32>(), 1 => Just(0.0)]),
        ) {
            let bits = |isa| {
                let QuantizedBlock { values, scale } = quantized(isa, &x);
                // NaN has many bit patterns, of which any will do.
                let floats = [scale.scale, scale.sum, scale.low, scale.high];
                (values, floats.map(|x| if x.is_nan() { u32::MAX } else { x.to_bits() }))
            };
            let expected = bits(Isa::Scalar);
            for isa in Isa::ALL {
                let found = bits(isa);
                // The values of a row that is NaN are never used.
                if expected.1[0] == u32::MAX {
                    prop_assert_eq!(found.1, expected.1, "{}", isa.name());
                } else {
                    prop_assert_eq!(found, expected, "{}", isa.name());
                }
            }
        }

        #[test]
        fn values_are_within_half_a_step(x in prop::array::uniform32(-50.0_f32..50.0)) {
            let QuantizedBlock { values, scale } = quantized(Isa::Scalar, &x);
            let sum: i32 = values.iter().map(|q| i32::from(*q)).sum();
            prop_assert!((scale.sum - scale.scale * sum as f32).abs() <= 1e-5 * scale.scale);
            for (x, q) in x.iter().zip(values) {
                prop_assert!((x - scale.scale * f32::from(q)).abs() <= 0.5001 * scale.scale);
            }
        }
    }
}
