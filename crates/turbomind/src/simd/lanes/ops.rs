//! [`Lanes`] and [`Kernel`]: the operations on sixteen floats, and work that is written over them.

/// Number of lanes of a vector.
pub(crate) const LANES: usize = 16;

/// The operations of an instruction set on sixteen floats.
///
/// A value of the type proves that the machine has the instructions, so the methods need no `unsafe` in their callers.
pub(crate) trait Lanes: Copy {
    /// Sixteen floats, in one register or several.
    type F32: Copy;
    /// Number of vectors whose sums fit into registers together with those of four rows.
    const WIDTH: usize;

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::F32;
    /// Lane i = `x[i]`.
    fn load(self, x: &[f32; LANES]) -> Self::F32;
    /// `to[i]` = lane i.
    fn store(self, x: Self::F32, to: &mut [f32; LANES]);
    /// Widens sixteen little-endian halves, exactly.
    fn halves(self, x: &[u8; 32]) -> Self::F32;
    /// Rounds to halves, ties to even, little-endian.
    fn to_halves(self, x: Self::F32) -> [u8; 32];
    /// Converts sixteen unsigned bytes.
    fn bytes(self, x: &[u8; LANES]) -> Self::F32;
    /// Converts the lower four bits of sixteen bytes.
    fn low_nibbles(self, x: &[u8; LANES]) -> Self::F32;
    /// Converts the upper four bits of sixteen bytes.
    fn high_nibbles(self, x: &[u8; LANES]) -> Self::F32;
    /// Rounds to integers, ties to even; every lane must be within `0..=255`.
    fn to_bytes(self, x: Self::F32) -> [u8; LANES];
    /// `a + b`.
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a - b`.
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b`.
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a / b`.
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Converts lanes that are integers within `-128..=127`.
    fn to_signed(self, x: Self::F32) -> [i8; LANES];
    /// The sum of all lanes: the upper half is added to the lower one until one lane is left.
    #[inline(always)]
    fn sum(self, x: Self::F32) -> f32 {
        fold(self, x, |a, b| a + b)
    }
    /// The largest lane that is not NaN, if lane order and the rule of [`Lanes::max`] allow.
    #[inline(always)]
    fn largest(self, x: Self::F32) -> f32 {
        fold(self, x, |a, b| if a > b { a } else { b })
    }
    /// The largest magnitude of all lanes; NaN or infinity when there is one.
    #[inline(always)]
    fn magnitude(self, x: Self::F32) -> f32 {
        let mut lanes = [0.0; LANES];
        self.store(x, &mut lanes);
        // Bits of magnitudes are ordered like the magnitudes, NaN above infinity.
        f32::from_bits(lanes.iter().fold(0, |most, x| most.max(x.abs().to_bits())))
    }
    /// Lane by lane, the one of larger magnitude, without its sign; NaN wins.
    fn larger(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b + c`, rounded once.
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// `if a > b { a } else { b }`, so `b` where one is NaN.
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `if a < b { a } else { b }`, so `b` where one is NaN.
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// To the nearest integer, ties to even.
    fn round(self, x: Self::F32) -> Self::F32;
    /// `x * 2^n` by adding `n` to the exponent: n is an integer, x and the result are normal. NaN in both stays NaN.
    fn times_power(self, x: Self::F32, n: Self::F32) -> Self::F32;
    /// Fetches the cache line of `x` ahead of its use.
    fn prefetch<T>(self, x: &T);
    /// The first `count` lanes of `x`, then those of `rest`.
    fn keep_first(self, x: Self::F32, count: usize, rest: Self::F32) -> Self::F32;
}

/// Work over [`Lanes`].
///
/// `run` and everything it calls must be `#[inline(always)]`, because only then is it compiled for the instruction set.
/// So nothing of [`Lanes`] is called in a closure that is given to a function of the standard library, `map` of an array
/// for one: such a function may stay a function of its own, compiled without the instruction set.
pub(crate) trait Kernel {
    /// The result of the work.
    type Output;
    /// Does the work with the operations of `simd`.
    fn run<S: Lanes>(self, simd: S) -> Self::Output;
}

/// The smallest lane, as [`Lanes::largest`].
#[inline(always)]
pub(crate) fn smallest<S: Lanes>(simd: S, x: S::F32) -> f32 {
    fold(simd, x, |a, b| if a < b { a } else { b })
}

#[inline(always)]
fn fold<S: Lanes>(simd: S, x: S::F32, merge: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    simd.store(x, &mut lanes);
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = merge(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}
