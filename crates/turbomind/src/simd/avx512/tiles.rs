//! How each integer format becomes eight operands of 16 outputs x 4 weights, with scales and offsets.

use std::arch::x86_64::*;

use crate::tile::TileFormat;

/// One block of 32 weights of 16 outputs.
#[derive(Clone, Copy)]
pub(super) struct Operands {
    /// Operand j: byte `4 n + i` is weight `4 j + i` of output n, unsigned.
    pub(super) values: [__m512i; 8],
    /// `d` of weights 0..16 and 16..32; only [`Tile::HALVES`] formats have two different ones.
    pub(super) scale: [__m512; 2],
    /// `c`, likewise.
    pub(super) offset: [__m512; 2],
}

/// A format as the kernels see it. The methods are inlined into functions that enable the instruction set.
pub(super) trait Tile {
    /// The layout of its records.
    const FORMAT: TileFormat;
    /// Whether each half of a block has its own scale.
    const HALVES: bool = false;
    /// What a record says about all of its blocks.
    type Header: Copy;

    /// # Safety
    /// AVX-512 F, BW, VL, DQ are available; `record` points to a whole record.
    unsafe fn header(record: *const u8) -> Self::Header;

    /// # Safety
    /// As [`Tile::header`]; `block` is a block of the record.
    unsafe fn block(record: *const u8, header: Self::Header, block: usize) -> Operands;
}

/// 16 f16 at `pointer`.
#[inline(always)]
unsafe fn f16s(pointer: *const u8) -> __m512 {
    // SAFETY: the caller's record covers 32 bytes here.
    unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(pointer.cast())) }
}

/// 16 u8 at `pointer` as floats.
#[inline(always)]
unsafe fn u8s(pointer: *const u8) -> __m512 {
    // SAFETY: the caller's record covers 16 bytes here.
    unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(pointer.cast()))) }
}

/// 16 i8 at `pointer` as floats.
#[inline(always)]
unsafe fn i8s(pointer: *const u8) -> __m512 {
    // SAFETY: the caller's record covers 16 bytes here.
    unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(pointer.cast()))) }
}

#[inline(always)]
unsafe fn load(pointer: *const u8) -> __m512i {
    // SAFETY: the caller's record covers 64 bytes here.
    unsafe { _mm512_loadu_si512(pointer.cast()) }
}

/// 256 bytes of nibbles.
#[inline(always)]
unsafe fn nibbles(pointer: *const u8) -> [__m512i; 8] {
    // SAFETY: the caller's record covers 256 bytes here.
    unsafe {
        let mask = _mm512_set1_epi8(15);
        let mut values = [_mm512_setzero_si512(); 8];
        for j in 0..4 {
            let packed = load(pointer.add(64 * j));
            values[j] = _mm512_and_si512(packed, mask);
            values[j + 4] = _mm512_and_si512(_mm512_srli_epi16::<4>(packed), mask);
        }
        values
    }
}

/// Nibbles and the bit plane that follows them.
#[inline(always)]
unsafe fn fifth_bits(pointer: *const u8) -> [__m512i; 8] {
    // SAFETY: the caller's record covers 320 bytes here.
    unsafe {
        let mut values = nibbles(pointer);
        let bit = _mm512_set1_epi8(16);
        for (j, value) in values.iter_mut().enumerate() {
            let mask = pointer.add(256 + 8 * j).cast::<u64>().read_unaligned();
            *value = _mm512_mask_add_epi8(*value, mask, *value, bit);
        }
        values
    }
}

/// Nibbles and the two-bit plane that follows them.
#[inline(always)]
unsafe fn sixth_bits(pointer: *const u8) -> [__m512i; 8] {
    // SAFETY: the caller's record covers 384 bytes here.
    unsafe {
        let mut values = nibbles(pointer);
        let mask = _mm512_set1_epi8(0x30);
        for half in 0..2 {
            let plane = load(pointer.add(256 + 64 * half));
            let shifted = [
                _mm512_slli_epi16::<4>(plane),
                _mm512_slli_epi16::<2>(plane),
                plane,
                _mm512_srli_epi16::<2>(plane),
            ];
            for (j, shifted) in shifted.into_iter().enumerate() {
                let value = &mut values[4 * half + j];
                // (shifted & mask) | value
                *value = _mm512_ternarylogic_epi32::<0xEA>(shifted, mask, *value);
            }
        }
        values
    }
}

#[inline(always)]
fn simple(values: [__m512i; 8], scale: __m512, offset: __m512) -> Operands {
    Operands { values, scale: [scale; 2], offset: [offset; 2] }
}

macro_rules! blocks_of_32 {
    ($(#[$doc:meta])* $name:ident, $values:ident, $scales:literal, $offset:expr) => {
        $(#[$doc])*
        pub(super) struct $name;

        impl Tile for $name {
            const FORMAT: TileFormat = TileFormat::$name;
            type Header = ();

            #[inline(always)]
            unsafe fn header(_record: *const u8) {}

            #[inline(always)]
            unsafe fn block(record: *const u8, (): (), _block: usize) -> Operands {
                // SAFETY: `record` is a whole record, which the layout of the format covers.
                unsafe {
                    let scale = f16s(record.add($scales));
                    let offset: unsafe fn(*const u8, __m512) -> __m512 = $offset;
                    simple($values(record), scale, offset(record.add($scales + 32), scale))
                }
            }
        }
    };
}

#[inline(always)]
unsafe fn bytes(pointer: *const u8) -> [__m512i; 8] {
    // SAFETY: the caller's record covers 512 bytes here.
    unsafe {
        let mut values = [_mm512_setzero_si512(); 8];
        for (j, value) in values.iter_mut().enumerate() {
            *value = load(pointer.add(64 * j));
        }
        values
    }
}

#[inline(always)]
unsafe fn times<const FACTOR: i32>(_minimum: *const u8, scale: __m512) -> __m512 {
    // SAFETY: plain arithmetic.
    unsafe { _mm512_mul_ps(_mm512_set1_ps(FACTOR as f32), scale) }
}

#[inline(always)]
unsafe fn minimum(minimum: *const u8, _scale: __m512) -> __m512 {
    // SAFETY: the record of a format with minima has 32 more bytes.
    unsafe { f16s(minimum) }
}

blocks_of_32!(Q4_0, nibbles, 256, |minimum, scale| times::<-8>(minimum, scale));
blocks_of_32!(Q4_1, nibbles, 256, |at, scale| minimum(at, scale));
blocks_of_32!(Q5_0, fifth_bits, 320, |minimum, scale| times::<-16>(minimum, scale));
blocks_of_32!(Q5_1, fifth_bits, 320, |at, scale| minimum(at, scale));
blocks_of_32!(Q8_0, bytes, 512, |minimum, scale| times::<-128>(minimum, scale));

macro_rules! k_quant {
    ($name:ident, $values:ident, $small:literal) => {
        pub(super) struct $name;

        impl Tile for $name {
            const FORMAT: TileFormat = TileFormat::$name;
            /// d and dmin.
            type Header = (__m512, __m512);

            #[inline(always)]
            unsafe fn header(record: *const u8) -> Self::Header {
                // SAFETY: the record begins with 64 bytes of f16.
                unsafe { (f16s(record), f16s(record.add(32))) }
            }

            #[inline(always)]
            unsafe fn block(record: *const u8, (d, dmin): Self::Header, block: usize) -> Operands {
                // SAFETY: eight parts of `$small + 32` bytes follow the header.
                unsafe {
                    let part = record.add(64 + block * ($small + 32));
                    let scale = _mm512_mul_ps(d, u8s(part.add($small)));
                    let minimum = _mm512_mul_ps(dmin, u8s(part.add($small + 16)));
                    let offset = _mm512_xor_ps(minimum, _mm512_set1_ps(-0.0));
                    simple($values(part), scale, offset)
                }
            }
        }
    };
}

k_quant!(Q4K, nibbles, 256);
k_quant!(Q5K, fifth_bits, 320);

/// 6 bits, scales per 16.
pub(super) struct Q6K;

impl Tile for Q6K {
    const FORMAT: TileFormat = TileFormat::Q6K;
    const HALVES: bool = true;
    /// d.
    type Header = __m512;

    #[inline(always)]
    unsafe fn header(record: *const u8) -> __m512 {
        // SAFETY: the record begins with 32 bytes of f16.
        unsafe { f16s(record) }
    }

    #[inline(always)]
    unsafe fn block(record: *const u8, d: __m512, block: usize) -> Operands {
        // SAFETY: eight parts of 416 bytes follow the header.
        unsafe {
            let part = record.add(32 + block * 416);
            let scale = [_mm512_mul_ps(d, i8s(part.add(384))), _mm512_mul_ps(d, i8s(part.add(400)))];
            let zero = _mm512_set1_ps(-32.0);
            let offset = [_mm512_mul_ps(zero, scale[0]), _mm512_mul_ps(zero, scale[1])];
            Operands { values: sixth_bits(part), scale, offset }
        }
    }
}

/// 4 bits with zero points, groups of 128.
pub(super) struct Int4;

impl Tile for Int4 {
    const FORMAT: TileFormat = TileFormat::Int4;
    /// d and c.
    type Header = (__m512, __m512);

    #[inline(always)]
    unsafe fn header(record: *const u8) -> Self::Header {
        // SAFETY: the record begins with 48 bytes of scales and zeros.
        unsafe {
            let d = f16s(record);
            let zero = _mm512_mul_ps(d, u8s(record.add(32)));
            (d, _mm512_xor_ps(zero, _mm512_set1_ps(-0.0)))
        }
    }

    #[inline(always)]
    unsafe fn block(record: *const u8, (d, c): Self::Header, block: usize) -> Operands {
        // SAFETY: four parts of 256 bytes follow the header.
        unsafe { simple(nibbles(record.add(48 + 256 * block)), d, c) }
    }
}
