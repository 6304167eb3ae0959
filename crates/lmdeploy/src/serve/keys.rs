//! [`ApiKeys`]: who may call the server.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq;

/// What the Anthropic clients put the key into.
const X_API_KEY: &str = "x-api-key";
/// The scheme of `Authorization`, which is not case-sensitive.
const BEARER: &str = "bearer";

/// The keys of a server; without any, everybody may call it.
#[derive(Clone, Default)]
pub(super) struct ApiKeys {
    keys: Arc<[String]>,
}

impl std::fmt::Debug for ApiKeys {
    /// Keys stay out of logs.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "ApiKeys({})", self.keys.len())
    }
}

impl ApiKeys {
    /// Space around a key does not belong to it.
    pub(super) fn new(keys: &[String]) -> Self {
        Self { keys: keys.iter().map(|key| key.trim().to_owned()).collect() }
    }

    /// Whether a request with these headers may be answered.
    pub(super) fn allow(&self, headers: &HeaderMap) -> bool {
        self.keys.is_empty() || sent(headers).any(|key| self.has(key))
    }

    /// Compares with every key, each in a time that does not tell how much of it was right.
    fn has(&self, sent: &[u8]) -> bool {
        let found = self.keys.iter().map(|key| key.as_bytes().ct_eq(sent));
        found.fold(subtle::Choice::from(0), |any, this| any | this).into()
    }
}

/// The keys that a request brings.
fn sent(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let bearer = headers.get_all(header::AUTHORIZATION).into_iter().filter_map(|value| {
        let (scheme, key) = value.as_bytes().split_at_checked(BEARER.len())?;
        (scheme.eq_ignore_ascii_case(BEARER.as_bytes()) && key.starts_with(b" ")).then(|| key.trim_ascii())
    });
    bearer.chain(headers.get_all(X_API_KEY).into_iter().map(|value| value.as_bytes().trim_ascii()))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let read = |&(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(read).collect()
    }

    #[test]
    fn both_headers_carry_a_key() {
        let keys = ApiKeys::new(&["one".to_owned(), " two\n".to_owned()]);
        for pair in [
            ("authorization", "Bearer one"),
            ("authorization", "bearer  two"),
            ("x-api-key", "two"),
            ("x-api-key", " one "),
        ] {
            assert!(keys.allow(&headers(&[pair])), "{pair:?}");
        }
        for pair in [
            ("authorization", "one"),
            ("authorization", "Bearerone"),
            ("authorization", "Basic one"),
            ("authorization", "Bearer"),
            ("authorization", "Digest one"),
            ("authorization", "Bearer on"),
            ("authorization", "Bearer ones"),
            ("x-api-key", ""),
            ("api-key", "one"),
        ] {
            assert!(!keys.allow(&headers(&[pair])), "{pair:?}");
        }
        assert!(keys.allow(&headers(&[("authorization", "Bearer nine"), ("x-api-key", "one")])));
        assert!(!keys.allow(&HeaderMap::new()));
        assert!(ApiKeys::default().allow(&HeaderMap::new()), "no keys: everybody");
    }

    #[test]
    fn keys_are_not_shown() {
        let keys = ApiKeys::new(&["secret".to_owned()]);
        assert_eq!(format!("{keys:?}"), "ApiKeys(1)");
    }
}
