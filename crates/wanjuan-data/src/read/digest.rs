//! [`Digest`]: values of `WARC-Block-Digest` and `WARC-Payload-Digest`.

use std::fmt;

use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A labelled digest: `sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ`, in base 32, hexadecimal or base 64.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Algorithm {
    Sha1,
    Sha256,
    Sha512,
}

/// Why a digest cannot be checked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// An algorithm other than sha1, sha256 and sha512; the digest may still be right.
    #[error("found algorithm `{0}`, expected sha1, sha256 or sha512")]
    Algorithm(String),
    /// Neither base 32 nor base 64 nor hexadecimal of the right length.
    #[error("found `{0}`, expected base 32, base 64 or hexadecimal digits")]
    Digits(String),
}

impl Digest {
    /// Parses a value of the form `algorithm:digits`.
    ///
    /// # Errors
    /// Another algorithm, wrong digits.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let (name, digits) = text.trim().split_once(':').unwrap_or(("", text));
        let algorithm = match name.to_ascii_lowercase().as_str() {
            "sha1" | "sha-1" => Algorithm::Sha1,
            "sha256" | "sha-256" => Algorithm::Sha256,
            "sha512" | "sha-512" => Algorithm::Sha512,
            _ => return Err(DigestError::Algorithm(name.to_owned())),
        };
        let digits = digits.trim();
        let fits = |bytes: &Vec<u8>| bytes.len() == algorithm.length();
        let bare = digits.trim_end_matches('=').as_bytes();
        let bytes = hexadecimal(bare).filter(fits);
        let bytes = bytes.or_else(|| by_bits(bare, 5, base32).filter(fits));
        match bytes.or_else(|| by_bits(bare, 6, base64).filter(fits)) {
            Some(bytes) => Ok(Self { algorithm, bytes }),
            None => Err(DigestError::Digits(digits.to_owned())),
        }
    }

    /// The digest of `bytes` with the same algorithm.
    #[must_use]
    pub fn of_same_kind(&self, bytes: &[u8]) -> Self {
        let digest = match self.algorithm {
            Algorithm::Sha1 => Sha1::digest(bytes).to_vec(),
            Algorithm::Sha256 => Sha256::digest(bytes).to_vec(),
            Algorithm::Sha512 => Sha512::digest(bytes).to_vec(),
        };
        Self { algorithm: self.algorithm, bytes: digest }
    }
}

/// `algorithm:BASE32`.
impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.algorithm {
            Algorithm::Sha1 => "sha1:",
            Algorithm::Sha256 => "sha256:",
            Algorithm::Sha512 => "sha512:",
        })?;
        for group in self.bytes.chunks(5) {
            let mut five = [0; 8];
            five[3..3 + group.len()].copy_from_slice(group);
            let bits = u64::from_be_bytes(five);
            for digit in 0..(group.len() * 8).div_ceil(5) {
                let value = (bits >> (35 - 5 * digit)) & 31;
                write!(formatter, "{}", char::from(BASE32[value as usize]))?;
            }
        }
        Ok(())
    }
}

impl Algorithm {
    fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

fn hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    digits.chunks(2).map(|pair| Some((value(pair[0])? * 16 + value(*pair.get(1)?)?) as u8)).collect()
}

fn base32(digit: u8) -> Option<usize> {
    BASE32.iter().position(|known| *known == digit.to_ascii_uppercase())
}

/// Both alphabets of RFC 4648.
fn base64(digit: u8) -> Option<usize> {
    Some(usize::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// Bytes of digits that hold `width` bits each.
fn by_bits(digits: &[u8], width: u32, value: fn(u8) -> Option<usize>) -> Option<Vec<u8>> {
    let (mut bits, mut count) = (0_u64, 0);
    let mut bytes = Vec::new();
    for digit in digits {
        bits = (bits << width) | value(*digit)? as u64;
        count += width;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_mean_the_same() {
        let empty = "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ";
        let digest = Digest::parse(empty).expect("is base 32");
        assert_eq!(Digest::parse("sha1:2jmj7l5rSw0yVb_vlWAYkK_YBwk="), Ok(digest.clone()));
        assert_eq!(Digest::parse("SHA-1:da39a3ee5e6b4b0d3255bfef95601890afd80709"), Ok(digest.clone()));
        assert_eq!(digest.of_same_kind(b""), digest);
        assert_ne!(digest.of_same_kind(b"x"), digest);
        assert_eq!(digest.to_string(), empty);
        let long = Digest::parse(&format!("sha256:{}", "0".repeat(64))).expect("is hexadecimal");
        assert_eq!(Digest::parse(&long.of_same_kind(b"x").to_string()), Ok(long.of_same_kind(b"x")));
    }

    proptest::proptest! {
        /// Every algorithm in all three spellings, with and without padding.
        #[test]
        fn spellings_of_any_content_are_equal(content: Vec<u8>, algorithm in 0_usize..3) {
            let (name, length) = [("sha1", 20), ("sha256", 32), ("sha512", 64)][algorithm];
            let zero = Digest::parse(&format!("{name}:{}", "00".repeat(length))).expect("is hexadecimal");
            let digest = zero.of_same_kind(&content);
            let hexadecimal: String = digest.bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            let base32 = digest.to_string();
            proptest::prop_assert_eq!(Digest::parse(&format!("{name}:{hexadecimal}")), Ok(digest.clone()));
            proptest::prop_assert_eq!(Digest::parse(&base32.to_lowercase()), Ok(digest.clone()));
            proptest::prop_assert_eq!(Digest::parse(&(base32 + "======")), Ok(digest));
        }
    }

    #[test]
    fn what_cannot_be_checked_is_told() {
        assert_eq!(Digest::parse("md5:00"), Err(DigestError::Algorithm("md5".to_owned())));
        assert_eq!(Digest::parse("sha1:3I42"), Err(DigestError::Digits("3I42".to_owned())));
        assert!(Digest::parse("").is_err());
    }
}
