//! The settings of `WebBrowser`: engine, rules for addresses, and which results are kept.

use serde_json::Value;

use super::guard::{Guard, Private};
use super::hit::{Filter, Hit};
use super::page;
use super::provider::Provider;
use super::search::{Engine, Query, index};
use crate::action::local::Failure;
use crate::action::{CallContext, Readiness, ToolSettings};

/// Upstream's number of results.
const RESULTS: usize = 20;
/// Upstream's list of addresses that are left out.
const BLOCKED: [&str; 4] = ["enoN", "youtube.com", "bilibili.com", "researchgate.net"];

/// The settings of one toolkit.
#[derive(Debug)]
pub(super) struct Setup {
    provider: Provider,
    engine: Engine,
    guard: Guard,
    filter: Filter,
}

impl Setup {
    /// Reads the table of the toolkit's service.
    ///
    /// # Errors
    /// The setting that is wrong.
    pub(super) fn new(name: &str, settings: &ToolSettings) -> Result<Self, String> {
        let service = settings.services.get(name).cloned().unwrap_or_default();
        let problem = |setting: &str, message: String| {
            format!("unavailable: services.{name}.extra.{setting}: {message}")
        };
        let engine = match service.extra.get("backend") {
            None => Engine::DuckDuckGo,
            Some(Value::String(name)) => {
                Engine::named(name).map_err(|message| problem("backend", message))?
            }
            Some(found) => return Err(problem("backend", format!("found {found}, expected a text"))),
        };
        let private = match service.extra.get("private") {
            None | Some(Value::Bool(false)) => Private::Refused,
            Some(Value::Bool(true)) if service.allow.is_empty() => {
                return Err(problem("private", "found true, expected the hosts in `allow` too".to_owned()));
            }
            Some(Value::Bool(true)) => Private::Listed,
            Some(found) => return Err(problem("private", format!("found {found}, expected true or false"))),
        };
        let blocked = match service.extra.get("block") {
            None => BLOCKED.map(str::to_owned).to_vec(),
            Some(found) => texts(found)
                .ok_or_else(|| problem("block", format!("found {found}, expected a list of texts")))?,
        };
        if engine == Engine::Local && service.endpoint.is_some() {
            return Err(format!(
                "unavailable: services.{name}.endpoint: a local index has none, expected nothing"
            ));
        }
        let guard = Guard::new(&service.allow, private);
        let provider = Provider::new(name, settings, engine.known());
        let filter = Filter { results: provider.count("topk", RESULTS)?, blocked };
        Ok(Self { provider, engine, guard, filter })
    }

    /// Whether the engine can be asked.
    pub(super) fn readiness(&self) -> Readiness {
        let ready = self.provider.readiness();
        match (ready, self.engine) {
            (Readiness::Ready, Engine::Local) => index(&self.provider)
                .map_or_else(|reason| Readiness::Unavailable { reason }, |_| Readiness::Ready),
            (ready, _) => ready,
        }
    }

    /// Asks the engine once and filters its results.
    pub(super) fn search(&self, text: &str, context: &CallContext<'_>) -> Result<Vec<Hit>, Failure> {
        let query = Query { text, results: self.filter.results, context: *context };
        Ok(self.filter.apply(self.engine.search(&self.provider, &query)?))
    }

    /// Opens a page: of the owner's index if it has the address, otherwise of the web.
    pub(super) fn open(&self, url: &str, context: &CallContext<'_>) -> Result<String, Failure> {
        if self.engine == Engine::Local
            && let Some(text) =
                index(&self.provider).and_then(|index| index.page(url)).map_err(Failure::tool)?
        {
            return Ok(text);
        }
        page::open(url, &self.guard, context)
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::action::Service;

    fn reason(extra: &[(&str, Value)]) -> String {
        let extra = extra.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let service = Service { extra, ..Service::default() };
        let settings = ToolSettings::default().with_service("WebBrowser", service);
        match Setup::new("WebBrowser", &settings).map(|setup| setup.readiness()) {
            Ok(Readiness::Ready) => "ready".to_owned(),
            Ok(Readiness::Unavailable { reason }) | Err(reason) => reason,
        }
    }

    #[test]
    fn every_setting_is_checked() {
        assert_eq!(reason(&[]), "ready");
        assert_eq!(reason(&[("backend", json!("DuckDuckGoSearch"))]), "ready");
        let wrong = reason(&[("backend", json!("altavista"))]);
        assert!(wrong.starts_with(
            "unavailable: services.WebBrowser.extra.backend: found `altavista`, expected one of"
        ));
        assert!(
            reason(&[("backend", json!("bing"))]).starts_with("unavailable: needs a key of https://api.bing")
        );
        let expected = "unavailable: needs an endpoint services.WebBrowser.endpoint";
        assert_eq!(reason(&[("backend", json!("searxng"))]), expected);
        assert!(reason(&[("topk", json!(0))]).contains("extra.topk: found 0"));
        assert!(reason(&[("private", json!("yes"))]).contains("extra.private: found \"yes\""));
        assert!(reason(&[("private", json!(true))]).contains("expected the hosts in `allow` too"));
        assert!(reason(&[("block", json!("x"))]).contains("extra.block"));
        assert!(reason(&[("index", json!("x"))]).contains("extra.index: unknown"));
        assert!(reason(&[("backend", json!("local"))]).contains("extra.index: missing"));
    }
}
