//! [`JsonLd`]: the objects in the JSON-LD scripts of a page, and which of them describes the page.

use serde_json::{Map, Value};

use super::loose_json;
use super::text::{clean, decoded};

/// The objects that matter: the first article, the first page, and the first site, in breadth-first order.
pub(super) struct JsonLd<'a> {
    scripts: &'a [Value],
    article: Option<&'a Object>,
    page: Option<&'a Object>,
    site: Option<&'a Object>,
}

type Object = Map<String, Value>;

/// Levels of nesting that are searched. Real scripts are a few levels deep.
const MAX_LEVELS: usize = 6;

/// Number of objects after which the search stops at the end of a level.
const MAX_OBJECTS: usize = 2_000;

/// Members whose objects describe something else: other pages, comments, ratings, people.
const FOREIGN: &[&str] = &[
    "itemListElement",
    "hasPart",
    "isPartOf",
    "comment",
    "review",
    "citation",
    "mentions",
    "about",
    "video",
    "image",
    "author",
    "publisher",
    "creator",
];

/// Reads the scripts as far as they can be read.
pub(super) fn parse_all(scripts: &[String]) -> Vec<Value> {
    scripts.iter().flat_map(|script| loose_json::read_all(script)).collect()
}

impl<'a> JsonLd<'a> {
    /// Searches the parsed scripts.
    pub(super) fn of(scripts: &'a [Value]) -> Self {
        let objects = objects(scripts, FOREIGN);
        let first = |kind| objects.iter().copied().find(|object| Kind::of(object) == Some(kind));
        let (article, page, site) = (first(Kind::Article), first(Kind::Page), first(Kind::Site));
        Self { scripts, article, page, site }
    }

    /// Text of a member of the article, else of the page.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.described().find_map(|object| text_of(object.get(key)?))
    }

    /// Headline of the article, or its name if only that is at the start of the `title` element.
    pub(super) fn title(&self, element: &str) -> Option<String> {
        let article = self.article?;
        let text = |key| article.get(key).filter(|value| value.is_string()).and_then(text_of);
        match (text("headline"), text("name")) {
            (Some(headline), Some(name)) if element.starts_with(&name) && !element.contains(&headline) => {
                Some(name)
            }
            (headline, name) => headline.or(name),
        }
    }

    /// Names of the authors of the article, else of the page.
    pub(super) fn authors(&self) -> Vec<String> {
        let members = |object: &Object| {
            let found = ["author", "creator"].iter().find_map(|key| object.get(*key));
            found.map(|value| self.names(value)).filter(|names| !names.is_empty())
        };
        self.described().find_map(members).unwrap_or_default()
    }

    /// Name of the publisher of the article, else of the page.
    pub(super) fn publisher(&self) -> Option<String> {
        let found = |object: &Object| self.names(object.get("publisher")?).into_iter().next();
        self.described().find_map(found)
    }

    /// Name of the site, from its own object.
    pub(super) fn site(&self) -> Option<String> {
        self.site.and_then(|site| site.get("name")).and_then(text_of)
    }

    fn described(&self) -> impl Iterator<Item = &'a Object> {
        [self.article, self.page].into_iter().flatten()
    }

    /// Names in a text, an object, a reference by `@id`, or a list of these.
    fn names(&self, value: &Value) -> Vec<String> {
        match value {
            Value::Array(items) => items.iter().flat_map(|item| self.name(item)).collect(),
            value => self.name(value),
        }
    }

    fn name(&self, value: &Value) -> Vec<String> {
        match value {
            Value::String(text) => clean(&decoded(text)).into_iter().collect(),
            Value::Object(object) => match (object.get("name"), object.get("@id")) {
                (Some(Value::Array(names)), _) => names.iter().filter_map(text_of).collect(),
                (Some(name), _) => text_of(name).into_iter().collect(),
                (None, Some(id)) => {
                    let objects = objects(self.scripts, &[]);
                    let named =
                        objects.iter().find(|one| one.get("@id") == Some(id) && one.contains_key("name"));
                    named.and_then(|one| text_of(&one["name"])).into_iter().collect()
                }
                (None, None) => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

/// All objects, breadth first, so that the page comes before what it mentions. Members in `skip` are not entered.
fn objects<'a>(scripts: &'a [Value], skip: &[&str]) -> Vec<&'a Object> {
    let mut objects = Vec::new();
    let mut level: Vec<&Value> = scripts.iter().collect();
    for _ in 0..MAX_LEVELS {
        let mut next = Vec::new();
        for value in level {
            match value {
                Value::Object(object) => {
                    objects.push(object);
                    let own = object.iter().filter(|(key, _)| !skip.contains(&key.as_str()));
                    next.extend(own.map(|(_, value)| value).filter(|value| is_nested(value)));
                }
                Value::Array(items) => next.extend(items.iter().filter(|item| is_nested(item))),
                _ => {}
            }
        }
        if objects.len() > MAX_OBJECTS {
            break;
        }
        level = next;
    }
    objects
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Article,
    Page,
    Site,
}

impl Kind {
    fn of(object: &Object) -> Option<Self> {
        let kind = match object.get("@type")? {
            Value::Array(kinds) => kinds.first()?.as_str()?,
            kind => kind.as_str()?,
        };
        let article = ["Article", "Posting", "Report", "Recipe", "TechArticle", "HowTo", "BlogPost"];
        if article.iter().any(|end| kind.ends_with(end)) {
            return Some(Self::Article);
        }
        match kind.ends_with("Page") || matches!(kind, "CreativeWork" | "Book" | "QAPage" | "Dataset") {
            true => Some(Self::Page),
            false => (kind == "WebSite").then_some(Self::Site),
        }
    }
}

fn is_nested(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => clean(&decoded(text)),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => items.iter().filter(|item| !item.is_array()).find_map(text_of),
        Value::Object(object) => ["name", "@value", "url", "@id"]
            .iter()
            .find_map(|key| clean(&decoded(object.get(*key)?.as_str()?))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(scripts: &[&str]) -> Vec<Value> {
        parse_all(&scripts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_article_is_found_behind_marks_lists_and_references() {
        let scripts = read(&[
            r#"{"@type":"BreadcrumbList","itemListElement":[{"@type":"Article","headline":"Other"}]}"#,
            "<![CDATA[ {\"@graph\":[{\"@type\":\"WebSite\",\"name\":\"Site\"},{\"@type\":[\"NewsArticle\"],\
             \"headline\":\"Two\nlines\",\"author\":[{\"@id\":\"#ada\"},{\"name\":\"Bo\"}],\
             \"publisher\":{\"name\":\"Press\"}},{\"@id\":\"#ada\",\"@type\":\"Person\",\"name\":\"Ada\"}]} ]]>",
        ]);
        let linked = JsonLd::of(&scripts);
        assert_eq!(linked.title("").as_deref(), Some("Two lines"));
        assert_eq!(linked.authors(), ["Ada", "Bo"]);
        assert_eq!((linked.publisher().as_deref(), linked.site().as_deref()), (Some("Press"), Some("Site")));
    }

    #[test]
    fn broken_scripts_say_nothing() {
        let deep = "[".repeat(100_000);
        for script in ["", "{", "]{", "CDATA[", "{\"@type\":1}", "[{}]", &deep] {
            let scripts = read(&[script]);
            let linked = JsonLd::of(&scripts);
            assert_eq!((linked.title("x"), linked.authors(), linked.publisher()), (None, vec![], None));
        }
    }

    #[test]
    fn kinds_by_the_end_of_the_type() {
        let kind = |name: &str| {
            let Value::Object(object) = serde_json::json!({ "@type": name }) else { panic!("an object") };
            Kind::of(&object).map(|kind| match kind {
                Kind::Article => "article",
                Kind::Page => "page",
                Kind::Site => "site",
            })
        };
        for name in [
            "Article",
            "NewsArticle",
            "BlogPosting",
            "Report",
            "Recipe",
            "HowTo",
            "https://schema.org/Article",
        ] {
            assert_eq!(kind(name), Some("article"), "{name}");
        }
        for name in ["WebPage", "AboutPage", "Book", "Dataset", "CreativeWork"] {
            assert_eq!(kind(name), Some("page"), "{name}");
        }
        assert_eq!([kind("WebSite"), kind("Person"), kind("")], [Some("site"), None, None]);
    }

    #[test]
    fn names_in_all_forms() {
        for (author, expected) in [
            (r#""Ada""#, vec!["Ada"]),
            (r#"["Ada", {"name": "Bo"}]"#, vec!["Ada", "Bo"]),
            (r#"{"name": ["Ada", "Bo"]}"#, vec!["Ada", "Bo"]),
            (r#"{"name": {"@value": "Ada"}}"#, vec!["Ada"]),
            (r#"{"@id": "unknown"}"#, vec![]),
            (r#"{"url": "x"}"#, vec![]),
            ("7", vec![]),
            (r#""  ""#, vec![]),
        ] {
            let scripts = read(&[&format!(r#"{{"@type":"Article","author":{author}}}"#)]);
            assert_eq!(JsonLd::of(&scripts).authors(), expected, "{author}");
        }
    }

    #[test]
    fn the_name_is_the_title_where_the_element_says_so() {
        let scripts = read(&[r#"{"@type":"Article","headline":"Long headline","name":"Name"}"#]);
        let linked = JsonLd::of(&scripts);
        assert_eq!(linked.title("Name | Site").as_deref(), Some("Name"));
        assert_eq!(linked.title("Long headline | Site").as_deref(), Some("Long headline"));
        assert_eq!(linked.title("").as_deref(), Some("Long headline"));
    }

    #[test]
    fn the_page_stands_in_for_an_article() {
        let scripts = read(&[r#"{"@type":"WebPage","author":"Ada","datePublished":"2024-05-01"}"#]);
        let linked = JsonLd::of(&scripts);
        assert_eq!((linked.authors(), linked.title("x")), (vec!["Ada".to_owned()], None));
        assert_eq!(linked.text("datePublished").as_deref(), Some("2024-05-01"));
        assert_eq!(linked.text("dateModified"), None);
    }

    #[test]
    fn what_describes_something_else_is_not_entered() {
        for member in FOREIGN {
            let scripts =
                read(&[&format!(r#"{{"@type":"Thing","{member}":{{"@type":"Article","headline":"x"}}}}"#)]);
            assert_eq!(JsonLd::of(&scripts).title(""), None, "{member}");
        }
    }
}
