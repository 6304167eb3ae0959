//! [`FastText`]: the model as its users see it, from a line of text to a label.

use std::fmt;
use std::fs;
use std::path::Path;

use internlm_kit::file::AtPath;

use super::format::{Cursor, Header, read_matrices};
use super::output::Output;
use super::vocabulary::Vocabulary;
use crate::{Error, Result};

/// A supervised model, read into memory.
pub struct FastText {
    vocabulary: Vocabulary,
    dim: usize,
    input: Vec<f32>,
    output: Output,
    labels: Vec<String>,
}

/// The best label of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction<'a> {
    /// The label without its prefix `__label__`.
    pub label: &'a str,
    /// Probability of the label, 0 to 1.
    pub probability: f32,
}

impl FastText {
    /// Reads a `.bin` or `.ftz` file.
    ///
    /// # Errors
    /// An unreadable file; [`Error::Format`] with the byte at which it is not a supervised fastText model. The
    /// memory taken is in proportion to the size of the file, whatever the file says.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if !path.exists() {
            let expected = "a fastText model (.ftz or .bin)";
            return Err(Error::Missing { path: path.to_path_buf(), expected });
        }
        let bytes = fs::read(path).at(path, "read")?;
        Self::parse(path, &bytes)
    }

    /// Reads a model from memory; `path` is its name in errors.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn parse(path: impl AsRef<Path>, bytes: &[u8]) -> Result<Self> {
        let path = path.as_ref();
        let mut cursor = Cursor::new(path, bytes);
        let header = Header::read(&mut cursor)?;
        let (dim, loss) = (header.dim, header.loss);
        let (vocabulary, labels) = Vocabulary::read(&mut cursor, header)?;
        let (mut input, output) = read_matrices(&mut cursor, dim)?;
        let rows = |found: usize, expected: usize, name: &str| match found == expected {
            true => Ok(()),
            false => {
                let expected = format!("{expected}, one per feature or label");
                Err(cursor.wrong(0, format!("{found} rows of the {name} matrix"), expected))
            }
        };
        rows(input.rows, vocabulary.rows(), "input")?;
        rows(output.rows, labels.len(), "output")?;
        vocabulary.sort_rows(&mut input.values);
        let counts: Vec<u64> = labels.iter().map(|label| label.count).collect();
        Ok(Self {
            vocabulary,
            dim,
            input: input.values,
            output: Output::new(output, loss, &counts),
            labels: labels.into_iter().map(|label| label.name).collect(),
        })
    }

    /// The labels, most frequent in training first.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The best label of `text`; white space of any kind separates words. `None` when the model knows neither
    /// any part of the text nor its end.
    #[must_use]
    pub fn predict(&self, text: &str) -> Option<Prediction<'_>> {
        let mut hidden = vec![0.0_f32; self.dim];
        let mut count = 0_u32;
        self.vocabulary.visit(text, |row| {
            count += 1;
            let row = &self.input[row * self.dim..][..self.dim];
            hidden.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        });
        if count == 0 {
            return None;
        }
        let scale = 1.0 / count as f32;
        hidden.iter_mut().for_each(|value| *value *= scale);
        let (label, probability) = self.output.best(&hidden)?;
        // The reference's sums of logarithms exceed 1 by up to 1e-4.
        Some(Prediction { label: &self.labels[label], probability: probability.min(1.0) })
    }
}

impl fmt::Debug for FastText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FastText").field("dim", &self.dim).field("labels", &self.labels.len()).finish()
    }
}
