//! Where a server is, and names as parts of its paths.

use crate::{Error, Result};

/// Digits of the numbers that stand for bytes in URLs.
const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// The address that routes are put behind; none for what is not the address of a server.
pub(super) fn base(address: &str) -> Option<String> {
    let address = address.trim().trim_end_matches('/');
    let address = address.strip_suffix("/v1").unwrap_or(address);
    let url = reqwest::Url::parse(address).ok()?;
    let has_more = url.query().is_some() || url.fragment().is_some();
    let is_whole = url.path().trim_matches('/').is_empty() && !has_more;
    // As the parser writes it, which passes over white space and capitals.
    let base = || format!("{}://{}", url.scheme(), url.authority());
    (is_whole && matches!(url.scheme(), "http" | "https")).then(base)
}

/// Writes a name as one segment of the path of a route, whatever characters it has; `what` is the name's key in errors.
///
/// ```
/// use lmdeploy::client::segment;
/// assert_eq!(segment("model", "internlm/chat 7b")?, "internlm%2Fchat%207b");
/// # Ok::<(), lmdeploy::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] for a name that a path cannot have: nothing, or a step to another folder.
pub fn segment(what: &str, name: &str) -> Result<String> {
    if matches!(name, "" | "." | "..") {
        return Err(Error::setting(what, format_args!("`{name}`"), "a name that a URL can hold"));
    }
    Ok(encoded(name))
}

/// Text as a part of a URL: every byte but letters, digits and `-._~` in percent notation (RFC 3986, 2.1).
pub(super) fn encoded(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            shown.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
            shown.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_segment() {
        for (name, expected) in [
            ("resp_65a0-1.x~", "resp_65a0-1.x~"),
            ("internlm/internlm2 chat", "internlm%2Finternlm2%20chat"),
            ("a?b#c%", "a%3Fb%23c%25"),
            ("\u{e4}", "%C3%A4"),
        ] {
            assert_eq!(segment("model", name).expect("a segment"), expected);
        }
        for name in ["", ".", ".."] {
            let error = segment("model", name).expect_err("not a segment").to_string();
            assert_eq!(error, format!("model: found `{name}`, expected a name that a URL can hold"));
        }
    }
}
