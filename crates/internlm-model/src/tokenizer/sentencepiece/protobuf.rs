//! The wire format of protocol buffers, as much as `sentencepiece_model.proto` needs.
//!
//! A message is a list of fields: varint key = number * 8 + type, then the value: type 0 varint, 1 eight
//! bytes, 2 length and bytes, 5 four bytes.

use std::path::Path;

use crate::Result;
use crate::cursor::{Cursor, Fault};

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) number: u64,
    pub(super) value: Value<'a>,
}

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    /// Text, bytes or a message; with the offset of its first byte in the file.
    Bytes(&'a [u8], u64),
}

impl<'a> Value<'a> {
    pub(super) fn varint(self) -> Option<u64> {
        match self {
            Self::Varint(value) => Some(value),
            _ => None,
        }
    }

    /// An int32 field: negative numbers are written as 64 bits.
    pub(super) fn int32(self) -> Option<i64> {
        self.varint().map(|value| value as i64)
    }

    pub(super) fn float(self) -> Option<f32> {
        match self {
            Self::Fixed32(bytes) => Some(f32::from_le_bytes(bytes)),
            Self::Fixed64(bytes) => Some(f64::from_le_bytes(bytes) as f32),
            _ => None,
        }
    }

    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes, _) => Some(bytes),
            _ => None,
        }
    }
}

/// The fields of the message in `bytes`, which starts at `offset` of the file.
pub(super) struct Fields<'a> {
    path: &'a Path,
    cursor: Cursor<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(path: &'a Path, bytes: &'a [u8], offset: u64) -> Self {
        Self { path, cursor: Cursor::inside(bytes, offset) }
    }

    /// The next field, `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>> {
        if self.cursor.left() == 0 {
            return Ok(None);
        }
        field(&mut self.cursor).map(Some).map_err(|mut fault| {
            fault.message.insert_str(0, "not a SentencePiece model: ");
            fault.in_file(self.path)
        })
    }
}

fn field<'a>(cursor: &mut Cursor<'a>) -> Result<Field<'a>, Fault> {
    let key = varint(cursor)?;
    let value = match key & 7 {
        0 => Value::Varint(varint(cursor)?),
        1 => Value::Fixed64(cursor.array("a field")?),
        2 => {
            let length = varint(cursor)?;
            let offset = cursor.offset();
            Value::Bytes(cursor.take(length, "a field")?, offset)
        }
        5 => Value::Fixed32(cursor.array("a field")?),
        other => return cursor.fail(format!("field type: found {other}, expected 0, 1, 2 or 5")),
    };
    Ok(Field { number: key >> 3, value })
}

fn varint(cursor: &mut Cursor<'_>) -> Result<u64, Fault> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = cursor.byte("a number")?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    cursor.fail("a number longer than 64 bits")
}
