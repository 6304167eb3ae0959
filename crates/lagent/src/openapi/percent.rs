//! Percent notation of values in addresses and forms (RFC 3986).

/// Reserved characters that cannot be mistaken for the borders of a query's fields.
const HARMLESS: &[u8] = b":/?@!$'()*,;";

/// Which characters besides letters, digits and `-._~` keep their form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Keep {
    /// No other characters.
    Unreserved,
    /// Reserved characters, as `allowReserved` asks for.
    Reserved,
}

/// A text in percent notation.
pub(super) fn encoded(text: &str, keep: Keep) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if is_plain || (keep == Keep::Reserved && HARMLESS.contains(&byte)) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The text behind percent notation. What is not valid notation stays as it is.
pub(super) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let digits = text.get(index + 1..index + 3).filter(|_| bytes[index] == b'%');
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            decoded.push(byte);
            index += 3;
        } else {
            decoded.push(bytes[index]);
            index += 1;
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_goes_both_ways() {
        assert_eq!(encoded("a b/ä&=+~", Keep::Unreserved), "a%20b%2F%C3%A4%26%3D%2B~");
        assert_eq!(encoded("a/b?c&d#", Keep::Reserved), "a/b?c%26d%23");
        assert_eq!(decoded("a%20b%2F%C3%A4%+4%4"), "a b/ä%+4%4");
        assert_eq!(decoded("%ff"), "%ff");
    }
}
