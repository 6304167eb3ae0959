//! The key/value pairs of a GGUF file.

use std::collections::BTreeMap;

use super::cursor::Cursor;
use crate::Result;

/// How deep arrays of arrays may nest; llama.cpp writes none.
const MAX_DEPTH: usize = 4;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any unsigned integer.
    Unsigned(u64),
    /// Any signed integer.
    Signed(i64),
    /// f32 or f64.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// UTF-8 text.
    Text(String),
    /// Values of one type.
    Array(Vec<Self>),
}

impl Value {
    /// A non-negative whole number.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Unsigned(value) => Some(*value),
            Self::Signed(value) => u64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// Any number.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Unsigned(value) => Some(*value as f64),
            Self::Signed(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// A truth value.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    /// An array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }

    pub(super) fn read(cursor: &mut Cursor<'_>, kind: u32, depth: usize) -> Result<Self> {
        let what = "a metadata value";
        Ok(match kind {
            0 => Self::Unsigned(cursor.array::<1>(what)?[0].into()),
            1 => Self::Signed(i8::from_le_bytes(cursor.array(what)?).into()),
            2 => Self::Unsigned(u16::from_le_bytes(cursor.array(what)?).into()),
            3 => Self::Signed(i16::from_le_bytes(cursor.array(what)?).into()),
            4 => Self::Unsigned(cursor.u32(what)?.into()),
            5 => Self::Signed(i32::from_le_bytes(cursor.array(what)?).into()),
            6 => Self::Float(f32::from_le_bytes(cursor.array(what)?).into()),
            7 => Self::Bool(cursor.array::<1>(what)?[0] != 0),
            8 => Self::Text(cursor.string(what)?),
            9 => {
                let kind = cursor.u32("an array's type")?;
                let count = cursor.count(1, "an array's length")?;
                if depth == MAX_DEPTH {
                    return cursor.fail(format!("arrays nest deeper than {MAX_DEPTH}"));
                }
                Self::Array((0..count).map(|_| Self::read(cursor, kind, depth + 1)).collect::<Result<_>>()?)
            }
            10 => Self::Unsigned(cursor.u64(what)?),
            11 => Self::Signed(i64::from_le_bytes(cursor.array(what)?)),
            12 => Self::Float(f64::from_le_bytes(cursor.array(what)?)),
            _ => return cursor.fail(format!("metadata value type: found {kind}, expected 0 to 12")),
        })
    }
}

/// All pairs of a file.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    pairs: BTreeMap<String, Value>,
}

impl Metadata {
    pub(super) fn read(cursor: &mut Cursor<'_>, count: usize) -> Result<Self> {
        let mut pairs = BTreeMap::new();
        for _ in 0..count {
            let key = cursor.string("a metadata key")?;
            let kind = cursor.u32("a metadata type")?;
            pairs.insert(key, Value::read(cursor, kind, 0)?);
        }
        Ok(Self { pairs })
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.pairs.get(key)
    }

    /// All pairs, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.pairs.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Text under `key`.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// A list of texts under `key`; `None` when absent or of another type.
    #[must_use]
    pub fn texts(&self, key: &str) -> Option<Vec<&str>> {
        self.get(key)?.as_array()?.iter().map(Value::as_str).collect()
    }

    /// A list of numbers under `key`; `None` when absent or of another type.
    #[must_use]
    pub fn numbers(&self, key: &str) -> Option<Vec<f64>> {
        self.get(key)?.as_array()?.iter().map(Value::as_f64).collect()
    }
}
