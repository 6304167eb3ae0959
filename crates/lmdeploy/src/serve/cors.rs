//! [`Cors`]: which pages may call the server from a browser (<https://fetch.spec.whatwg.org/#http-cors-protocol>).
//!
//! A browser asks before it sends JSON or a key to another origin. That question, the preflight, has neither a body nor
//! a key and is answered for every route. The options are upstream's (`lmdeploy/serve/openai/api_server.py`), which
//! hands them to Starlette's `CORSMiddleware`; so are their defaults, except that no other origin is allowed unless it
//! is named.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::config::ServerConfig;
use crate::{Error, Result};

/// Stands for all origins, methods or headers.
const ANY: &str = "*";
/// What `*` means for methods, as Starlette spells it out.
const METHODS: [Method; 7] =
    [Method::DELETE, Method::GET, Method::HEAD, Method::OPTIONS, Method::PATCH, Method::POST, Method::PUT];
/// Request headers that are always allowed, as Starlette does.
const HEADERS: [HeaderName; 4] =
    [header::ACCEPT, header::ACCEPT_LANGUAGE, header::CONTENT_LANGUAGE, header::CONTENT_TYPE];
/// Headers of answers that a page may read in addition to the usual ones.
const EXPOSED: [HeaderName; 2] = [HeaderName::from_static("x-request-id"), header::RETRY_AFTER];
/// How long a browser may remember the answer to a preflight, as Starlette's default.
const MAX_AGE: Duration = Duration::from_secs(600);

/// The checked settings.
#[derive(Clone, Debug)]
pub(super) struct Cors {
    layer: CorsLayer,
    headers: Headers,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Headers {
    Any,
    Listed,
}

impl Cors {
    /// Reads the settings; none when no other origin is allowed, which browsers know by the absence of all headers.
    ///
    /// # Errors
    /// [`Error::Setting`] for what is not an origin, a method or the name of a header.
    pub(super) fn new(config: &ServerConfig) -> Result<Option<Self>> {
        let expected = "* or origins such as https://chat.example:8080, without a path";
        let origins = match (is_any(&config.allow_origins), config.allow_credentials) {
            (true, false) => AllowOrigin::any(),
            // Browsers do not take `*` from a server that allows credentials.
            (true, true) => AllowOrigin::mirror_request(),
            (false, _) => AllowOrigin::list(read("allow-origins", &config.allow_origins, expected, origin)?),
        };
        let methods = if is_any(&config.allow_methods) {
            METHODS.to_vec()
        } else {
            let method = |text: &str| Method::from_bytes(text.to_ascii_uppercase().as_bytes()).ok();
            read("allow-methods", &config.allow_methods, "* or methods such as POST", method)?
        };
        let (headers, allowed) = if is_any(&config.allow_headers) {
            // The header `*` of an answer would not include `Authorization`.
            (Headers::Any, AllowHeaders::mirror_request())
        } else {
            let name = |text: &str| HeaderName::from_bytes(text.as_bytes()).ok();
            let named = read("allow-headers", &config.allow_headers, "* or names of headers", name)?;
            (Headers::Listed, AllowHeaders::list(HEADERS.into_iter().chain(named)))
        };
        // Last, so that what is wrong is said in any case.
        if config.allow_origins.is_empty() {
            return Ok(None);
        }
        let layer = CorsLayer::new()
            .allow_origin(origins)
            .allow_credentials(config.allow_credentials)
            .allow_methods(AllowMethods::list(methods))
            .allow_headers(allowed)
            .expose_headers(EXPOSED)
            .max_age(MAX_AGE);
        Ok(Some(Self { layer, headers }))
    }

    /// Adds the headers to every answer of `router`, errors included, and answers preflights in front of it.
    pub(super) fn apply(self, router: Router) -> Router {
        let router = router.layer(self.layer);
        match self.headers {
            Headers::Any => router.layer(from_fn(allow_all_headers)),
            Headers::Listed => router,
        }
    }
}

/// Tells a preflight that asks for no header in particular that all are allowed.
async fn allow_all_headers(request: Request, next: Next) -> Response {
    let preflight = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    if preflight {
        let headers = response.headers_mut().entry(header::ACCESS_CONTROL_ALLOW_HEADERS);
        headers.or_insert(HeaderValue::from_static(ANY));
    }
    response
}

fn is_any(texts: &[String]) -> bool {
    texts.iter().any(|text| text == ANY)
}

/// Reads the entries of the list `key`.
fn read<T>(key: &str, texts: &[String], expected: &str, one: impl Fn(&str) -> Option<T>) -> Result<Vec<T>> {
    let wrong = |text: &String| Error::setting(key, format_args!("`{text}`"), expected);
    texts.iter().map(|text| one(text).ok_or_else(|| wrong(text))).collect()
}

/// An origin as browsers write it: `null`, or scheme, host and port without anything behind them.
fn origin(text: &str) -> Option<HeaderValue> {
    let text = text.to_ascii_lowercase();
    let (scheme, host) = text.split_once("://").unwrap_or_default();
    let written = !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '?', '#', '*']);
    if written || text == "null" { HeaderValue::from_str(&text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(origins: &[&str]) -> ServerConfig {
        ServerConfig::default().with_allow_origins(origins.iter().copied())
    }

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        for text in ["https://chat.example", "http://localhost:3000", "HTTP://[::1]:80", "null", "app://a"] {
            assert!(Cors::new(&config(&[text])).expect(text).is_some(), "{text}");
        }
        for text in ["chat.example", "http://localhost:3000/", "https://", "https://*.a", "", "a\n://b"] {
            let error = Cors::new(&config(&["http://localhost", text])).expect_err(text).to_string();
            assert!(error.starts_with(&format!("allow-origins: found `{text}`, expected *")), "{error}");
        }
        assert!(Cors::new(&config(&[])).expect("no origin").is_none());
        assert!(Cors::new(&config(&["http://a", "*"])).expect("all").is_some());
    }

    #[test]
    fn methods_and_headers_are_checked() {
        let wrong = ServerConfig { allow_methods: vec!["GET POST".to_owned()], ..ServerConfig::default() };
        let error = Cors::new(&wrong).expect_err("two in one").to_string();
        assert_eq!(error, "allow-methods: found `GET POST`, expected * or methods such as POST");
        let wrong = ServerConfig { allow_headers: vec!["x y".to_owned()], ..ServerConfig::default() };
        let error = Cors::new(&wrong).expect_err("not a name").to_string();
        assert_eq!(error, "allow-headers: found `x y`, expected * or names of headers");
    }
}
