//! Weights as the kernels read them: column groups of 16 outputs, records of whole blocks along the inner length.
//!
//! A matrix `[n, k]` becomes `ceil(n / 16)` column groups, one after the other; a group is `k / step` records, one
//! after the other ([`TileFormat::step`]). One 512-bit `vpdpbusd` then serves 16 outputs with one broadcast of four
//! activation bytes. Records hold exactly (K-quants: within 3 %) the bytes of the 16 source rows, scales next to the
//! payload, so that a kernel reads one sequential stream. `n` is padded to whole groups with zero scales.
//!
//! Payload of one block of 32 weights of 16 outputs, `u` unsigned:
//!
//! | name | bytes | content |
//! |---|---|---|
//! | nibbles | 256 | byte `64 j + 4 n + i` (j < 4, n < 16, i < 4): low half = `u(n, 4 j + i)`, high half = `u(n, 16 + 4 j + i)` |
//! | bytes | 512 | byte `64 j + 4 n + i` (j < 8) = `u(n, 4 j + i)` |
//! | bit plane | 64 | little-endian u64 number j < 8: bit `4 n + i` = fifth bit of `u(n, 4 j + i)` |
//! | two-bit plane | 128 | byte `64 h + 4 n + i` (h < 2), bits `2 j .. 2 j + 2` (j < 4) = upper two bits of `u(n, 16 h + 4 j + i)` |
//!
//! Records, in order of their parts (`16 x` = one entry per output):
//!
//! | format | step | bytes | parts |
//! |---|---|---|---|
//! | Q4_0 | 32 | 288 | nibbles, 16 x d f16 |
//! | Q4_1 | 32 | 320 | nibbles, 16 x d f16, 16 x m f16 |
//! | Q5_0 | 32 | 352 | nibbles, bit plane, 16 x d f16 |
//! | Q5_1 | 32 | 384 | nibbles, bit plane, 16 x d f16, 16 x m f16 |
//! | Q8_0 | 32 | 544 | bytes (q + 128), 16 x d f16 |
//! | Q4_K | 256 | 2368 | 16 x d f16, 16 x dmin f16, then 8 times: nibbles, 16 x s u8, 16 x n u8 |
//! | Q5_K | 256 | 2880 | 16 x d f16, 16 x dmin f16, then 8 times: nibbles, bit plane, 16 x s u8, 16 x n u8 |
//! | Q6_K | 256 | 3360 | 16 x d f16, then 8 times: nibbles, two-bit plane, 16 x sc i8 of weights 0..16, 16 x sc i8 of weights 16..32 |
//! | Int4 | 128 | 1072 | 16 x d f16, 16 x zero u8, then 4 times: nibbles (AWQ, GPTQ, compressed-tensors, group 128) |
//! | F32 | 1 | 64 | 16 x f32 |
//! | F16 | 1 | 32 | 16 x f16 |
//! | BF16 | 2 | 64 | 16 x (even, odd) bf16: u16 number `2 n + (k & 1)` |

mod format;
mod matrix;

pub use format::{BLOCK, GROUP, TileFormat, column_groups};
pub use matrix::Matrix;
