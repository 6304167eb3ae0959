//! [`FolderOptions`]: storage type and size of the files of a model folder, and writing one.

use std::path::Path;

use internlm_kit::file;
use internlm_model::Tokenizer;
use internlm_model::config::DType;
use internlm_model::decoder::Decoder;

use super::shards::write_shards;
use crate::export::export_model;
use crate::{Error, Result};

/// How a model folder is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FolderOptions {
    /// Storage type of the weights; `None` keeps that of the base model.
    pub dtype: Option<DType>,
    /// Maximum size of a safetensors file in bytes; a larger tensor has a file of its own.
    pub max_shard_bytes: u64,
}

impl Default for FolderOptions {
    fn default() -> Self {
        Self { dtype: None, max_shard_bytes: Self::SHARD }
    }
}

impl FolderOptions {
    /// Size of a shard that upstream writes by default, in bytes: 2 GB.
    pub const SHARD: u64 = 2_000_000_000;
    /// Name of the staging folder inside of one that is being written.
    const WHOLE: &'static str = ".whole";

    /// The number of bytes that a size such as `2GB`, `500MB` or `1000` means; units are decimal.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for anything else, 0 included.
    pub fn parse_size(text: &str) -> Result<u64> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match text[digits.len()..].to_ascii_uppercase().as_str() {
            "" | "B" => Some(1),
            "KB" => Some(1_000),
            "MB" => Some(1_000_000),
            "GB" => Some(1_000_000_000),
            _ => None,
        };
        let size =
            digits.trim().parse::<u64>().ok().zip(unit).and_then(|(count, unit)| count.checked_mul(unit));
        size.filter(|size| *size > 0)
            .ok_or_else(|| Error::mismatch("size", text, "a whole number from 1 with B, KB, MB or GB"))
    }

    /// Stores weights in `dtype`.
    #[must_use]
    pub fn with_dtype(self, dtype: DType) -> Self {
        Self { dtype: Some(dtype), ..self }
    }

    /// Limits the size of a file of weights.
    #[must_use]
    pub fn with_max_shard_bytes(self, bytes: u64) -> Self {
        Self { max_shard_bytes: bytes, ..self }
    }

    /// Writes `decoder` (adapters merged) with the other files of `base` into the folder `out`; it appears whole or not at
    /// all.
    pub(super) fn export(self, decoder: &Decoder, base: &Path, out: &Path) -> Result<()> {
        let tokenizer = Tokenizer::load(base)?;
        let decoder = match self.dtype {
            Some(dtype) => &decoder.clone().with_dtype(dtype),
            None => decoder,
        };
        if self.max_shard_bytes == Self::SHARD {
            return export_model(decoder, &tokenizer, base, out);
        }
        file::replace_folder(out, |folder| {
            let whole = folder.join(Self::WHOLE);
            export_model(decoder, &tokenizer, base, &whole)?;
            write_shards(&whole, folder, self.max_shard_bytes)?;
            Ok(file::remove_dir_all(&whole)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_numbers_with_decimal_units() {
        for (text, expected) in [("2GB", 2_000_000_000), ("500 mb", 500_000_000), ("1000", 1000), ("7B", 7)] {
            assert_eq!(FolderOptions::parse_size(text).expect(text), expected);
        }
        for text in ["", "0", "GB", "2TB", "1.5GB", "-1", "99999999999GB"] {
            let problem = FolderOptions::parse_size(text).expect_err(text).to_string();
            assert!(problem.contains("expected a whole number"), "{problem}");
        }
    }
}
