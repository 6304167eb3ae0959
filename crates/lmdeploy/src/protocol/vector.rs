//! [`Vector`]: the numbers of an embedding, as a list or as base64.

use serde::{Deserialize, Serialize};

/// The digits of base64 in the order of their values (RFC 4648, section 4).
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The numbers of an embedding. Both forms have the same bits.
///
/// ```
/// use lmdeploy::protocol::Vector;
/// let vector = Vector::base64(&[1.0, -2.5]);
/// assert_eq!(vector, Vector::Base64("AACAPwAAIMA=".to_owned()));
/// assert_eq!(vector.values(), Some(vec![1.0, -2.5]));
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a list of numbers or a string of base64")]
pub enum Vector {
    /// One number per dimension.
    Floats(Vec<f32>),
    /// The numbers as floats of 32 bits, the lowest byte of each first, in base64 with padding.
    Base64(String),
}

impl Vector {
    /// The compact form of `values`.
    #[must_use]
    pub fn base64(values: &[f32]) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::Base64(encode(&bytes))
    }

    /// The numbers in order. None for text that is not base64 of whole numbers of 32 bits.
    #[must_use]
    pub fn values(&self) -> Option<Vec<f32>> {
        match self {
            Self::Floats(values) => Some(values.clone()),
            Self::Base64(text) => {
                let bytes = decode(text)?;
                let (values, rest) = bytes.as_chunks::<4>();
                rest.is_empty().then(|| values.iter().copied().map(f32::from_le_bytes).collect())
            }
        }
    }
}

impl Default for Vector {
    fn default() -> Self {
        Self::Floats(Vec::new())
    }
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(group) as usize;
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) & 63];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    if digits.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for chunk in digits.chunks(4) {
        let mut bits = 0_u32;
        for (place, digit) in chunk.iter().enumerate() {
            let value = DIGITS.iter().position(|known| known == digit)?;
            bits |= (value as u32) << (18 - 6 * place);
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[1..chunk.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
    }

    #[test]
    fn what_is_not_base64_has_no_values() {
        for text in ["A", "AAAA A==", "AAAAA", "Zg==", "AACAP-=="] {
            assert_eq!(Vector::Base64(text.to_owned()).values(), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_forms_keep_all_bits(values in prop::collection::vec(prop::num::f32::NORMAL, 0..9)) {
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            for vector in [Vector::base64(&values), Vector::Floats(values.clone())] {
                let json = serde_json::to_string(&vector).expect("finite numbers");
                let read: Vector = serde_json::from_str(&json).expect("the same form");
                prop_assert_eq!(bits(&read.values().expect("whole numbers")), bits(&values));
            }
        }
    }
}
