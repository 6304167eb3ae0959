//! [`once`]: headers that mean something only when they are there once.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::failure::Failure;
use crate::Error;

/// The value of the header `name`; proxies may repeat it, but not change it.
///
/// # Errors
/// 400 naming the header when it has two different values: another reader would take the other one.
pub(super) fn once<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h HeaderValue>, Failure> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    match values.find(|other| Some(*other) != first) {
        None => Ok(first),
        Some(_) => Err(Failure(Error::field(name.as_str(), "found two different values, expected one"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_header_is_one_unless_it_changes() {
        let name = HeaderName::from_static("x-a");
        let read = |values: &[&'static str]| {
            let pair = |value: &&'static str| (name.clone(), HeaderValue::from_static(value));
            let headers: HeaderMap = values.iter().map(pair).collect();
            once(&headers, &name).map(|value| value.cloned())
        };
        assert_eq!(read(&[]).ok(), Some(None));
        for values in [&["1"][..], &["1", "1"], &["1", "1", "1"]] {
            assert_eq!(read(values).ok(), Some(Some(HeaderValue::from_static("1"))));
        }
        for values in [&["1", "2"][..], &["1", "1", ""]] {
            let Failure(error) = read(values).expect_err("ambiguous");
            assert_eq!(error.to_string(), "x-a: found two different values, expected one");
        }
    }
}
