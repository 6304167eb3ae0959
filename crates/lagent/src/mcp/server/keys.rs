//! Who calls over HTTP: keys, and the session whose state and files a call may see.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use internlm_kit::hash;
use rmcp::service::{RequestContext, RoleServer};

/// The scheme of `Authorization`, which is not case-sensitive.
const BEARER: &str = "bearer";
/// The session of a client that keeps one. Newer versions of the protocol have no sessions.
const SESSION_ID: &str = "mcp-session-id";
/// Number of hexadecimal digits of a key's hash in the name of its sessions.
const NAME_LENGTH: usize = 16;

/// The hashes of the keys, so that comparing takes a time that tells nothing about them. Empty: no key is asked for.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    hashes: Arc<BTreeSet<String>>,
}

/// Whoever has one key: the beginning of its hash.
#[derive(Clone, Debug)]
struct Tenant(String);

impl Keys {
    /// Space around a key does not belong to it.
    pub(super) fn new(keys: &[String]) -> Self {
        Self { hashes: Arc::new(keys.iter().map(|key| hash::sha256(key.trim())).collect()) }
    }

    /// Returns whose request has these headers, or `None` without a valid key.
    fn find(&self, headers: &HeaderMap) -> Option<Tenant> {
        if self.hashes.is_empty() {
            return Some(Tenant("local".to_owned()));
        }
        let mut sent =
            headers.get_all(header::AUTHORIZATION).into_iter().filter_map(bearer).map(hash::sha256);
        let mut hash = sent.find(|hash| self.hashes.contains(hash))?;
        hash.truncate(NAME_LENGTH);
        Some(Tenant(hash))
    }
}

fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, key) = value.as_bytes().split_at_checked(BEARER.len())?;
    (scheme.eq_ignore_ascii_case(BEARER.as_bytes()) && key.starts_with(b" ")).then(|| key.trim_ascii())
}

/// Lets requests with a valid key pass; others are answered with 401.
pub(super) async fn check_key(State(keys): State<Keys>, mut request: Request, next: Next) -> Response {
    let Some(tenant) = keys.find(request.headers()) else {
        let advice = "a valid API key is needed: `Authorization: Bearer KEY`";
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], advice).into_response();
    };
    request.extensions_mut().insert(tenant);
    next.run(request).await
}

/// The name of the session that a call belongs to; empty on standard input and output, where there is one client.
/// Callers with different keys never share a session.
pub(super) fn session_of(context: &RequestContext<RoleServer>) -> String {
    let Some(parts) = context.extensions.get::<Parts>() else { return String::new() };
    let tenant = parts.extensions.get::<Tenant>().map_or("local", |tenant| tenant.0.as_str());
    let session = parts.headers.get(SESSION_ID).and_then(|value| value.to_str().ok());
    session.map_or(tenant.to_owned(), |session| format!("{tenant}-{session}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &'static str) -> HeaderMap {
        [(header::AUTHORIZATION, HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn a_key_names_its_tenant_and_without_keys_everybody_is_one() {
        let keys = Keys::new(&["one".to_owned(), " two\n".to_owned()]);
        let name = |value| keys.find(&headers(value)).map(|tenant| tenant.0);
        assert_eq!(name("bearer two").map(|name| name.len()), Some(NAME_LENGTH));
        assert_ne!(name("Bearer one"), name("Bearer two"));
        assert_eq!((name("Bearer three"), name("one"), name("Basic one")), (None, None, None));
        let open = Keys::new(&[]);
        assert_eq!(open.find(&HeaderMap::new()).map(|tenant| tenant.0).as_deref(), Some("local"));
        assert!(!format!("{keys:?}").contains("two"));
    }
}
