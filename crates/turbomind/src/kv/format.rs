//! [`KvFormat`]: how keys and values are stored.

use crate::{Error, Result};

/// How keys and values are stored; [`KvFormat::name`] and `parse` use the names in backquotes.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum KvFormat {
    /// `f32`: floats of 32 bits.
    F32,
    /// `f16`: 16-bit IEEE floats.
    #[default]
    F16,
    /// `int8`: 8 bits with scale and minimum per token and head.
    Int8,
    /// `int4`: 4 bits with scale and minimum per 32 dimensions, keys and values rotated by a Hadamard matrix.
    Int4,
    /// `int4-plain`: 4 bits with scale and minimum per token and head, as upstream.
    Int4Plain,
}

impl KvFormat {
    /// All formats, from the most to the fewest bytes.
    pub const ALL: [Self; 5] = [Self::F32, Self::F16, Self::Int8, Self::Int4, Self::Int4Plain];

    /// The name on the command line, such as `int4-plain`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Int8 => "int8",
            Self::Int4 => "int4",
            Self::Int4Plain => "int4-plain",
        }
    }

    /// Number of bits of a stored number.
    pub(crate) const fn bits(self) -> usize {
        match self {
            Self::F32 => 32,
            Self::F16 => 16,
            Self::Int8 => 8,
            Self::Int4 | Self::Int4Plain => 4,
        }
    }

    /// Whether keys and values are rotated before they are stored.
    pub(crate) const fn is_rotated(self) -> bool {
        matches!(self, Self::Int4)
    }
}

impl std::fmt::Display for KvFormat {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

impl std::str::FromStr for KvFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::argument("format of keys and values", format!("{name:?}"), format!("one of {names}"))
        })
    }
}
