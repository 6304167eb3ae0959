//! Reading the binary format of fastText (`.bin`, `.ftz`): a cursor that knows its byte offset, the header, the matrices.
//!
//! Follows `src/fasttext.cc`, `dictionary.cc`, `quantmatrix.cc` and `productquantizer.cc` of fastText 0.9.2.
//! Every length is checked against the rest of the file before memory is allocated.

use std::path::Path;

use crate::{Error, Result};

/// First four bytes of every model.
const MAGIC: i32 = 793_712_314;
/// Centroids per sub-quantizer: codes are bytes.
const CENTROIDS: usize = 256;
/// A quantized matrix may unfold to this many times the file; fastText's own setting gives 8.
const MAX_UNFOLDING: usize = 64;

/// A place in the file.
pub(super) struct Cursor<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(path: &'a Path, bytes: &'a [u8]) -> Self {
        Self { path, bytes, offset: 0 }
    }

    /// The error for the field of `size` bytes that was just read and is not as `expected`.
    pub(super) fn wrong(&self, size: usize, found: impl ToString, expected: impl Into<String>) -> Error {
        Error::Format {
            path: self.path.to_path_buf(),
            offset: self.offset.saturating_sub(size) as u64,
            found: found.to_string(),
            expected: expected.into(),
        }
    }

    /// Bytes not yet read.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.offset
    }

    pub(super) fn take(&mut self, size: usize) -> Result<&'a [u8]> {
        if size > self.left() {
            let found = format!("{} bytes up to the end of the file", self.left());
            return Err(self.wrong(0, found, format!("{size} bytes of a fastText model")));
        }
        self.offset += size;
        Ok(&self.bytes[self.offset - size..self.offset])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("took N bytes"))
    }

    pub(super) fn int(&mut self) -> Result<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    pub(super) fn long(&mut self) -> Result<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// An integer of `low..=high`; `what` names it in the error.
    pub(super) fn number(&mut self, what: &str, low: i64, high: i64) -> Result<usize> {
        let found = i64::from(self.int()?);
        self.in_range(4, found, what, low, high)
    }

    /// As [`Self::number`], eight bytes wide.
    pub(super) fn long_number(&mut self, what: &str, low: i64, high: i64) -> Result<usize> {
        let found = self.long()?;
        self.in_range(8, found, what, low, high)
    }

    fn in_range(&self, size: usize, found: i64, what: &str, low: i64, high: i64) -> Result<usize> {
        let number = usize::try_from(found).ok().filter(|_| (low..=high).contains(&found));
        number.ok_or_else(|| self.wrong(size, format!("{what} {found}"), format!("{low} to {high}")))
    }

    fn flag(&mut self, what: &str) -> Result<Flag> {
        match self.byte()? {
            0 => Ok(Flag::No),
            1 => Ok(Flag::Yes),
            other => Err(self.wrong(1, format!("{what} {other}"), "0 or 1")),
        }
    }

    /// Text up to a NUL byte.
    pub(super) fn text(&mut self) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.offset..];
        let Some(size) = rest.iter().position(|byte| *byte == 0) else {
            return Err(self.wrong(0, "no end of a word", "a NUL byte"));
        };
        self.offset += size + 1;
        Ok(&rest[..size])
    }

    fn floats(&mut self, count: usize) -> Result<Vec<f32>> {
        let size = count.saturating_mul(4);
        let bytes = self.take(size)?;
        let floats =
            bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        let floats: Vec<f32> = floats.collect();
        match floats.iter().position(|float| !float.is_finite()) {
            None => Ok(floats),
            Some(place) => Err(self.wrong(size - 4 * place, floats[place], "a finite number")),
        }
    }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Flag {
    No,
    Yes,
}

/// How the output layer gives probabilities.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LossName {
    /// Hierarchical softmax over a Huffman tree of the labels.
    Hierarchical,
    /// Softmax, also for models trained by negative sampling.
    Softmax,
    /// Independent sigmoids.
    OneVersusAll,
}

/// The training arguments that matter for prediction.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// Numbers per row of the matrices.
    pub(super) dim: usize,
    /// Maximum length of word n-grams that have a row.
    pub(super) word_ngrams: usize,
    pub(super) loss: LossName,
    /// Hash buckets of n-grams.
    pub(super) buckets: usize,
    /// Minimum and maximum length of character n-grams.
    pub(super) min_n: usize,
    pub(super) max_n: usize,
}

impl Header {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self> {
        let magic = cursor.int()?;
        if magic != MAGIC {
            let expected = format!("{MAGIC:#x}, the start of a fastText model");
            return Err(cursor.wrong(4, format!("{magic:#x}"), expected));
        }
        let version = cursor.number("format version", 11, 12)?;
        let dim = cursor.number("dimension", 1, 1 << 16)?;
        // Context window, epochs, minimum count, negative samples: for training only.
        cursor.take(16)?;
        let word_ngrams = cursor.number("longest word n-gram", 0, 100)?;
        let loss = match cursor.number("loss", 1, 4)? {
            1 => LossName::Hierarchical,
            4 => LossName::OneVersusAll,
            _ => LossName::Softmax,
        };
        cursor.number("kind of model", 3, 3)?;
        let buckets = cursor.number("buckets", 0, 1 << 28)?;
        let min_n = cursor.number("shortest character n-gram", 0, 100)?;
        let max_n = cursor.number("longest character n-gram", 0, 100)?;
        // Update rate and sampling threshold.
        cursor.take(12)?;
        // Supervised models of version 11 were written without character n-grams.
        let max_n = if version == 11 { 0 } else { max_n };
        Ok(Self { dim, word_ngrams, loss, buckets, min_n, max_n })
    }
}

/// Rows of `f32`, quantized ones unfolded.
pub(super) struct Matrix {
    pub(super) rows: usize,
    pub(super) values: Vec<f32>,
}

/// Input and output matrix, to the end of the file.
pub(super) fn read_matrices(cursor: &mut Cursor<'_>, dim: usize) -> Result<(Matrix, Matrix)> {
    let quantized = cursor.flag("quantized input")?;
    let input = match quantized {
        Flag::Yes => read_quantized(cursor, dim)?,
        Flag::No => read_dense(cursor, dim)?,
    };
    let quantized_output = cursor.flag("quantized output")?;
    let output = match (quantized, quantized_output) {
        (Flag::Yes, Flag::Yes) => read_quantized(cursor, dim)?,
        _ => read_dense(cursor, dim)?,
    };
    match cursor.left() {
        0 => Ok((input, output)),
        left => Err(cursor.wrong(0, format!("{left} more bytes"), "the end of the model")),
    }
}

fn read_shape(cursor: &mut Cursor<'_>, dim: usize) -> Result<usize> {
    let rows = cursor.long_number("matrix rows", 0, i64::from(i32::MAX))?;
    cursor.long_number("matrix columns", dim as i64, dim as i64)?;
    Ok(rows)
}

fn read_dense(cursor: &mut Cursor<'_>, dim: usize) -> Result<Matrix> {
    let rows = read_shape(cursor, dim)?;
    Ok(Matrix { rows, values: cursor.floats(rows.saturating_mul(dim))? })
}

fn read_quantized(cursor: &mut Cursor<'_>, dim: usize) -> Result<Matrix> {
    let with_norms = cursor.flag("quantized norms")?;
    let rows = read_shape(cursor, dim)?;
    let size = cursor.number("bytes of codes", 0, i64::from(i32::MAX))?;
    let limit = cursor.bytes.len().saturating_mul(MAX_UNFOLDING) / 4;
    if rows.saturating_mul(dim) > limit {
        return Err(cursor.wrong(4, format!("{rows} rows of {dim}"), format!("at most {limit} numbers")));
    }
    let codes = cursor.take(size)?;
    let quantizer = Quantizer::read(cursor, dim)?;
    if size != rows * quantizer.parts {
        let expected = format!("{} bytes of codes", rows * quantizer.parts);
        return Err(cursor.wrong(0, format!("{size} bytes of codes"), expected));
    }
    let mut values = Vec::with_capacity(rows * dim);
    for row in codes.chunks_exact(quantizer.parts) {
        quantizer.unfold(row, &mut values);
    }
    if with_norms == Flag::Yes {
        let norm_codes = cursor.take(rows)?;
        let norms = Quantizer::read(cursor, 1)?;
        for (row, code) in values.chunks_exact_mut(dim).zip(norm_codes) {
            let norm = norms.centroids[usize::from(*code)];
            row.iter_mut().for_each(|value| *value *= norm);
        }
    }
    Ok(Matrix { rows, values })
}

/// A product quantizer: a row is cut into parts, each is one of 256 centroids.
struct Quantizer {
    parts: usize,
    /// Numbers per part, and of the last part.
    width: usize,
    last_width: usize,
    /// Part after part, centroid after centroid.
    centroids: Vec<f32>,
}

impl Quantizer {
    fn read(cursor: &mut Cursor<'_>, dim: usize) -> Result<Self> {
        let high = dim as i64;
        cursor.number("quantizer dimension", high, high)?;
        let parts = cursor.number("quantizer parts", 1, high)?;
        let width = cursor.number("quantizer part width", 1, high)?;
        let last_width = cursor.number("quantizer last part width", 1, width as i64)?;
        if (parts - 1) * width + last_width != dim {
            let found = format!("{parts} parts of {width}, the last of {last_width}");
            return Err(cursor.wrong(12, found, format!("parts that add up to {dim}")));
        }
        Ok(Self { parts, width, last_width, centroids: cursor.floats(dim * CENTROIDS)? })
    }

    fn unfold(&self, codes: &[u8], values: &mut Vec<f32>) {
        for (part, code) in codes.iter().enumerate() {
            let width = if part + 1 == self.parts { self.last_width } else { self.width };
            let start = part * CENTROIDS * self.width + usize::from(*code) * width;
            values.extend_from_slice(&self.centroids[start..start + width]);
        }
    }
}
