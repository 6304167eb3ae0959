//! The service behind a toolkit: its address, its key, and the settings that the toolkit understands.

use reqwest::Url;
use serde_json::Value;

use crate::action::local::Failure;
use crate::action::{Readiness, Service, ToolSettings};

/// Whether a service wants a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::action) enum KeyUse {
    /// The tool's own address asks for one. An address of the owner's own may do without.
    Needed,
    /// The service has no keys.
    Unused,
}

/// What a toolkit understands of its `[services.NAME]` table.
#[derive(Clone, Copy, Debug)]
pub(in crate::action) struct Known {
    /// Address of the service unless the table names one; empty if there is no such address.
    pub(in crate::action) endpoint: &'static str,
    pub(in crate::action) key: KeyUse,
    /// Names below `extra`, and `allow` if the toolkit opens addresses.
    pub(in crate::action) names: &'static [&'static str],
}

/// The service of one toolkit.
#[derive(Clone, Debug)]
pub(in crate::action) struct Provider {
    name: String,
    service: Service,
    known: Known,
}

impl Provider {
    /// The service that is configured under the toolkit's name.
    pub(in crate::action) fn new(name: &str, settings: &ToolSettings, known: Known) -> Self {
        let service = settings.services.get(name).cloned().unwrap_or_default();
        Self { name: name.to_owned(), service, known }
    }

    /// The table itself.
    pub(in crate::action) fn service(&self) -> &Service {
        &self.service
    }

    /// A problem with one setting of the table.
    pub(in crate::action) fn problem(&self, setting: &str, message: &str) -> String {
        format!("unavailable: services.{}.{setting}: {message}", self.name)
    }

    /// The first setting that the toolkit would ignore, as a problem.
    pub(in crate::action) fn ignored(&self) -> Option<String> {
        let known = self.known.names;
        if !self.service.allow.is_empty() && !known.contains(&"allow") {
            return Some(
                self.problem("allow", "this tool opens no addresses of the model, expected nothing"),
            );
        }
        let has_key = self.service.key_file.is_some() || self.service.key_variable.is_some();
        if has_key && self.known.key == KeyUse::Unused {
            return Some(self.problem("key-file", "this service takes no key, expected nothing"));
        }
        let unknown = self.service.extra.keys().find(|name| !known.contains(&name.as_str()))?;
        let names: Vec<&str> = known.iter().copied().filter(|name| *name != "allow").collect();
        let expected =
            if names.is_empty() { "nothing".to_owned() } else { format!("one of {}", names.join(", ")) };
        Some(self.problem(&format!("extra.{unknown}"), &format!("unknown, expected {expected}")))
    }

    /// Whether the table is right and complete.
    pub(in crate::action) fn readiness(&self) -> Readiness {
        let reason = self.ignored().or_else(|| self.missing());
        reason.map_or(Readiness::Ready, |reason| Readiness::Unavailable { reason })
    }

    fn missing(&self) -> Option<String> {
        let name = &self.name;
        if self.known.endpoint.is_empty() && self.service.endpoint.is_none() {
            return Some(format!("unavailable: needs an endpoint services.{name}.endpoint"));
        }
        match self.service.key() {
            Err(message) => Some(self.problem("key", &message)),
            Ok(None) if self.known.key == KeyUse::Needed && self.service.endpoint.is_none() => {
                let keys = "key-file or key-variable";
                Some(format!(
                    "unavailable: needs a key of {} in services.{name}: {keys}",
                    self.known.endpoint
                ))
            }
            Ok(_) => None,
        }
    }

    /// The key; `None` if the service does without.
    pub(in crate::action) fn key(&self) -> Result<Option<String>, Failure> {
        self.service.key().map_err(Failure::tool)
    }

    /// One of the table's own settings as a whole number from 1.
    pub(in crate::action) fn count(&self, name: &str, default: usize) -> Result<usize, String> {
        let Some(found) = self.service.extra.get(name) else { return Ok(default) };
        let number = found.as_u64().and_then(|number| usize::try_from(number).ok());
        number.filter(|number| *number > 0).ok_or_else(|| {
            self.problem(&format!("extra.{name}"), &format!("found {found}, expected a whole number from 1"))
        })
    }

    /// One of the table's own settings as a text.
    pub(in crate::action) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        match self.service.extra.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(found) => {
                Err(self.problem(&format!("extra.{name}"), &format!("found {found}, expected a text")))
            }
        }
    }

    /// One of the table's own settings as a text, or this default.
    pub(in crate::action) fn text_or<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str, Failure> {
        Ok(self.text(name).map_err(Failure::tool)?.unwrap_or(default))
    }

    /// The address of the service.
    pub(in crate::action) fn endpoint(&self) -> &str {
        self.service.endpoint.as_deref().unwrap_or(self.known.endpoint).trim_end_matches('/')
    }

    /// The address of a route below the service with a query.
    pub(in crate::action) fn url(&self, route: &str, query: &[(&str, &str)]) -> Result<Url, Failure> {
        let text = format!("{}{route}", self.endpoint());
        let url = if query.is_empty() { Url::parse(&text) } else { Url::parse_with_params(&text, query) };
        url.map_err(|error| Failure::tool(format!("services.{}.endpoint: `{text}`: {error}", self.name)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KNOWN: Known = Known { endpoint: "https://service.example", key: KeyUse::Needed, names: &["topk"] };

    fn provider(service: Service) -> Provider {
        Provider::new("T", &ToolSettings::default().with_service("T", service), KNOWN)
    }

    fn reason(service: Service) -> String {
        match provider(service).readiness() {
            Readiness::Ready => "ready".to_owned(),
            Readiness::Unavailable { reason } => reason,
        }
    }

    #[test]
    fn what_is_missing_or_would_be_ignored_is_named() {
        let expected =
            "unavailable: needs a key of https://service.example in services.T: key-file or key-variable";
        assert_eq!(reason(Service::default()), expected);
        assert_eq!(reason(Service::at("http://own")), "ready");
        let mut service = Service::at("http://own");
        service.extra.insert("top".to_owned(), json!(1));
        assert_eq!(reason(service), "unavailable: services.T.extra.top: unknown, expected one of topk");
        let service = Service { allow: vec!["a".to_owned()], ..Service::at("http://own") };
        assert!(reason(service).starts_with("unavailable: services.T.allow: "));
    }

    #[test]
    fn settings_and_addresses_are_read() {
        let mut service = Service::at("http://own/api/");
        service.extra.insert("topk".to_owned(), json!(0));
        let provider = provider(service);
        assert!(
            provider.count("topk", 3).expect_err("zero").ends_with("found 0, expected a whole number from 1")
        );
        assert_eq!(provider.count("other", 3), Ok(3));
        let url = provider.url("/search", &[("q", "a b&c")]).expect("is an address");
        assert_eq!(url.as_str(), "http://own/api/search?q=a+b%26c");
    }
}
