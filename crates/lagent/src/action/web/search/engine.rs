//! The search engines by name, what each understands of the service's table, and one search.

use std::path::Path;

use super::duckduckgo;
use super::json_engines::{bing, brave, searxng, serper};
use super::query::Query;
use super::tencent;
use crate::action::local::Failure;
use crate::action::web::hit::Hit;
use crate::action::web::index::LocalIndex;
use crate::action::web::provider::{KeyUse, Known, Provider};

/// Settings that every engine has.
const COMMON: [&str; 5] = ["allow", "backend", "topk", "block", "private"];

/// A search engine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::action::web) enum Engine {
    DuckDuckGo,
    Bing,
    Brave,
    Google,
    Searxng,
    Tencent,
    /// An index of the owner's own pages.
    Local,
}

impl Engine {
    const NAMES: [(&'static str, Self); 7] = [
        ("duckduckgo", Self::DuckDuckGo),
        ("bing", Self::Bing),
        ("brave", Self::Brave),
        ("google", Self::Google),
        ("searxng", Self::Searxng),
        ("tencent", Self::Tencent),
        ("local", Self::Local),
    ];

    /// The engine of a name, also by upstream's name of the class, such as `BingSearch`.
    ///
    /// # Errors
    /// What was found and what is expected.
    pub(in crate::action::web) fn named(name: &str) -> Result<Self, String> {
        let lower = name.to_ascii_lowercase();
        let plain = lower.strip_suffix("search").unwrap_or(&lower);
        let found = Self::NAMES.iter().find(|(known, _)| *known == plain).map(|(_, engine)| *engine);
        found.ok_or_else(|| {
            let known = Self::NAMES.map(|(known, _)| known).join(", ");
            format!("found `{name}`, expected one of {known}")
        })
    }

    /// What the engine understands of the service's table.
    pub(in crate::action::web) fn known(self) -> Known {
        const PLAIN: &[&str] = &COMMON;
        const REGION: &[&str] = &["allow", "backend", "topk", "block", "private", "region"];
        const BRAVE: &[&str] = &["allow", "backend", "topk", "block", "private", "region", "language"];
        const TENCENT: &[&str] = &["allow", "backend", "topk", "block", "private", "secret-id", "site"];
        const LOCAL: &[&str] = &["allow", "backend", "topk", "block", "private", "index"];
        let (endpoint, key, names) = match self {
            Self::DuckDuckGo => ("https://html.duckduckgo.com/html/", KeyUse::Unused, REGION),
            Self::Bing => ("https://api.bing.microsoft.com/v7.0/search", KeyUse::Needed, REGION),
            Self::Brave => ("https://api.search.brave.com/res/v1/web/search", KeyUse::Needed, BRAVE),
            Self::Google => ("https://google.serper.dev/search", KeyUse::Needed, PLAIN),
            Self::Searxng => ("", KeyUse::Unused, PLAIN),
            Self::Tencent => ("https://tms.tencentcloudapi.com", KeyUse::Needed, TENCENT),
            // Never asked: the engine is a folder.
            Self::Local => ("file:", KeyUse::Unused, LOCAL),
        };
        Known { endpoint, key, names }
    }

    /// Searches once.
    pub(in crate::action::web) fn search(
        self,
        provider: &Provider,
        query: &Query<'_>,
    ) -> Result<Vec<Hit>, Failure> {
        match self {
            Self::DuckDuckGo => duckduckgo::search(provider, query),
            Self::Bing => bing(provider, query),
            Self::Brave => brave(provider, query),
            Self::Google => serper(provider, query),
            Self::Searxng => searxng(provider, query),
            Self::Tencent => tencent::search(provider, query),
            Self::Local => {
                let hits = index(provider).and_then(|index| index.search(query.text, query.results * 2));
                hits.map_err(Failure::tool)
            }
        }
    }
}

/// The owner's index.
///
/// # Errors
/// The setting is wrong, or there is no index.
pub(in crate::action::web) fn index(provider: &Provider) -> Result<LocalIndex, String> {
    match provider.text("index")? {
        Some(path) => LocalIndex::open(Path::new(path)),
        None => Err(provider.problem("extra.index", "missing, expected the folder of `lagent index build`")),
    }
}
