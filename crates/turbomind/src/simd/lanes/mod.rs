//! [`Lanes`]: sixteen floats at a time, for kernels written once and compiled per instruction set.
//!
//! Every operation is one IEEE operation per lane (or an exact conversion), so a kernel over `Lanes` gives the same
//! bits on every instruction set; the implementation in plain Rust is the definition of the others.

mod scalar;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86_avx2;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86_avx512;

use std::f32::consts::LN_2;

use super::Isa;

/// Lanes of a vector.
pub(crate) const LANES: usize = 16;

/// An instruction set that is known to be there: a value of the type is the proof.
pub(crate) trait Lanes: Copy {
    /// Sixteen floats.
    type F32: Copy;
    /// Vectors whose sums fit into registers beside those of four rows.
    const WIDTH: usize;

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::F32;
    /// Lane i = `x[i]`.
    fn load(self, x: &[f32; LANES]) -> Self::F32;
    /// `to[i]` = lane i.
    fn store(self, x: Self::F32, to: &mut [f32; LANES]);
    /// Little-endian halves, exactly.
    fn halves(self, x: &[u8; 32]) -> Self::F32;
    /// Rounded to halves, ties to even, little-endian.
    fn to_halves(self, x: Self::F32) -> [u8; 32];
    /// Unsigned bytes.
    fn bytes(self, x: &[u8; LANES]) -> Self::F32;
    /// Lower four bits of bytes.
    fn low_nibbles(self, x: &[u8; LANES]) -> Self::F32;
    /// Upper four bits of bytes.
    fn high_nibbles(self, x: &[u8; LANES]) -> Self::F32;
    /// Rounded to integers, ties to even; every lane is within `0..=255`.
    fn to_bytes(self, x: Self::F32) -> [u8; LANES];
    /// `a + b`.
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a - b`.
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b`.
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a / b`.
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Integers within `-128..=127`.
    fn to_signed(self, x: Self::F32) -> [i8; LANES];
    /// The sum of all lanes: halves are added until one is left.
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
    /// Asks for the cache line of `x` ahead of its use.
    fn prefetch<T>(self, x: &T);
    /// The first `count` lanes of `x`, then those of `rest`.
    fn keep_first(self, x: Self::F32, count: usize, rest: Self::F32) -> Self::F32;
}

/// Work over [`Lanes`]; `run` and what it calls must be `#[inline(always)]` to be compiled for the instruction set.
pub(crate) trait Kernel {
    /// What it gives.
    type Output;
    /// Does the work.
    fn run<S: Lanes>(self, simd: S) -> Self::Output;
}

impl Isa {
    /// Runs a kernel with this instruction set; as plain Rust when the machine does not have it.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Self::Avx512 if self.is_available() => x86_avx512::run(kernel),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Self::Avx2 | Self::AvxVnni if self.is_available() => x86_avx2::run(kernel),
            _ => kernel.run(scalar::Scalar),
        }
    }
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

/// `2^x` for `x <= 127`, within 7e-8 of the value; below -125 it stays at `2^-125`, 0 gives exactly 1, NaN gives NaN.
///
/// `2^x = 2^n 2^r` with `n = round(x)`; a polynomial through Chebyshev nodes gives `2^r` for `|r| <= 1/2`.
#[inline(always)]
pub(crate) fn exp2<S: Lanes>(simd: S, x: S::F32) -> S::F32 {
    const C: [f32; 6] = [0.000_154_531_63, 0.001_339_086_3, 0.009_618_083, 0.055_503_57, 0.240_226_5, LN_2];
    let x = simd.max(simd.splat(-125.0), x);
    let n = simd.round(x);
    let r = simd.sub(x, n);
    let mut y = simd.splat(C[0]);
    for c in &C[1..] {
        y = simd.mul_add(y, r, simd.splat(*c));
    }
    y = simd.mul_add(y, r, simd.splat(1.0));
    simd.times_power(y, n)
}

#[cfg(test)]
mod tests;
