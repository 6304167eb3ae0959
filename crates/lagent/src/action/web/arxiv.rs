//! `ArxivSearch`: articles of arxiv.org from its Atom interface (`arxiv_search.py`).

use std::sync::Arc;

use serde_json::json;

use super::atom::{Article, articles};
use super::http::Request;
use super::provider::{KeyUse, Known, Provider};
use crate::Result;
use crate::action::local::Failure;
use crate::action::parameter::{Kind, required};
use crate::action::toolkit::{Call, Kit, Made, Method, dictionary, tools};
use crate::action::{Action, Readiness, ToolSettings};

const KNOWN: Known =
    Known { endpoint: "https://export.arxiv.org/api/query", key: KeyUse::Unused, names: &[] };
/// Number of articles.
const RESULTS: &str = "3";
/// Maximum length of a query, characters.
const QUERY: usize = 300;
/// Maximum length of a summary, characters.
const SUMMARY: usize = 1500;

const METHODS: &[Method<ArxivSearch>] = &[Method {
    name: "get_arxiv_article_information",
    description: "Run Arxiv search and get the article meta information.",
    parameters: &[required("query", Kind::Text, "the content of search query")],
    run: ArxivSearch::search,
}];

struct ArxivSearch {
    provider: Provider,
}

/// Creates the toolkit.
pub(super) fn build(settings: &ToolSettings) -> Result<Vec<Arc<dyn Action>>> {
    let kit = ArxivSearch { provider: Provider::new("ArxivSearch", settings, KNOWN) };
    Ok(tools("ArxivSearch", kit, METHODS))
}

impl Kit for ArxivSearch {
    fn readiness(&self) -> Readiness {
        self.provider.readiness()
    }
}

impl ArxivSearch {
    fn search(&self, call: &Call<'_>) -> Made {
        let query: String = call.arguments.text("query")?.chars().take(QUERY).collect();
        let pairs = [
            ("search_query", query.as_str()),
            ("id_list", ""),
            ("sortBy", "relevance"),
            ("sortOrder", "descending"),
            ("start", "0"),
            ("max_results", RESULTS),
        ];
        let answer = Request::get(self.provider.url("", &pairs)?).send(&call.context);
        let answer =
            answer.map_err(|failure| Failure::service(format!("Arxiv exception: {}", failure.message)))?;
        let articles = articles(&String::from_utf8_lossy(&answer))
            .map_err(|message| Failure::service(format!("Arxiv exception: {message}")))?;
        let content: Vec<String> = articles.iter().map(printed).collect();
        let content = if content.is_empty() {
            "No good Arxiv Result was found".to_owned()
        } else {
            content.join("\n\n")
        };
        Ok(dictionary(&json!({"content": content})))
    }
}

fn printed(article: &Article) -> String {
    let date: String = article.updated.chars().take_while(|character| *character != 'T').collect();
    let summary: String = article.summary.chars().take(SUMMARY).collect();
    let authors = article.authors.join(", ");
    format!("Published: {date}\nTitle: {}\nAuthors: {authors}\nSummary: {summary}", article.title)
}
