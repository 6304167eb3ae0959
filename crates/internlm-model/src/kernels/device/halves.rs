//! Floats of 16 bits as integers: for devices without such floats, and with the same bits on all.

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

/// The nearest bf16 of a number, ties to even, in the lower 16 bits.
#[cube]
pub(super) fn to_bf16(number: f32) -> u32 {
    let bits = u32::reinterpret(number);
    let mut rounded = (bits + 0x7fffu32 + ((bits >> 16u32) & 1u32)) >> 16u32;
    if (bits & 0x7fff_ffffu32) > 0x7f80_0000u32 {
        rounded = comptime!(NAN >> 16).runtime();
    }
    rounded
}

/// The number that a bf16 stands for.
#[cube]
pub(super) fn from_bf16(bits: u32) -> f32 {
    f32::reinterpret(bits << 16u32)
}
