//! The key/value pairs of a GGUF file.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use internlm_kit::file::MappedFile;

use crate::cursor::{Cursor, Fault};

/// The number of the type "array".
const ARRAY: u32 = 9;

/// One metadata value; integers and floats of all widths are widened to 64 bits.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An unsigned integer of 8, 16, 32 or 64 bits in the file.
    Unsigned(u64),
    /// A signed integer of 8, 16, 32 or 64 bits in the file.
    Signed(i64),
    /// A float of 32 or 64 bits in the file.
    Float(f64),
    /// `bool`, one byte in the file.
    Bool(bool),
    /// A string; bytes that are not UTF-8 have become U+FFFD.
    Text(String),
    /// Values of one type.
    Array(Array),
}

/// A list that stays in the file until it is read: a vocabulary alone is a hundred thousand texts.
#[derive(Clone)]
pub struct Array {
    map: Arc<MappedFile>,
    kind: u32,
    count: usize,
    bytes: Range<usize>,
}

impl Array {
    /// Number of values in the list, known without reading them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether the list has no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = Value> + '_ {
        let mut cursor = Cursor::new(&self.map[self.bytes.clone()]);
        (0..self.count).map(move |_| {
            Value::read(&mut cursor, self.kind, &self.map).expect("the array was walked when it was opened")
        })
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "[{} values of type {}]", self.count, self.kind)
    }
}

impl PartialEq for Array {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.map[self.bytes.clone()] == other.map[other.bytes.clone()]
    }
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

    /// The value of an integer or a float; integers beyond 2^53 are rounded.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Unsigned(value) => Some(*value as f64),
            Self::Signed(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of a `bool`; numbers are not converted.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    /// The list of an array; nothing is read from the file yet.
    #[must_use]
    pub fn as_array(&self) -> Option<&Array> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }

    fn read(cursor: &mut Cursor<'_>, kind: u32, map: &Arc<MappedFile>) -> Result<Self, Fault> {
        let what = "a metadata value";
        Ok(match kind {
            0 => Self::Unsigned(cursor.byte(what)?.into()),
            1 => Self::Signed(i8::from_le_bytes(cursor.array(what)?).into()),
            2 => Self::Unsigned(u16::from_le_bytes(cursor.array(what)?).into()),
            3 => Self::Signed(i16::from_le_bytes(cursor.array(what)?).into()),
            4 => Self::Unsigned(cursor.u32(what)?.into()),
            5 => Self::Signed(i32::from_le_bytes(cursor.array(what)?).into()),
            6 => Self::Float(f32::from_le_bytes(cursor.array(what)?).into()),
            7 => Self::Bool(cursor.byte(what)? != 0),
            8 => Self::Text(string(cursor, what)?),
            ARRAY => {
                let kind = cursor.u32("an array's type")?;
                let items = count(cursor, 1, "an array's length")?;
                let start = cursor.position();
                skip(cursor, kind, items)?;
                let bytes = start..cursor.position();
                Self::Array(Array { map: Arc::clone(map), kind, count: items, bytes })
            }
            10 => Self::Unsigned(cursor.u64(what)?),
            11 => Self::Signed(i64::from_le_bytes(cursor.array(what)?)),
            12 => Self::Float(f64::from_le_bytes(cursor.array(what)?)),
            _ => return cursor.fail(format!("metadata value type: found {kind}, expected 0 to 12")),
        })
    }
}

/// A count of items that take at least `size` bytes each: more than the file can hold is an error, so that a damaged
/// count does not become an allocation.
pub(super) fn count(cursor: &mut Cursor<'_>, size: usize, what: &str) -> Result<usize, Fault> {
    let count = cursor.u64(what)?;
    let room = cursor.left() / size.max(1);
    match usize::try_from(count) {
        Ok(count) if count <= room => Ok(count),
        _ => cursor.fail(format!(
            "{what}: found {count}, expected at most {room} in the rest of the file: it is cut or damaged"
        )),
    }
}

/// A string: u64 length, bytes. Bytes that are not UTF-8 become U+FFFD.
pub(super) fn string(cursor: &mut Cursor<'_>, what: &str) -> Result<String, Fault> {
    let length = count(cursor, 1, what)?;
    Ok(String::from_utf8_lossy(cursor.take(length as u64, what)?).into_owned())
}

/// Steps over `items` values of type `kind`, checking that they are there. As in llama.cpp, arrays do not nest.
fn skip(cursor: &mut Cursor<'_>, kind: u32, items: usize) -> Result<(), Fault> {
    let what = "an array";
    let size = match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        8 => {
            for _ in 0..items {
                let length = count(cursor, 1, what)?;
                cursor.take(length as u64, what)?;
            }
            return Ok(());
        }
        ARRAY => return cursor.fail("an array of arrays, expected values of another type"),
        _ => return cursor.fail(format!("metadata value type: found {kind}, expected 0 to 12")),
    };
    match items.checked_mul(size) {
        Some(length) => cursor.take(length as u64, what).map(|_| ()),
        None => cursor.fail(format!("an array's length: found {items}, more than the file holds")),
    }
}

/// All pairs of a file.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    pairs: BTreeMap<String, Value>,
}

impl Metadata {
    pub(super) fn read(cursor: &mut Cursor<'_>, count: usize, map: &Arc<MappedFile>) -> Result<Self, Fault> {
        let mut pairs = BTreeMap::new();
        for _ in 0..count {
            let key = string(cursor, "a metadata key")?;
            let kind = cursor.u32("a metadata type")?;
            let value = Value::read(cursor, kind, map)?;
            if pairs.contains_key(&key) {
                return cursor.fail(format!("metadata key {key}: found twice"));
            }
            pairs.insert(key, value);
        }
        Ok(Self { pairs })
    }

    /// Pairs that no file holds.
    #[cfg(test)]
    pub(super) fn of(pairs: &[(&str, Value)]) -> Self {
        Self { pairs: pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect() }
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

    /// The string under `key`; `None` when absent or of another type.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// A list of texts under `key`; `None` when absent or of another type.
    #[must_use]
    pub fn texts(&self, key: &str) -> Option<Vec<String>> {
        let text = |value| match value {
            Value::Text(text) => Some(text),
            _ => None,
        };
        self.get(key)?.as_array()?.iter().map(text).collect()
    }

    /// A list of numbers under `key`; `None` when absent or of another type.
    #[must_use]
    pub fn numbers(&self, key: &str) -> Option<Vec<f64>> {
        self.get(key)?.as_array()?.iter().map(|value| value.as_f64()).collect()
    }
}
