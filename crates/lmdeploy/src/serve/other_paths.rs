//! [`listed`]: routes that are also reached under other paths.
//!
//! A client's base address may lack `/v1`, and llama.cpp's server answers it all the same. `/completions` is left out:
//! llama.cpp has another protocol there.

use std::borrow::Cow;

/// Paths that are also served without [`VERSION`], with everything below them.
const WITHOUT_VERSION: [&str; 4] = ["/v1/chat/completions", "/v1/embeddings", "/v1/models", "/v1/responses"];
/// What is left out.
const VERSION: &str = "/v1";
/// Further names: the path of a route, and what llama.cpp or vLLM call it.
const NAMES: [(&str, &str); 2] = [("/health", "/v1/health"), ("/wakeup", "/wake_up")];

/// The other path of the route that is listed as `path`, if it has one.
pub(super) fn other(path: &str) -> Option<&str> {
    let named = NAMES.iter().find(|(listed, _)| *listed == path).map(|(_, other)| *other);
    named.or_else(|| path.strip_prefix(VERSION).filter(|_| has_two(path)))
}

/// The path under which a route is listed, for any path of it; both as axum writes them.
pub(super) fn listed(path: &str) -> Cow<'_, str> {
    if let Some(listed) = NAMES.iter().find(|(_, other)| *other == path).map(|(listed, _)| *listed) {
        return Cow::Borrowed(listed);
    }
    let versioned = format!("{VERSION}{path}");
    if has_two(&versioned) { Cow::Owned(versioned) } else { Cow::Borrowed(path) }
}

/// Whether a path with the version is also served without it.
fn has_two(path: &str) -> bool {
    let mut rests = WITHOUT_VERSION.iter().filter_map(|start| path.strip_prefix(*start));
    rests.any(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_found_under_both_of_its_paths() {
        for (path, short) in [
            ("/v1/chat/completions", "/chat/completions"),
            ("/v1/chat/completions/input_tokens", "/chat/completions/input_tokens"),
            ("/v1/models", "/models"),
            ("/v1/models/{*model}", "/models/{*model}"),
            ("/v1/responses/{response_id}", "/responses/{response_id}"),
            ("/health", "/v1/health"),
            ("/wakeup", "/wake_up"),
        ] {
            assert_eq!(other(path), Some(short), "{path}");
            assert_eq!((listed(path), listed(short)), (path.into(), path.into()), "{path}");
        }
    }

    #[test]
    fn other_routes_have_one_path() {
        for path in
            ["/v1/completions", "/v1/messages", "/v1/encode", "/v1/modelsX", "/generate", "/metrics", "/"]
        {
            assert_eq!((other(path), listed(path)), (None, path.into()), "{path}");
        }
        for path in ["/completions", "/messages", "/encode"] {
            assert_eq!(listed(path), path);
        }
    }
}
