//! The list of the tools of this folder.

use super::{arxiv, browser, google_search, scholar};
use crate::action::Entry;

/// The tools of this folder.
pub(in crate::action) const ENTRIES: &[Entry] = &[
    Entry { name: "ArxivSearch", group: "web", needs: "", build: arxiv::build },
    Entry { name: "GoogleScholar", group: "web", needs: "a key of serpapi.com", build: scholar::build },
    Entry { name: "GoogleSearch", group: "web", needs: "a key of serper.dev", build: google_search::build },
    Entry {
        name: "WebBrowser",
        group: "web",
        needs: "for engines other than DuckDuckGo a key, a SearXNG server or a local index",
        build: |settings| browser::build("WebBrowser", settings),
    },
    Entry {
        name: "BingBrowser",
        group: "web",
        needs: "as WebBrowser",
        build: |settings| browser::build("BingBrowser", settings),
    },
];
