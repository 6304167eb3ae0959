//! [`CacheSize`]: how much memory keys and values get.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Result};

/// Maximum number of bytes that [`CacheSize::Auto`] takes.
const AUTO_BYTES: usize = 1 << 30;
/// The key of the size in a config file.
const KEY: &str = "cache-max-entry-count";
/// Minimum number of blocks that a cache can work with.
const MIN_BLOCKS: usize = 2;

/// How much memory keys and values get (`cache-max-entry-count`).
///
/// ```
/// use lmdeploy::engine::CacheSize;
/// assert_eq!("512MiB".parse::<CacheSize>()?, CacheSize::Bytes(512 << 20));
/// assert_eq!("0.5".parse::<CacheSize>()?, CacheSize::Share(0.5));
/// assert_eq!("300".parse::<CacheSize>()?, CacheSize::Blocks(300));
/// # Ok::<(), lmdeploy::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CacheSize {
    /// What a full batch of sequences of maximum length needs, but at most 1 GiB. (`auto`)
    Auto,
    /// This many blocks. (A whole number above 1, as upstream.)
    Blocks(usize),
    /// This share of the memory that is available once the weights are loaded. (A number in (0, 1], as upstream.)
    Share(f64),
    /// This many bytes. (`512MiB`, `2GiB`)
    Bytes(usize),
}

impl CacheSize {
    /// Number of blocks of `block_bytes` bytes each; more than `wanted` blocks would never be used. `available` is the free
    /// memory in bytes where they will be, none when nobody can tell.
    ///
    /// # Errors
    /// [`Error::Setting`] with the numbers when it does not fit into memory, or is too small for anything.
    pub fn blocks(self, block_bytes: usize, wanted: usize, available: Option<usize>) -> Result<usize> {
        let blocks = match self {
            Self::Auto => wanted.min(AUTO_BYTES.min(available.unwrap_or(AUTO_BYTES) / 2) / block_bytes),
            Self::Blocks(blocks) => blocks,
            Self::Bytes(bytes) => bytes / block_bytes,
            Self::Share(share) => match available {
                Some(available) => ((available as f64 * share) as usize / block_bytes).min(wanted),
                None => {
                    let expected = "a number of blocks or bytes: this system does not say how much memory is \
                                    available";
                    return Err(Error::setting(KEY, self, expected));
                }
            },
        };
        let bytes = blocks.saturating_mul(block_bytes);
        if available.is_some_and(|available| bytes > available) {
            let mib = |bytes: usize| bytes >> 20;
            let takes = mib(bytes);
            let found = format!("{self}, which takes {takes} MiB ({blocks} blocks of {block_bytes} bytes)");
            let expected = format!("at most the {} MiB that are available", mib(available.unwrap_or(0)));
            return Err(Error::setting(KEY, found, expected));
        }
        if blocks < MIN_BLOCKS {
            let found = format!("{self}, which is {blocks} blocks of {block_bytes} bytes");
            return Err(Error::setting(KEY, found, format_args!("at least {MIN_BLOCKS}")));
        }
        Ok(blocks)
    }
}

impl fmt::Display for CacheSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::Blocks(blocks) => write!(formatter, "{blocks}"),
            Self::Share(share) => write!(formatter, "{share}"),
            Self::Bytes(bytes) => write!(formatter, "{bytes}B"),
        }
    }
}

impl FromStr for CacheSize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fail = || {
            let expected = "`auto`, a share in (0, 1], a number of blocks above 1, or bytes like 512MiB";
            Error::setting(KEY, format_args!("`{text}`"), expected)
        };
        if text == "auto" {
            return Ok(Self::Auto);
        }
        for (unit, shift) in [("KiB", 10), ("MiB", 20), ("GiB", 30), ("B", 0)] {
            if let Some(number) = text.strip_suffix(unit) {
                let number: f64 = number.trim().parse().map_err(|_| fail())?;
                let bytes = number * (1_u64 << shift) as f64;
                return if bytes >= 1.0 && bytes.is_finite() {
                    Ok(Self::Bytes(bytes as usize))
                } else {
                    Err(fail())
                };
            }
        }
        if let Ok(blocks) = text.parse::<usize>()
            && blocks > 1
        {
            return Ok(Self::Blocks(blocks));
        }
        match text.parse::<f64>() {
            Ok(share) if share > 0.0 && share <= 1.0 => Ok(Self::Share(share)),
            _ => Err(fail()),
        }
    }
}

impl Serialize for CacheSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// In TOML, numbers may be written without quotes.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected `auto`, a share, a number of blocks, or bytes like \"512MiB\"")]
enum Written {
    Whole(usize),
    Share(f64),
    Text(String),
}

impl<'de> Deserialize<'de> for CacheSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Written::deserialize(deserializer)? {
            Written::Whole(number) => number.to_string(),
            Written::Share(number) => number.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Bytes that the system could give without swapping; none where it does not say, which only Linux does.
#[cfg(any(feature = "burn", feature = "turbomind"))]
pub(crate) fn available_memory() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_read_or_refused() {
        for (text, size) in [
            ("auto", CacheSize::Auto),
            ("1", CacheSize::Share(1.0)),
            ("2", CacheSize::Blocks(2)),
            ("1.5KiB", CacheSize::Bytes(1536)),
            ("2 GiB", CacheSize::Bytes(2 << 30)),
            ("7B", CacheSize::Bytes(7)),
        ] {
            assert_eq!(text.parse::<CacheSize>().expect("reads"), size);
        }
        for text in ["", "0", "-1", "1.5", "MiB", "0MiB", "NaN", "many", "infMiB", "-3B"] {
            assert!(text.parse::<CacheSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error_with_numbers() {
        let error = CacheSize::Bytes(usize::MAX / 2).blocks(4096, 10, Some(1 << 40)).expect_err("too large");
        assert!(error.to_string().contains("expected at most"), "{error}");
        let error = CacheSize::Bytes(5000).blocks(4096, 10, None).expect_err("one block is too few");
        assert!(error.to_string().contains("1 blocks of 4096 bytes"), "{error}");
        let error = CacheSize::Blocks(1).blocks(4096, 10, None).expect_err("one block is too few");
        assert!(error.to_string().contains("expected at least 2"), "{error}");
    }

    fn size() -> impl Strategy<Value = CacheSize> {
        prop_oneof![
            Just(CacheSize::Auto),
            (2..usize::MAX).prop_map(CacheSize::Blocks),
            (0.0_f64..=1.0).prop_filter("above 0", |share| *share > 0.0).prop_map(CacheSize::Share),
            // Bytes pass through f64, which holds 2^53 exactly.
            (1..1_usize << 53).prop_map(CacheSize::Bytes),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_from_text_and_json(size in size()) {
            prop_assert_eq!(size.to_string().parse::<CacheSize>().expect("reads"), size);
            let json = serde_json::to_string(&size).expect("writes");
            prop_assert_eq!(serde_json::from_str::<CacheSize>(&json).expect("reads"), size);
        }

        #[test]
        fn automatic_sizes_are_enough_and_within_their_limit(block_bytes in 1_usize..1 << 16, wanted in 2..4096_usize) {
            let blocks = CacheSize::Auto.blocks(block_bytes, wanted, Some(1 << 28)).expect("a few blocks fit");
            prop_assert!(blocks * block_bytes <= 1 << 27, "half of the memory");
            let blocks = CacheSize::Auto.blocks(block_bytes, wanted, None).expect("a few blocks fit");
            prop_assert!(blocks <= wanted && blocks * block_bytes <= AUTO_BYTES);
        }
    }
}
