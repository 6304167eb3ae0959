//! `GoogleScholar`: articles, authors and citations from SerpApi's engines (`google_scholar_search.py`).

use std::sync::Arc;

use serde_json::{Value, json};

use super::google_search::plain;
use super::http::Request;
use super::provider::{KeyUse, Known, Provider};
use super::scholar_parameters::{AUTHOR, AUTHOR_ID, CITATION, SEARCH};
use crate::Result;
use crate::action::arguments::Arguments;
use crate::action::local::Failure;
use crate::action::toolkit::{Call, Kit, Method, dictionary, tools};
use crate::action::{Action, Readiness, ToolSettings};

const KNOWN: Known = Known { endpoint: "https://serpapi.com/search", key: KeyUse::Needed, names: &[] };
/// Number of articles that are shown.
const SHOWN: usize = 3;
/// Parameters that are whole numbers.
const INTEGERS: [&str; 5] = ["as_ylo", "as_yhi", "scisbd", "start", "num"];
/// Parameters that are true or false, with the names of the service: upstream's cannot be called `async`.
const FLAGS: [(&str, &str); 4] =
    [("no_cache", "no_cache"), ("async_req", "async"), ("async_", "async"), ("_async", "async")];
/// Parameters that are texts.
const TEXTS: [&str; 18] = [
    "author_id",
    "mauthors",
    "q",
    "cites",
    "cluster",
    "hl",
    "lr",
    "as_sdt",
    "safe",
    "filter",
    "as_vis",
    "view_op",
    "sort",
    "citation_id",
    "after_author",
    "before_author",
    "output",
    "query",
];

const METHODS: &[Method<GoogleScholar>] = &[
    Method {
        name: "search_google_scholar",
        description: "Search for scholarly articles based on a query according to the google scholar.",
        parameters: SEARCH,
        run: |kit, call| Ok(dictionary(&found_articles(&kit.ask("google_scholar", call)?)?)),
    },
    Method {
        name: "get_author_information",
        description: "Search for an author's information by author's id provided by get_author_id.",
        parameters: AUTHOR,
        run: |kit, call| Ok(dictionary(&author(&kit.ask("google_scholar_author", call)?)?)),
    },
    Method {
        name: "get_citation_format",
        description: "Function to get MLA citation format by an identification of organic_result's id provided by search_google_scholar.",
        parameters: CITATION,
        run: |kit, call| Ok(plain(part(&kit.ask("google_scholar_cite", call)?, "/citations/0/snippet")?)),
    },
    Method {
        name: "get_author_id",
        description: "The getAuthorId function is used to get the author's id by his or her name.",
        parameters: AUTHOR_ID,
        run: |kit, call| {
            let answer = kit.ask("google_scholar_profiles", call)?;
            Ok(dictionary(&json!({"author_id": part(&answer, "/profiles/0/author_id")?})))
        },
    },
];

struct GoogleScholar {
    provider: Provider,
}

/// Creates the toolkit.
pub(super) fn build(settings: &ToolSettings) -> Result<Vec<Arc<dyn Action>>> {
    let kit = GoogleScholar { provider: Provider::new("GoogleScholar", settings, KNOWN) };
    Ok(tools("GoogleScholar", kit, METHODS))
}

impl Kit for GoogleScholar {
    fn readiness(&self) -> Readiness {
        self.provider.readiness()
    }
}

impl GoogleScholar {
    /// Asks one engine of the service with the arguments of the call.
    fn ask(&self, engine: &str, call: &Call<'_>) -> Result<Value, Failure> {
        let key = self.provider.key()?;
        let given = pairs(call.arguments)?;
        let mut pairs: Vec<(&str, &str)> = vec![("engine", engine)];
        pairs.extend(given.iter().map(|(name, value)| (*name, value.as_str())));
        if let Some(key) = &key {
            pairs.push(("api_key", key.as_str()));
        }
        let request = Request::get(self.provider.url("", &pairs)?).secret(key.as_deref().unwrap_or_default());
        let answer = request.json(&call.context)?;
        match answer.get("error").and_then(Value::as_str) {
            Some(message) => Err(Failure::service(message)),
            None => Ok(answer),
        }
    }
}

/// The arguments of a call with the names of the service.
fn pairs(arguments: Arguments<'_>) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut pairs = Vec::new();
    for name in TEXTS {
        if let Some(text) = arguments.optional_text(name)? {
            match (name, text) {
                // The service would answer with a page instead of data.
                ("output", text) if text != "json" => {
                    return Err(Failure::arguments(format!("output: found `{text}`, expected json")));
                }
                ("output", _) => {}
                ("query", text) => pairs.push(("q", text.to_owned())),
                _ => pairs.push((name, text.to_owned())),
            }
        }
    }
    for name in INTEGERS {
        if let Some(number) = arguments.integer(name, 0..=1_000_000)? {
            pairs.push((name, number.to_string()));
        }
    }
    for (name, service) in FLAGS {
        match arguments.boolean(name)? {
            Some(true) if service == "async" => {
                let reason = "the result would have to be fetched later, expected false";
                return Err(Failure::arguments(format!("{name}: found true, {reason}")));
            }
            Some(value) if service != "async" => pairs.push((service, value.to_string())),
            _ => {}
        }
    }
    Ok(pairs)
}

fn found_articles(answer: &Value) -> Result<Value, Failure> {
    let results = part(answer, "/organic_results")?.as_array().map_or(&[][..], Vec::as_slice);
    let (mut title, mut cited_by, mut organic_id, mut snippets) = (vec![], vec![], vec![], vec![]);
    for item in results.iter().take(SHOWN) {
        let text = |place: &str| item.pointer(place).cloned().unwrap_or_else(|| Value::from(""));
        title.push(text("/title"));
        cited_by.push(text("/inline_links/cited_by/total"));
        organic_id.push(text("/result_id"));
        snippets.push(text("/snippet"));
    }
    Ok(json!({"title": title, "cited_by": cited_by, "organic_id": organic_id, "snippets": snippets}))
}

fn author(answer: &Value) -> Result<Value, Failure> {
    let author = part(answer, "/author")?;
    let text = |name: &str| author.get(name).cloned().unwrap_or_else(|| Value::from(""));
    let articles = answer.get("articles").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let articles: Vec<Value> = articles
        .iter()
        .take(SHOWN)
        .map(|article| json!({"title": article["title"], "authors": article["authors"]}))
        .collect();
    Ok(json!({
        "name": part(answer, "/author/name")?,
        "affiliations": text("affiliations"),
        "website": text("website"),
        "articles": articles,
    }))
}

/// A part that the answer must have.
fn part<'a>(answer: &'a Value, place: &str) -> Result<&'a Value, Failure> {
    let missing =
        || Failure::service(format!("GoogleScholar: found an answer without {place}, expected one with it"));
    answer.pointer(place).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_cut_to_what_upstream_shows() {
        let item = json!({"title": "T", "result_id": "r", "snippet": "s", "inline_links": {"cited_by": {"total": 7}}});
        let bare = json!({"title": "U", "result_id": "q", "snippet": "z", "inline_links": {}});
        let answer = json!({"organic_results": [item, bare]});
        let expected = json!({
            "title": ["T", "U"], "cited_by": [7, ""], "organic_id": ["r", "q"], "snippets": ["s", "z"],
        });
        assert_eq!(found_articles(&answer), Ok(expected));
        assert!(found_articles(&json!({})).is_err());
        let answer = json!({"author": {"name": "N"}, "articles": [{"title": "A", "authors": "N"}]});
        let expected = json!({"name": "N", "affiliations": "", "website": "", "articles": [{"title": "A", "authors": "N"}]});
        assert_eq!(author(&answer), Ok(expected));
    }
}
