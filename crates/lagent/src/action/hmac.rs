//! HMAC-SHA256 (RFC 2104), the signature of Jupyter's messages.

use internlm_kit::hash::sha256;

/// Block of SHA-256, bytes.
const BLOCK: usize = 64;

/// The signature of `parts` in their order, as hexadecimal digits.
pub(super) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> String {
    let mut block = [0; BLOCK];
    let hashed = if key.len() > BLOCK { bytes_of(&sha256(key)) } else { key.to_vec() };
    block[..hashed.len()].copy_from_slice(&hashed);
    let padded = |pad: u8| block.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
    let inner = sha256([padded(0x36), parts.concat()].concat());
    sha256([padded(0x5c), bytes_of(&inner)].concat())
}

/// The bytes that hexadecimal digits stand for.
pub(super) fn bytes_of(digits: &str) -> Vec<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | value(*digit)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_vectors_of_rfc_4231() {
        assert_eq!(
            hmac_sha256(&[0x0b; 20], &[b"Hi ", b"There"]),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hmac_sha256(b"Jefe", &[b"what do ya want for nothing?"]),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hmac_sha256(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"]),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
