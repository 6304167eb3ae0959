//! `GoogleSearch`: the answer box, the facts and the snippets of a search, from Serper's API (`google_search.py`).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::http::Request;
use super::provider::{KeyUse, Known, Provider};
use crate::Result;
use crate::action::local::Failure;
use crate::action::parameter::{Kind, optional, required};
use crate::action::toolkit::{Call, Kit, Made, Method, tools};
use crate::action::{Action, Readiness, ToolSettings};
use crate::python_text::repr;

const KNOWN: Known = Known { endpoint: "https://google.serper.dev", key: KeyUse::Needed, names: &[] };
/// Number of results that are used unless the call says otherwise.
const RESULTS: i64 = 10;
/// What upstream says when the answer of the service has no text.
const NOTHING: &str = "No good Google Search Result was found";

const METHODS: &[Method<GoogleSearch>] = &[Method {
    name: "",
    description: "一个可以从谷歌搜索结果的API。当你需要对于一个特定问题找到简短明了的回答时，可以使用它。输入应该是一个搜索查询。",
    parameters: &[
        required("query", Kind::Text, "the search content"),
        optional("k", Kind::Integer, "select first k results in the search results as response"),
    ],
    run: GoogleSearch::run,
}];

struct GoogleSearch {
    provider: Provider,
}

/// Creates the tool.
pub(super) fn build(settings: &ToolSettings) -> Result<Vec<Arc<dyn Action>>> {
    let kit = GoogleSearch { provider: Provider::new("GoogleSearch", settings, KNOWN) };
    Ok(tools("GoogleSearch", kit, METHODS))
}

impl Kit for GoogleSearch {
    fn readiness(&self) -> Readiness {
        self.provider.readiness()
    }
}

impl GoogleSearch {
    fn run(&self, call: &Call<'_>) -> Made {
        let query = call.arguments.text("query")?;
        let results = call.arguments.integer("k", 1..=100)?.unwrap_or(RESULTS);
        let count = results.to_string();
        let url = self.provider.url("/search", &[("q", query), ("k", count.as_str())])?;
        let request = Request::post(url, &Value::Object(Map::new())).key("x-api-key", self.provider.key()?);
        let answer = request.json(&call.context)?;
        Ok(repr(&snippets(&answer, usize::try_from(results).unwrap_or_default())?))
    }
}

/// The texts of an answer, as upstream chooses them.
fn snippets(answer: &Value, results: usize) -> Result<Value, Failure> {
    if let Some(found) = answer_box(answer) {
        return Ok(found);
    }
    let mut texts: Vec<String> = Vec::new();
    if let Some(graph) = answer.get("knowledgeGraph").filter(|graph| graph.is_object()) {
        let title = plain(graph.get("title").unwrap_or(&Value::Null));
        if let Some(kind) = text(graph, "type") {
            texts.push(format!("{title}: {kind}."));
        }
        texts.extend(text(graph, "description").map(str::to_owned));
        texts.extend(attributes(graph).map(|(name, value)| format!("{title} {name}: {value}.")));
    }
    let organic = answer.get("organic").and_then(Value::as_array).ok_or_else(|| {
        Failure::service(format!("GoogleSearch: found {}, expected an answer with `organic`", kinds(answer)))
    })?;
    for result in organic.iter().take(results) {
        texts.extend(text(result, "snippet").map(str::to_owned));
        texts.extend(attributes(result).map(|(name, value)| format!("{name}: {value}.")));
    }
    if texts.is_empty() {
        texts.push(NOTHING.to_owned());
    }
    Ok(Value::from(texts))
}

fn answer_box(answer: &Value) -> Option<Value> {
    let found = answer.get("answerBox")?;
    let one = |text: String| Value::from(vec![text]);
    if let Some(answer) = found.get("answer").filter(|answer| is_given(answer)) {
        return Some(one(plain(answer)));
    }
    if let Some(snippet) = text(found, "snippet") {
        return Some(one(snippet.replace('\n', " ")));
    }
    found.get("snippetHighlighted").filter(|texts| is_given(texts)).cloned()
}

/// A text that is not empty.
fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn is_given(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}

/// Names and values of an object's attributes.
fn attributes(value: &Value) -> impl Iterator<Item = (&str, String)> {
    let attributes = value.get("attributes").and_then(Value::as_object);
    attributes.into_iter().flatten().map(|(name, value)| (name.as_str(), plain(value)))
}

/// A value as Python's `str` prints it.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| repr(value), str::to_owned)
}

/// The names in an object, for messages.
fn kinds(value: &Value) -> String {
    let names = value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>().join(", "));
    names.unwrap_or_else(|| "another value".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(answer: &Value) -> String {
        repr(&snippets(answer, 1).expect("has results"))
    }

    #[test]
    fn an_answer_box_comes_first() {
        assert_eq!(printed(&json!({"answerBox": {"answer": "42"}})), "['42']");
        assert_eq!(printed(&json!({"answerBox": {"snippet": "a\nb"}})), "['a b']");
        assert_eq!(printed(&json!({"answerBox": {"snippetHighlighted": ["x", "y"]}})), "['x', 'y']");
    }

    #[test]
    fn facts_and_snippets_follow() {
        let answer = json!({
            "knowledgeGraph": {"title": "Rust", "type": "Language", "attributes": {"Year": 2015}},
            "organic": [{"snippet": "It's fast", "attributes": {"Posted": "today"}}, {"snippet": "left out"}],
        });
        let expected = "['Rust: Language.', 'Rust Year: 2015.', \"It's fast\", 'Posted: today.']";
        assert_eq!(printed(&answer), expected);
        assert_eq!(printed(&json!({"organic": []})), "['No good Google Search Result was found']");
        let failure = snippets(&json!({"credits": 1}), 1).expect_err("another answer");
        assert!(failure.message.contains("found credits, expected"), "{}", failure.message);
    }
}
