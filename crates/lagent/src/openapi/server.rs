//! Servers of a description: their addresses, and which one is asked.

use std::collections::BTreeMap;

use reqwest::Url;

use super::document::Node;
use super::place::Place;

/// One entry of `servers`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Server {
    /// An address or a part of one; `{name}` is a variable.
    url: String,
    /// Default values of the variables, and the values that they may have; an empty list allows any.
    variables: BTreeMap<String, (String, Vec<String>)>,
}

impl Server {
    /// The servers that a description, a path or an operation lists.
    pub(super) fn list(node: Node<'_>) -> Vec<Self> {
        node.list("servers").filter_map(Self::of).collect()
    }

    fn of(node: Node<'_>) -> Option<Self> {
        let url = node.text("url")?.trim().to_owned();
        let variables = node.get("variables").into_iter().flat_map(Node::fields).map(|(name, variable)| {
            let allowed =
                variable.list("enum").filter_map(|item| item.value.as_str()).map(str::to_owned).collect();
            let default = variable.text("default").unwrap_or_default().to_owned();
            (name.to_owned(), (default, allowed))
        });
        Some(Self { url, variables: variables.collect() })
    }

    /// The server of a description that lists none: the one that the description comes from.
    pub(super) fn own() -> Self {
        Self { url: "/".to_owned(), variables: BTreeMap::new() }
    }

    /// The server at an address without variables of its own.
    pub(super) fn at(address: &str) -> Self {
        Self { url: address.trim().to_owned(), variables: BTreeMap::new() }
    }

    /// The names of the variables of this server's address.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// The address without a slash at its end. `set` are values of variables; an address that is only a path is one of
    /// the server that the description comes from.
    ///
    /// # Errors
    /// A value that the description does not allow, or an address that is not complete.
    pub(super) fn address(
        &self,
        set: &BTreeMap<String, String>,
        place: Option<&Place>,
    ) -> Result<String, String> {
        let mut url = self.url.clone();
        for (name, (default, allowed)) in &self.variables {
            let value = set.get(name).unwrap_or(default);
            if !allowed.is_empty() && !allowed.contains(value) {
                return Err(format!("{name}: found `{value}`, expected one of {}", allowed.join(", ")));
            }
            url = url.replace(&format!("{{{name}}}"), value);
        }
        if url.contains('{') {
            return Err(format!("found the server `{url}`, expected one whose variables are described"));
        }
        let base = place.and_then(Place::address);
        let whole = match (Url::parse(&url), base) {
            (Ok(whole), _) => whole,
            (Err(_), Some(base)) => base.join(&url).map_err(|error| format!("{url}: {error}"))?,
            (Err(_), None) => return Err(format!("found the server `{url}`, expected a whole address")),
        };
        if !matches!(whole.scheme(), "http" | "https") || whole.host_str().is_none() {
            return Err(format!("found the server `{url}`, expected an address of http or https"));
        }
        Ok(whole.as_str().split(['?', '#']).next().unwrap_or_default().trim_end_matches('/').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::openapi::document::Documents;

    #[test]
    fn addresses_are_completed_or_refused() {
        let file = Place::of("a.json").expect("is a path");
        let root = json!({"servers": [
            {"url": "https://{region}.example.com/v1/", "variables": {"region": {"default": "eu", "enum": ["eu", "us"]}}},
            {"url": "/api"}, {"url": "ftp://x/"}, {"description": "without address"},
        ]});
        let documents = Documents::of(file.clone(), root);
        let servers = Server::list(documents.root());
        assert_eq!(servers.len(), 3);
        let set = |region: &str| BTreeMap::from([("region".to_owned(), region.to_owned())]);
        let address = |server: usize, set, place| servers[server].address(&set, Some(place));
        assert_eq!(address(0, BTreeMap::new(), &file).as_deref(), Ok("https://eu.example.com/v1"));
        assert_eq!(address(0, set("us"), &file).as_deref(), Ok("https://us.example.com/v1"));
        let error = address(0, set("evil.example/"), &file).expect_err("not allowed");
        assert_eq!(error, "region: found `evil.example/`, expected one of eu, us");
        assert!(address(1, BTreeMap::new(), &file).is_err() && address(2, BTreeMap::new(), &file).is_err());
        let from = Place::of("https://example.com/docs/api.json").expect("is an address");
        assert_eq!(address(1, BTreeMap::new(), &from).as_deref(), Ok("https://example.com/api"));
        assert_eq!(servers[0].variables().collect::<Vec<_>>(), ["region"]);
    }
}
