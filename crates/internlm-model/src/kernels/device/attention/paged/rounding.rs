//! Quotients by integers, with the bits that the CPU gives.
//!
//! Codes of keys and values must be those of the CPU core, but shading languages leave open how quotients and conversions
//! to halves are rounded, and not every device has halves. Sums, differences and products of floats are rounded correctly
//! everywhere, and so are conversions of integers up to 2^24.

use cubecl::prelude::*;

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
