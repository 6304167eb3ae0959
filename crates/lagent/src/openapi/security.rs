//! Security schemes: how an operation wants to be told who calls.

use std::collections::BTreeMap;

use super::document::Node;

/// Where a key is sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum KeyPlace {
    Header(String),
    Query(String),
    Cookie(String),
}

/// One entry of `securitySchemes`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Scheme {
    /// A key in a header, in the query or in a cookie.
    ApiKey(KeyPlace),
    /// User name and password.
    Basic,
    /// A token; also OpenID Connect, whose tokens the owner obtains elsewhere.
    Bearer,
    /// A token that the owner has, or that is fetched from this address with the credentials of a client.
    OAuth2 { token_url: Option<String> },
    /// The description requires a scheme that it does not describe, so the configuration must.
    Undescribed,
}

/// Schemes by name; those that cannot be used with the reason.
pub(super) type Schemes = BTreeMap<String, Result<Scheme, String>>;

/// Schemes of which one alternative must be fulfilled, each of which needs all of its names.
pub(super) type Alternatives = Vec<Vec<String>>;

/// Reads all schemes of a description.
pub(super) fn schemes(root: Node<'_>) -> Schemes {
    let described = root.get("components").and_then(|components| components.get("securitySchemes"));
    let described = described.into_iter().flat_map(Node::fields);
    described.map(|(name, node)| (name.to_owned(), node.resolved().and_then(scheme))).collect()
}

fn scheme(node: Node<'_>) -> Result<Scheme, String> {
    match node.text("type").unwrap_or_default() {
        "apiKey" => key_place(node).map(Scheme::ApiKey),
        "http" => match node.text("scheme").unwrap_or_default().to_ascii_lowercase().as_str() {
            "basic" => Ok(Scheme::Basic),
            "bearer" | "oauth" => Ok(Scheme::Bearer),
            other => Err(format!("found the http scheme `{other}`, expected basic or bearer")),
        },
        "oauth2" => {
            let flow = node.get("flows").and_then(|flows| flows.get("clientCredentials"));
            Ok(Scheme::OAuth2 { token_url: flow.and_then(|flow| flow.text("tokenUrl")).map(str::to_owned) })
        }
        "openIdConnect" => Ok(Scheme::Bearer),
        other => Err(format!("found the type `{other}`, expected apiKey, http, oauth2 or openIdConnect")),
    }
}

fn key_place(node: Node<'_>) -> Result<KeyPlace, String> {
    let name =
        node.text("name").ok_or("found no name, expected that of a header, parameter or cookie")?.to_owned();
    match node.text("in").unwrap_or_default() {
        "header" => Ok(KeyPlace::Header(name)),
        "query" => Ok(KeyPlace::Query(name)),
        "cookie" => Ok(KeyPlace::Cookie(name)),
        other => Err(format!("found a key in `{other}`, expected header, query or cookie")),
    }
}

/// The alternatives of an operation, without those that cannot be used. Empty if no credentials are needed.
///
/// # Errors
/// The reasons when none of several alternatives can be used.
pub(super) fn alternatives(operation: Node<'_>, schemes: &Schemes) -> Result<Alternatives, String> {
    let root = operation.root();
    let node = if operation.get("security").is_some() { operation } else { root };
    let mut usable = Vec::new();
    let mut reasons = Vec::new();
    for requirement in node.list("security") {
        let names: Vec<String> = requirement.fields().map(|(name, _)| name.to_owned()).collect();
        let problem = names.iter().find_map(|name| match schemes.get(name) {
            Some(Err(reason)) => Some(format!("security `{name}`: {reason}")),
            _ => None,
        });
        match problem {
            Some(reason) => reasons.push(reason),
            None => usable.push(names),
        }
    }
    if usable.is_empty() && !reasons.is_empty() { Err(reasons.join("; ")) } else { Ok(usable) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::openapi::document::Documents;
    use crate::openapi::place::Place;

    #[test]
    fn schemes_and_alternatives() {
        let root = json!({
            "components": {"securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
                "login": {"type": "http", "scheme": "Basic"},
                "client": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://a/token"}}},
                "signed": {"type": "http", "scheme": "hmac"},
            }},
            "security": [{"key": [], "login": []}, {"signed": []}],
            "default": {},
            "open": {"security": []},
            "maybe": {"security": [{}, {"client": []}]},
            "other": {"security": [{"unheard": []}]},
            "never": {"security": [{"signed": []}]},
        });
        let documents = Documents::of(Place::of("a.json").expect("is a path"), root);
        let schemes = schemes(documents.root());
        assert_eq!(schemes["key"], Ok(Scheme::ApiKey(KeyPlace::Header("X-Key".to_owned()))));
        assert_eq!(schemes["client"], Ok(Scheme::OAuth2 { token_url: Some("https://a/token".to_owned()) }));
        let found = |name: &str| {
            let alternatives = alternatives(documents.root().get(name).expect("is there"), &schemes);
            alternatives.map(|alternatives| json!(alternatives))
        };
        assert_eq!(found("default"), Ok(json!([["key", "login"]])));
        assert_eq!(found("open"), Ok(json!([])));
        assert_eq!(found("maybe"), Ok(json!([[], ["client"]])));
        assert_eq!(found("other"), Ok(json!([["unheard"]])));
        let error: Result<Value, String> = found("never");
        let expected = "security `signed`: found the http scheme `hmac`, expected basic or bearer";
        assert_eq!(error, Err(expected.to_owned()));
    }
}
