//! One result of a search, and which results are kept (`bing_browser.py`, `BaseSearch`).

use serde_json::Value;

use crate::python_text::{Layout, NonAscii, json_dumps};

/// One result of a search.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Hit {
    pub(super) url: String,
    pub(super) title: String,
    pub(super) summary: String,
}

/// Which results are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Filter {
    /// Maximum number of results of one query.
    pub(super) results: usize,
    /// Results whose address contains one of these are left out.
    pub(super) blocked: Vec<String>,
}

impl Filter {
    /// The first results that are not blocked; summaries become the inside of a JSON text, as upstream's.
    pub(super) fn apply(&self, hits: Vec<Hit>) -> Vec<Hit> {
        let is_kept = |hit: &Hit| {
            !self.blocked.iter().any(|domain| hit.url.contains(domain.as_str())) && !hit.url.ends_with(".pdf")
        };
        let hits = hits.into_iter().filter(is_kept).take(self.results);
        hits.map(|hit| Hit { summary: escaped(&hit.summary), ..hit }).collect()
    }
}

/// A text as between the quotes of JSON.
fn escaped(text: &str) -> String {
    let quoted = json_dumps(&Value::from(text), NonAscii::Keep, Layout::Line);
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_and_pdf_results_are_left_out() {
        let hit =
            |url: &str| Hit { url: url.to_owned(), summary: "a \"b\"\nü".to_owned(), ..Hit::default() };
        let filter = Filter { results: 2, blocked: vec!["youtube.com".to_owned()] };
        let urls = ["http://youtube.com/x", "http://a/x.pdf", "http://a", "http://b", "http://c"];
        let kept = filter.apply(urls.map(hit).to_vec());
        assert_eq!(kept.iter().map(|hit| hit.url.as_str()).collect::<Vec<_>>(), ["http://a", "http://b"]);
        assert_eq!(kept[0].summary, "a \\\"b\\\"\\nü");
    }
}
