//! Records as registers: one block of 32 weights of 8 outputs, unpacked to unsigned bytes.

use std::arch::x86_64::*;

use crate::tile::TileFormat;

/// How far ahead of the arithmetic records are fetched, in bytes.
pub(super) const AHEAD: usize = 4096;

/// One block of 32 weights of 8 outputs: `w = d u + c`.
pub(super) struct Weights {
    /// Byte `4 n + i` of number j is `u(n, 4 j + i)`.
    pub(super) values: [__m256i; 8],
    /// `d` of weights 0..16 and 16..32; equal unless [`Tile::HALVES`].
    pub(super) scale: [__m256; 2],
    /// `c`, likewise.
    pub(super) offset: [__m256; 2],
}

/// A record's layout, as in the table of [`crate::tile`].
pub(super) trait Tile {
    /// Which record it is.
    const FORMAT: TileFormat;
    /// Bits of an unsigned weight.
    const BITS: usize;
    /// Whether each half block has its own scale.
    const HALVES: bool = false;

    /// Block `block` of a record, outputs `8 half .. 8 half + 8`.
    ///
    /// # Safety
    /// AVX2 and F16C are enabled in the caller; `record` points to a whole record; `block` is one of its blocks; `half`
    /// is 0 or 1.
    unsafe fn unpack(record: *const u8, block: usize, half: usize) -> Weights;
}

/// Q4_0, Q5_0 and Q8_0; with `MINIMUM` Q4_1 and Q5_1.
pub(super) struct Block32<const BITS: usize, const MINIMUM: bool>;

/// Q4_K and Q5_K: eight blocks with scales of 8 bits.
pub(super) struct SuperBlock<const BITS: usize>;

/// Q6_K: eight blocks with scales per half block.
pub(super) struct Q6K;

/// Groups of 128 with a zero point.
pub(super) struct Int4;

impl<const BITS: usize, const MINIMUM: bool> Tile for Block32<BITS, MINIMUM> {
    const FORMAT: TileFormat = match (BITS, MINIMUM) {
        (4, false) => TileFormat::Q4_0,
        (4, true) => TileFormat::Q4_1,
        (5, false) => TileFormat::Q5_0,
        (5, true) => TileFormat::Q5_1,
        (8, false) => TileFormat::Q8_0,
        _ => panic!("no such format"),
    };
    const BITS: usize = BITS;

    #[inline(always)]
    unsafe fn unpack(record: *const u8, _: usize, half: usize) -> Weights {
        // SAFETY: 64 * BITS payload bytes, then one or two rows of 16 f16, make up the record.
        unsafe {
            let scale = f16s(record.add(64 * BITS + 16 * half));
            let offset = if MINIMUM {
                f16s(record.add(64 * BITS + 32 + 16 * half))
            } else {
                let zero = (1 << (BITS - 1)) as f32;
                _mm256_mul_ps(_mm256_set1_ps(-zero), scale)
            };
            Weights { values: values::<BITS>(record, half), scale: [scale; 2], offset: [offset; 2] }
        }
    }
}

impl<const BITS: usize> Tile for SuperBlock<BITS> {
    const FORMAT: TileFormat = if BITS == 4 { TileFormat::Q4K } else { TileFormat::Q5K };
    const BITS: usize = BITS;

    #[inline(always)]
    unsafe fn unpack(record: *const u8, block: usize, half: usize) -> Weights {
        // SAFETY: two rows of 16 f16, then 8 parts of 64 * BITS payload bytes and two rows of 16 bytes.
        unsafe {
            let part = record.add(64 + block * (64 * BITS + 32));
            let small = part.add(64 * BITS + 8 * half);
            let scale = _mm256_mul_ps(f16s(record.add(16 * half)), bytes_as_floats(small));
            let minimum = _mm256_mul_ps(f16s(record.add(32 + 16 * half)), bytes_as_floats(small.add(16)));
            let offset = negative(minimum);
            Weights { values: values::<BITS>(part, half), scale: [scale; 2], offset: [offset; 2] }
        }
    }
}

impl Tile for Q6K {
    const FORMAT: TileFormat = TileFormat::Q6K;
    const BITS: usize = 6;
    const HALVES: bool = true;

    #[inline(always)]
    unsafe fn unpack(record: *const u8, block: usize, half: usize) -> Weights {
        // SAFETY: one row of 16 f16, then 8 parts of 384 payload bytes and two rows of 16 bytes.
        unsafe {
            let part = record.add(32 + block * 416);
            let small = part.add(384 + 8 * half);
            let d = f16s(record.add(16 * half));
            let low = _mm256_mul_ps(d, signed_bytes_as_floats(small));
            let high = _mm256_mul_ps(d, signed_bytes_as_floats(small.add(16)));
            let zero = _mm256_set1_ps(-32.0);
            let offset = [_mm256_mul_ps(zero, low), _mm256_mul_ps(zero, high)];
            Weights { values: values::<6>(part, half), scale: [low, high], offset }
        }
    }
}

impl Tile for Int4 {
    const FORMAT: TileFormat = TileFormat::Int4;
    const BITS: usize = 4;

    #[inline(always)]
    unsafe fn unpack(record: *const u8, block: usize, half: usize) -> Weights {
        // SAFETY: a row of 16 f16 and one of 16 bytes, then 4 parts of 256 payload bytes.
        unsafe {
            let scale = f16s(record.add(16 * half));
            let offset = negative(_mm256_mul_ps(scale, bytes_as_floats(record.add(32 + 8 * half))));
            let values = values::<4>(record.add(48 + block * 256), half);
            Weights { values, scale: [scale; 2], offset: [offset; 2] }
        }
    }
}

/// The payload of one block of 32.
///
/// # Safety
/// AVX2 is enabled in the caller; `64 * BITS` bytes can be read at `payload`; `half` is 0 or 1.
#[inline(always)]
unsafe fn values<const BITS: usize>(payload: *const u8, half: usize) -> [__m256i; 8] {
    // SAFETY: every load is inside of the payload: 256 bytes of nibbles and their plane, or 512 bytes.
    unsafe {
        let mut values = [_mm256_setzero_si256(); 8];
        let payload = payload.add(32 * half);
        if BITS == 8 {
            for (j, value) in values.iter_mut().enumerate() {
                *value = _mm256_loadu_si256(payload.add(64 * j).cast());
            }
            return values;
        }
        let nibble = _mm256_set1_epi8(15);
        for j in 0..4 {
            let pair = _mm256_loadu_si256(payload.add(64 * j).cast());
            values[j] = _mm256_and_si256(pair, nibble);
            values[4 + j] = _mm256_and_si256(_mm256_srli_epi16::<4>(pair), nibble);
        }
        if BITS == 5 {
            for (j, value) in values.iter_mut().enumerate() {
                // The plane's u64 number j holds both halves of the outputs.
                let bits = payload.add(256 + 8 * j).sub(28 * half).cast::<i32>();
                *value = _mm256_or_si256(*value, fifth_bit(bits.read_unaligned()));
            }
        }
        if BITS == 6 {
            let upper = _mm256_set1_epi8(0x30);
            for side in 0..2 {
                let plane = _mm256_loadu_si256(payload.add(256 + 64 * side).cast());
                let places = [
                    _mm256_slli_epi16::<4>(plane),
                    _mm256_slli_epi16::<2>(plane),
                    plane,
                    _mm256_srli_epi16::<2>(plane),
                ];
                for (j, bits) in places.into_iter().enumerate() {
                    let value = &mut values[4 * side + j];
                    *value = _mm256_or_si256(*value, _mm256_and_si256(bits, upper));
                }
            }
        }
        values
    }
}

/// Bit i of `bits` as 16 or 0 in byte i.
///
/// # Safety
/// AVX2 is enabled in the caller.
#[inline(always)]
unsafe fn fifth_bit(bits: i32) -> __m256i {
    // SAFETY: no memory is touched.
    unsafe {
        let owner =
            _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
        let bit = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
        let spread = _mm256_shuffle_epi8(_mm256_set1_epi32(bits), owner);
        let set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit);
        _mm256_and_si256(set, _mm256_set1_epi8(16))
    }
}

/// 8 f16 as f32.
///
/// # Safety
/// F16C is enabled in the caller; 16 bytes can be read.
#[inline(always)]
unsafe fn f16s(at: *const u8) -> __m256 {
    // SAFETY: by the caller's promise.
    unsafe { _mm256_cvtph_ps(_mm_loadu_si128(at.cast())) }
}

/// 8 unsigned bytes as f32.
///
/// # Safety
/// AVX2 is enabled in the caller; 8 bytes can be read.
#[inline(always)]
unsafe fn bytes_as_floats(at: *const u8) -> __m256 {
    // SAFETY: by the caller's promise.
    unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(at.cast()))) }
}

/// 8 signed bytes as f32.
///
/// # Safety
/// AVX2 is enabled in the caller; 8 bytes can be read.
#[inline(always)]
unsafe fn signed_bytes_as_floats(at: *const u8) -> __m256 {
    // SAFETY: by the caller's promise.
    unsafe { _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(at.cast()))) }
}

/// The same numbers with the other sign.
///
/// # Safety
/// AVX is enabled in the caller.
#[inline(always)]
unsafe fn negative(x: __m256) -> __m256 {
    // SAFETY: no memory is touched.
    unsafe { _mm256_xor_ps(x, _mm256_set1_ps(-0.0)) }
}
