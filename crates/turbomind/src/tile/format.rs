//! [`TileFormat`]: which record a matrix consists of, and how many bytes that takes.

use internlm_model::weights::Encoding;

/// Number of outputs of a column group.
pub const GROUP: usize = 16;
/// Number of weights of a block along the inner length, which is also a block of quantized activations.
pub const BLOCK: usize = 32;

/// The record of a matrix; the table is in `tile/mod.rs`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TileFormat {
    /// 32-bit floats, one weight of each output.
    F32,
    /// 16-bit IEEE floats, one weight of each output.
    F16,
    /// bfloat16, two weights of each output.
    Bf16,
    /// Blocks of 32, 4 bits around 8.
    Q4_0,
    /// Blocks of 32, 4 bits with a minimum.
    Q4_1,
    /// Blocks of 32, 5 bits around 16.
    Q5_0,
    /// Blocks of 32, 5 bits with a minimum.
    Q5_1,
    /// Blocks of 32, 8 bits.
    Q8_0,
    /// Blocks of 256, 4 bits with scales and minima per 32.
    Q4K,
    /// Blocks of 256, 5 bits with scales and minima per 32.
    Q5K,
    /// Blocks of 256, 6 bits with scales per 16.
    Q6K,
    /// Groups of 128, 4 bits with a zero point: AWQ, GPTQ, compressed-tensors.
    Int4,
}

impl TileFormat {
    /// All formats, in the order of the table in [`crate::tile`].
    pub const ALL: [Self; 12] = [
        Self::F32,
        Self::F16,
        Self::Bf16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
        Self::Int4,
    ];

    /// The format that a stored encoding becomes; `None` for integers and F64, which have no tiles.
    #[must_use]
    pub const fn of(encoding: Encoding) -> Option<Self> {
        Some(match encoding {
            Encoding::F32 => Self::F32,
            Encoding::F16 => Self::F16,
            Encoding::Bf16 => Self::Bf16,
            Encoding::Q4_0 => Self::Q4_0,
            Encoding::Q4_1 => Self::Q4_1,
            Encoding::Q5_0 => Self::Q5_0,
            Encoding::Q5_1 => Self::Q5_1,
            Encoding::Q8_0 => Self::Q8_0,
            Encoding::Q4K => Self::Q4K,
            Encoding::Q5K => Self::Q5K,
            Encoding::Q6K => Self::Q6K,
            _ => return None,
        })
    }

    /// The name that files use: `Q4_1`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
            Self::Int4 => "INT4",
        }
    }

    /// Number of weights of one output that a record holds.
    #[must_use]
    pub const fn step(self) -> usize {
        match self {
            Self::F32 | Self::F16 => 1,
            Self::Bf16 => 2,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Int4 => 128,
            Self::Q4K | Self::Q5K | Self::Q6K => 256,
        }
    }

    /// Bytes of a record, payload and scales of all 16 outputs.
    #[must_use]
    pub const fn record_bytes(self) -> usize {
        match self {
            Self::F32 | Self::Bf16 => 64,
            Self::F16 => 32,
            Self::Q4_0 => 288,
            Self::Q4_1 => 320,
            Self::Q5_0 => 352,
            Self::Q5_1 => 384,
            Self::Q8_0 => 544,
            Self::Q4K => 2368,
            Self::Q5K => 2880,
            Self::Q6K => 3360,
            Self::Int4 => 1072,
        }
    }

    /// Bytes of one column group of a matrix with `inputs` inputs.
    #[must_use]
    pub const fn group_bytes(self, inputs: usize) -> usize {
        inputs.div_ceil(self.step()) * self.record_bytes()
    }

    /// Bytes of all tiles of a matrix `[outputs, inputs]`.
    #[must_use]
    pub const fn matrix_bytes(self, outputs: usize, inputs: usize) -> usize {
        column_groups(outputs) * self.group_bytes(inputs)
    }

    /// Whether the weights are floats, which are multiplied with float activations; the others are integers with
    /// scales, multiplied with 8-bit activations.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::Bf16)
    }
}

/// Number of column groups of `outputs` outputs; the last one may be padded.
#[must_use]
pub const fn column_groups(outputs: usize) -> usize {
    outputs.div_ceil(GROUP)
}

impl std::fmt::Display for TileFormat {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_take_the_bytes_of_the_table() {
        for (format, outputs, inputs, bytes) in [
            (TileFormat::Q4_1, 576, 576, 36 * 18 * 320),
            (TileFormat::Q8_0, 49_152, 576, 30_081_024),
            (TileFormat::Q6K, 1, 256, 3360),
            (TileFormat::Bf16, 17, 3, 2 * 2 * 64),
            (TileFormat::F16, 16, 5, 5 * 32),
        ] {
            assert_eq!(format.matrix_bytes(outputs, inputs), bytes, "{format} [{outputs}, {inputs}]");
        }
    }

    #[test]
    fn records_hold_the_bytes_of_sixteen_rows() {
        for format in TileFormat::ALL.into_iter().filter(|format| *format != TileFormat::Int4) {
            let names = [Encoding::F32, Encoding::F16, Encoding::Bf16, Encoding::Q4_0, Encoding::Q4_1]
                .into_iter()
                .chain([
                    Encoding::Q5_0,
                    Encoding::Q5_1,
                    Encoding::Q8_0,
                    Encoding::Q4K,
                    Encoding::Q5K,
                    Encoding::Q6K,
                ]);
            let encoding = names.into_iter().find(|encoding| TileFormat::of(*encoding) == Some(format));
            let row =
                encoding.and_then(|encoding| encoding.byte_length(&[format.step()])).expect("whole blocks");
            let record = format.record_bytes();
            // Only the scales of K-quants are stored wider than in the file.
            assert!(record >= GROUP * row && record * 100 <= GROUP * row * 103, "{format}: {record} {row}");
        }
        assert_eq!((TileFormat::of(Encoding::F64), TileFormat::of(Encoding::I32)), (None, None));
    }
}
