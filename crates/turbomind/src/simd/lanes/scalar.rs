//! [`Scalar`]: the definition of [`Lanes`] in plain Rust.

use half::f16;

use super::ops::{LANES, Lanes};

/// Arrays of sixteen floats, which any machine has.
#[derive(Clone, Copy)]
pub(super) struct Scalar;

#[inline(always)]
fn map(x: [f32; LANES], f: impl Fn(f32) -> f32) -> [f32; LANES] {
    x.map(f)
}

#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|lane| f(a[lane], b[lane]))
}

impl Lanes for Scalar {
    type F32 = [f32; LANES];
    const WIDTH: usize = 1;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::F32 {
        [x; LANES]
    }

    #[inline(always)]
    fn load(self, x: &[f32; LANES]) -> Self::F32 {
        *x
    }

    #[inline(always)]
    fn store(self, x: Self::F32, to: &mut [f32; LANES]) {
        *to = x;
    }

    #[inline(always)]
    fn halves(self, x: &[u8; 32]) -> Self::F32 {
        std::array::from_fn(|lane| f16::from_le_bytes([x[2 * lane], x[2 * lane + 1]]).to_f32_const())
    }

    #[inline(always)]
    fn to_halves(self, x: Self::F32) -> [u8; 32] {
        let halves = x.map(|x| f16::from_f32_const(x).to_le_bytes());
        std::array::from_fn(|index| halves[index / 2][index % 2])
    }

    #[inline(always)]
    fn bytes(self, x: &[u8; LANES]) -> Self::F32 {
        x.map(f32::from)
    }

    #[inline(always)]
    fn low_nibbles(self, x: &[u8; LANES]) -> Self::F32 {
        x.map(|x| f32::from(x & 15))
    }

    #[inline(always)]
    fn high_nibbles(self, x: &[u8; LANES]) -> Self::F32 {
        x.map(|x| f32::from(x >> 4))
    }

    #[inline(always)]
    fn to_bytes(self, x: Self::F32) -> [u8; LANES] {
        x.map(|x| x.round_ties_even() as u8)
    }

    #[inline(always)]
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn larger(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        zip(a, b, |a, b| f32::from_bits(a.abs().to_bits().max(b.abs().to_bits())))
    }

    #[inline(always)]
    fn to_signed(self, x: Self::F32) -> [i8; LANES] {
        x.map(|x| x as i8)
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        std::array::from_fn(|lane| a[lane].mul_add(b[lane], c[lane]))
    }

    #[inline(always)]
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        zip(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn round(self, x: Self::F32) -> Self::F32 {
        map(x, f32::round_ties_even)
    }

    #[inline(always)]
    fn times_power(self, x: Self::F32, n: Self::F32) -> Self::F32 {
        zip(x, n, |x, n| f32::from_bits(x.to_bits().wrapping_add((n as i32).cast_unsigned() << 23)))
    }

    #[inline(always)]
    fn prefetch<T>(self, _: &T) {}

    #[inline(always)]
    fn keep_first(self, x: Self::F32, count: usize, rest: Self::F32) -> Self::F32 {
        std::array::from_fn(|lane| if lane < count { x[lane] } else { rest[lane] })
    }
}
