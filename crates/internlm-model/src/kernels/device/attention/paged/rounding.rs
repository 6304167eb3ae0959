//! Halves and quotients by integers, with the bits that the CPU gives.
//!
//! Codes of keys and values must be those of the CPU core, but shading languages leave open how quotients and conversions
//! to halves are rounded, and not every device has halves. Sums, differences and products of floats are rounded correctly
//! everywhere, and so are conversions of integers up to 2^24.

use cubecl::prelude::*;

/// Every bit of the exponent: infinite or not a number.
pub(super) const HALF_INFINITY: u32 = 0x7c00;
/// A half that is not a number.
pub(super) const HALF_NAN: u32 = 0x7e00;
/// A float that is not a number.
const NAN: u32 = 0x7fc0_0000;

/// The nearest half of a finite number, ties to even, in the lower 16 bits.
#[cube]
pub(super) fn to_half(number: f32) -> u32 {
    let bits = u32::reinterpret(number);
    let (sign, size) = ((bits >> 16u32) & 0x8000u32, bits & 0x7fff_ffffu32);
    // The exponent counts from 15 instead of 127; what is rounded up may carry into it.
    let mut half = (size + 0x0fffu32 + ((size >> 13u32) & 1u32) - 0x3800_0000u32) >> 13u32;
    if size < 0x3880_0000u32 {
        // A multiple of 2^-24: the sum has no room for a fraction and is rounded by the hardware.
        let multiple = f32::reinterpret(size) * f32::new(16777216.0);
        half = u32::reinterpret(multiple + f32::new(8388608.0)) - 0x4b00_0000u32;
    }
    if size >= 0x4780_0000u32 {
        half = HALF_INFINITY.runtime();
    }
    half | sign
}

/// The number that a half stands for; infinite halves become NaN.
#[cube]
pub(super) fn from_half(half: u32) -> f32 {
    let (sign, size) = ((half & 0x8000u32) << 16u32, half & 0x7fffu32);
    let mut bits = (size << 13u32) + 0x3800_0000u32;
    if size < 0x0400u32 {
        bits = u32::reinterpret(f32::cast_from(size) * f32::new(comptime!(1.0 / 16_777_216.0)));
    }
    if size >= HALF_INFINITY {
        bits = NAN.runtime();
    }
    f32::reinterpret(bits | sign)
}

/// `range / (2^bits - 1)`, rounded to the nearest; numbers that are 0 as halves become 0.
#[cube]
pub(super) fn step_of(range: f32, #[comptime] bits: usize) -> f32 {
    let top = comptime!((1u32 << bits) - 1);
    let number = u32::reinterpret(range);
    let (exponent, mantissa) = (number >> 23u32, (number & 0x007f_ffffu32) | 0x0080_0000u32);
    // The quotient has 24 bits, or 25: then one bit less is divided.
    let mut dividend = mantissa << comptime!(bits as u32);
    let mut power = exponent - comptime!(bits as u32 + 23);
    if dividend / top >= 0x0100_0000u32 {
        dividend /= 2u32;
        power += 1u32;
    }
    let mut quotient = dividend / top;
    // Never exactly half of it, which is odd.
    if (dividend % top) * 2u32 > top {
        quotient += 1u32;
    }
    let step = f32::cast_from(quotient) * f32::reinterpret(power << 23u32);
    select(exponent < 40u32, f32::new(0.0), step)
}

/// `1 / step` of a half that is not 0, rounded to the nearest.
#[cube]
pub(super) fn reciprocal(step: f32) -> f32 {
    let number = u32::reinterpret(step);
    let (exponent, mantissa) = (number >> 23u32, ((number & 0x007f_ffffu32) | 0x0080_0000u32) >> 13u32);
    // 2^34 / mantissa in two parts, as 2^34 has no room: 24 bits, since a half has 11.
    let (first, rest) = (0x8000_0000u32 / mantissa, (0x8000_0000u32 % mantissa) << 3u32);
    let mut quotient = (first << 3u32) + rest / mantissa;
    // Never exactly half of it: only a power of two could divide 2^35, and leaves nothing.
    if (rest % mantissa) * 2u32 > mantissa {
        quotient += 1u32;
    }
    f32::cast_from(quotient) * f32::reinterpret((230u32 - exponent) << 23u32)
}
