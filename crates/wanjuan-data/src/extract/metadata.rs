//! [`Metadata`]: what a page says about itself, from JSON-LD, Open Graph, meta tags, then markup.

use serde_json::Value;

use super::dom::{Dom, NodeId, WalkEvent};

/// Title, author, date, site and language; never invented.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Metadata {
    /// Title of the page.
    pub title: Option<String>,
    /// Author.
    pub author: Option<String>,
    /// When it was published, as written.
    pub date: Option<String>,
    /// Name of the site.
    pub site: Option<String>,
    /// Language tag of the `html` element.
    pub language: Option<String>,
}

/// `name` or `property` of a meta tag, and the field it fills; earlier lines win.
const TITLE: &[&str] = &["og:title", "twitter:title", "dc.title"];
const AUTHOR: &[&str] = &["author", "article:author", "dc.creator", "byl"];
const DATE: &[&str] = &["article:published_time", "datepublished", "date", "dc.date", "pubdate"];
const SITE: &[&str] = &["og:site_name", "application-name"];

impl Metadata {
    /// Reads the metadata of a page.
    #[must_use]
    pub fn of(dom: &Dom) -> Self {
        let page = Page::read(dom);
        let linked = |key: &str| page.json_ld.iter().find_map(|value| find_text(value, key));
        Self {
            title: page.meta(TITLE).or_else(|| linked("headline")).or(page.title.clone()),
            author: linked("author").or_else(|| page.meta(AUTHOR)),
            date: linked("datePublished").or_else(|| page.meta(DATE)).or(page.time.clone()),
            site: page.meta(SITE),
            language: page.language,
        }
    }
}

/// The parts of a page that carry metadata.
#[derive(Default)]
struct Page {
    title: Option<String>,
    language: Option<String>,
    time: Option<String>,
    metas: Vec<(String, String)>,
    json_ld: Vec<Value>,
}

impl Page {
    fn read(dom: &Dom) -> Self {
        let mut page = Self::default();
        for event in dom.walk(dom.root()) {
            if let WalkEvent::Enter(id) = event {
                page.look_at(dom, id);
            }
        }
        page
    }

    fn look_at(&mut self, dom: &Dom, id: NodeId) {
        let attribute = |name: &str| dom.attribute(id, name).map(str::to_owned);
        match dom.tag(id) {
            Some("html") => self.language = attribute("lang").and_then(clean),
            Some("title") if self.title.is_none() => self.title = clean(dom.text_below(id)),
            Some("time") if self.time.is_none() => self.time = attribute("datetime").and_then(clean),
            Some("meta") => {
                let name =
                    attribute("property").or_else(|| attribute("name")).or_else(|| attribute("itemprop"));
                if let (Some(name), Some(content)) = (name, attribute("content").and_then(clean)) {
                    self.metas.push((name.to_ascii_lowercase(), content));
                }
            }
            Some("script") if attribute("type").as_deref() == Some("application/ld+json") => {
                self.json_ld.extend(serde_json::from_str::<Value>(&dom.text_below(id)).ok());
            }
            _ => {}
        }
    }

    fn meta(&self, names: &[&str]) -> Option<String> {
        let find = |name: &&str| self.metas.iter().find(|(key, _)| key == name);
        names.iter().find_map(find).map(|(_, content)| content.clone())
    }
}

/// White space collapsed; nothing when nothing is left.
fn clean(text: String) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// The first text under `key` anywhere in a JSON-LD value; an object gives its `name`. Breadth first, so
/// that the page itself comes before what it mentions.
fn find_text(value: &Value, key: &str) -> Option<String> {
    let mut level = vec![value];
    // JSON-LD in the wild is a few levels deep; the limit bounds the work on hostile input.
    for _ in 0..6 {
        let mut next = Vec::new();
        for value in level {
            match value {
                Value::Object(map) => {
                    if let Some(text) = map.get(key).and_then(text_of) {
                        return Some(text);
                    }
                    next.extend(map.values());
                }
                Value::Array(items) => next.extend(items),
                _ => {}
            }
        }
        level = next;
    }
    None
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => clean(text.clone()),
        Value::Object(map) => map.get("name").and_then(Value::as_str).map(str::to_owned).and_then(clean),
        Value::Array(items) => match items.first()? {
            Value::String(text) => clean(text.clone()),
            Value::Object(map) => map.get("name").and_then(Value::as_str).map(str::to_owned).and_then(clean),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_ld_comes_before_meta_tags_and_markup() {
        let dom = Dom::parse(
            r#"<html lang="en"><title>Birds | Site</title><meta property="og:title" content="Birds">
            <meta name=author content=Someone><meta property="og:site_name" content="Site">
            <script type="application/ld+json">{"@graph":[{"author":{"name":"Ada"},
            "datePublished":"2024-05-01"}]}</script>"#,
        );
        let metadata = Metadata::of(&dom);
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        assert_eq!((text(&metadata.title), text(&metadata.author)), ("Birds".into(), "Ada".into()));
        assert_eq!((text(&metadata.date), text(&metadata.site)), ("2024-05-01".into(), "Site".into()));
        assert_eq!(text(&metadata.language), "en");
    }
}
