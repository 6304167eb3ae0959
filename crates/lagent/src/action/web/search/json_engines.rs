//! The engines that answer with JSON: Bing, Brave, Google by Serper, and `SearXNG`. The requests and the fields are
//! upstream's (`bing_browser.py`); `SearXNG`'s are those of its `format=json`.

use serde_json::Value;

use super::query::Query;
use crate::action::local::Failure;
use crate::action::web::hit::Hit;
use crate::action::web::http::Request;
use crate::action::web::provider::Provider;

/// Upstream's market of Bing.
const MARKET: &str = "zh-CN";

/// Web pages and news in the order of Bing's ranking.
pub(super) fn bing(provider: &Provider, query: &Query<'_>) -> Result<Vec<Hit>, Failure> {
    let count = (query.results * 2).to_string();
    let market = provider.text_or("region", MARKET)?;
    let url = provider.url("", &[("q", query.text), ("mkt", market), ("count", count.as_str())])?;
    let request = Request::get(url).key("ocp-apim-subscription-key", provider.key()?);
    Ok(bing_hits(&request.json(&query.context)?))
}

fn bing_hits(answer: &Value) -> Vec<Hit> {
    let pages = items(answer, "/webPages/value");
    let page = |id: &Value| pages.iter().find(|page| page.get("id") == Some(id));
    let mut hits = Vec::new();
    for item in items(answer, "/rankingResponse/mainline/items") {
        let id = item.pointer("/value/id").unwrap_or(&Value::Null);
        match item.get("answerType").and_then(Value::as_str) {
            Some("WebPages") => hits.extend(page(id).map(|page| hit(page, ["url", "snippet", "name"]))),
            Some("News") if answer.pointer("/news/id") == Some(id) => {
                let news = items(answer, "/news/value").iter();
                hits.extend(news.map(|news| hit(news, ["url", "description", "name"])));
            }
            _ => {}
        }
    }
    hits
}

/// Brave's results with their additional snippets.
pub(super) fn brave(provider: &Provider, query: &Query<'_>) -> Result<Vec<Hit>, Failure> {
    let count = query.results.to_string();
    let pairs = [
        ("q", query.text),
        ("country", provider.text_or("region", "ALL")?),
        ("search_lang", provider.text_or("language", "zh-hans")?),
        ("extra_snippets", "true"),
        ("count", count.as_str()),
    ];
    let request = Request::get(provider.url("", &pairs)?).key("x-subscription-token", provider.key()?);
    let answer = request.header("accept", "application/json").json(&query.context)?;
    Ok(items(&answer, "/web/results").iter().map(brave_hit).collect())
}

fn brave_hit(item: &Value) -> Hit {
    let more = items(item, "/extra_snippets").iter().filter_map(Value::as_str);
    let texts = item.get("description").and_then(Value::as_str).into_iter().chain(more);
    let summary = texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ");
    Hit { summary, ..hit(item, ["url", "description", "title"]) }
}

/// The answer box, the facts and the results of Google.
pub(super) fn serper(provider: &Provider, query: &Query<'_>) -> Result<Vec<Hit>, Failure> {
    let count = query.results.to_string();
    let url = provider.url("", &[("q", query.text), ("num", count.as_str())])?;
    let answer = Request::get(url).key("x-api-key", provider.key()?).json(&query.context)?;
    Ok(serper_hits(&answer))
}

fn serper_hits(answer: &Value) -> Vec<Hit> {
    let mut hits = Vec::new();
    if let Some(summary) = answer.get("answerBox").and_then(boxed) {
        hits.push(Hit { summary, ..Hit::default() });
    }
    if let Some(graph) = answer.get("knowledgeGraph").filter(|graph| graph.is_object()) {
        let fact = hit(graph, ["descriptionLink", "description", "title"]);
        let kind = graph.get("type").and_then(Value::as_str).unwrap_or_default();
        hits.push(Hit {
            title: format!("{}: {kind}.", fact.title),
            summary: with_attributes(graph, &fact.summary),
            ..fact
        });
    }
    for item in items(answer, "/organic") {
        let found = hit(item, ["link", "snippet", "title"]);
        hits.push(Hit { summary: with_attributes(item, &found.summary), ..found });
    }
    hits
}

/// The text of an answer box: the answer, else the snippet, else its highlights.
fn boxed(found: &Value) -> Option<String> {
    let text = |name: &str| found.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(text) = text("answer").or_else(|| text("snippet")) {
        return Some(text.replace('\n', " "));
    }
    let highlights = items(found, "/snippetHighlighted").iter().filter_map(Value::as_str);
    Some(highlights.collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
}

fn with_attributes(item: &Value, text: &str) -> String {
    let attributes = item.get("attributes").and_then(Value::as_object).into_iter().flatten();
    let attributes: Vec<String> = attributes
        .map(|(name, value)| {
            format!("{name}: {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        })
        .collect();
    if attributes.is_empty() { text.to_owned() } else { format!("{text}. {}", attributes.join(". ")) }
}

/// The results of a `SearXNG` server.
pub(super) fn searxng(provider: &Provider, query: &Query<'_>) -> Result<Vec<Hit>, Failure> {
    let route = if provider.endpoint().ends_with("/search") { "" } else { "/search" };
    let url = provider.url(route, &[("q", query.text), ("format", "json")])?;
    let answer = Request::get(url).json(&query.context)?;
    let results = answer.get("results").and_then(Value::as_array);
    let results = results.ok_or_else(|| Failure::service("SearXNG: found an answer without results"))?;
    Ok(results.iter().map(|item| hit(item, ["url", "content", "title"])).collect())
}

/// A list inside an answer; empty if it is absent.
fn items<'a>(answer: &'a Value, place: &str) -> &'a [Value] {
    answer.pointer(place).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
}

/// The result with these names of its address, summary and title.
fn hit(item: &Value, names: [&str; 3]) -> Hit {
    let [url, summary, title] =
        names.map(|name| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned());
    Hit { url, title, summary }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bing_is_in_the_order_of_its_ranking() {
        let answer = json!({
            "webPages": {"value": [
                {"id": "p0", "url": "http://a", "snippet": "A", "name": "a"},
                {"id": "p1", "url": "http://b", "snippet": "B", "name": "b"},
            ]},
            "news": {"id": "n", "value": [{"url": "http://n", "description": "N", "name": "n"}]},
            "rankingResponse": {"mainline": {"items": [
                {"answerType": "WebPages", "value": {"id": "p1"}},
                {"answerType": "News", "value": {"id": "n"}},
                {"answerType": "WebPages", "value": {"id": "p0"}},
            ]}},
        });
        let urls: Vec<String> = bing_hits(&answer).into_iter().map(|hit| hit.url).collect();
        assert_eq!(urls, ["http://b", "http://n", "http://a"]);
    }

    #[test]
    fn facts_become_results() {
        let answer = json!({
            "answerBox": {"answer": "42"},
            "knowledgeGraph": {"title": "T", "type": "K", "description": "D", "attributes": {"Year": 2015}},
            "organic": [{"link": "http://a", "snippet": "S", "title": "A"}],
        });
        let hits = serper_hits(&answer);
        assert_eq!(hits[0].summary, "42");
        assert_eq!((hits[1].title.as_str(), hits[1].summary.as_str()), ("T: K.", "D. Year: 2015"));
        assert_eq!(hits[2].url, "http://a");
        let item = json!({"url": "u", "title": "t", "description": "d", "extra_snippets": ["e", ""]});
        assert_eq!(brave_hit(&item).summary, "d e");
    }
}
