//! [`PageSignals`]: what the head of a page and its JSON-LD say about the kind of page.

use html5ever::local_name;

use crate::extract::dom::{Dom, NodeId, WalkEvent};

/// Kinds of things and the schema.org types of each, in lower case. The order is that of [`PageSignals::kinds`] and
/// of feature columns, so it is frozen by the trained trees.
const KINDS: &[(&str, &[&str])] = &[
    (
        "article",
        &["article", "newsarticle", "blogposting", "reportagenewsarticle", "techarticle", "liveblogposting"],
    ),
    ("product", &["product", "productgroup", "offer", "aggregateoffer", "og:product"]),
    ("forum", &["discussionforumposting", "qapage", "question", "answer", "comment"]),
    ("faq", &["faqpage"]),
    ("collection", &["itemlist", "collectionpage", "searchresultspage", "offercatalog"]),
    ("organization", &["organization", "localbusiness", "corporation", "service", "softwareapplication"]),
    ("recipe", &["recipe", "event", "jobposting", "movie", "book", "videoobject"]),
    ("website", &["website", "webpage"]),
    ("breadcrumb", &["breadcrumblist"]),
];

/// Number of kinds, one feature column each.
pub(crate) const PAGE_KINDS: usize = KINDS.len();

/// Names of the kinds, for the list of features.
pub(crate) fn page_kind_names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(name, _)| *name)
}

/// What a page says about itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageSignals {
    /// Text of the first `title` that has any.
    pub(crate) title: String,
    /// The descriptions in meta tags, separated by spaces.
    pub(crate) description: String,
    /// How often JSON-LD names each kind, capped at 255.
    pub(crate) kinds: [u8; PAGE_KINDS],
    /// `og:type` as a feature: 0 missing, 1 website, 2 article, 3 product, 4 anything else.
    pub(crate) og_type: u8,
}

impl PageSignals {
    /// Reads the head and the JSON-LD scripts, wherever they are.
    pub(crate) fn of(dom: &Dom) -> Self {
        let mut signals = Self::default();
        let mut walk = dom.walk(dom.root());
        while let Some(event) = walk.next() {
            let WalkEvent::Enter(id) = event else { continue };
            let Some(name) = dom.local_name(id) else { continue };
            match *name {
                local_name!("title") if signals.title.is_empty() => signals.title = dom.text_below(id),
                local_name!("meta") => signals.read_meta(dom, id),
                local_name!("script") => {
                    if dom.attribute(id, "type").is_some_and(|kind| kind.contains("ld+json")) {
                        signals.read_json_ld(&dom.text_below(id));
                    }
                    walk.skip_children(id);
                }
                _ => {}
            }
        }
        signals
    }

    fn read_meta(&mut self, dom: &Dom, id: NodeId) {
        let content = dom.attribute(id, "content").unwrap_or_default();
        match dom.attribute(id, "property").or_else(|| dom.attribute(id, "name")) {
            Some("og:type") => self.og_type = og_type(content),
            Some("description" | "og:description" | "twitter:description") => {
                self.description.push_str(content);
                self.description.push(' ');
            }
            _ => {}
        }
    }

    /// Counts the values of `@type`. Works on the text, so the JSON need not be valid.
    fn read_json_ld(&mut self, json: &str) {
        for rest in json.split("\"@type\"").skip(1) {
            let rest =
                rest.trim_start().trim_start_matches(':').trim_start().trim_start_matches('[').trim_start();
            let Some(value) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                continue;
            };
            let value = value.rsplit('/').next().unwrap_or(value).to_ascii_lowercase();
            if let Some(kind) = KINDS.iter().position(|(_, names)| names.contains(&value.as_str())) {
                self.kinds[kind] = self.kinds[kind].saturating_add(1);
            }
        }
    }
}

fn og_type(content: &str) -> u8 {
    match content.trim() {
        "" => 0,
        "website" => 1,
        kind if kind.contains("article") || kind.contains("blog") => 2,
        kind if kind.contains("product") => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signals(html: &str) -> PageSignals {
        PageSignals::of(&Dom::parse(html))
    }

    /// Names of the kinds that the JSON-LD of a page names, with how often.
    fn kinds(json: &str) -> Vec<(&'static str, u8)> {
        let found = signals(&format!("<script type='application/ld+json'>{json}</script>")).kinds;
        page_kind_names().zip(found).filter(|(_, times)| *times > 0).collect()
    }

    #[test]
    fn the_head_is_read() {
        let found = signals(
            "<title> </title><title>Red &amp; white</title><title>Other</title>\
             <meta name=description content=One><meta property=og:description content=Two>\
             <meta name=twitter:description content=Three><meta name=keywords content=Four>",
        );
        assert_eq!(found.title, " ", "the first title counts, even if it is blank");
        assert_eq!(found.description, "One Two Three ");
        assert_eq!(signals("<title></title><title>Foxes</title>").title, "Foxes");
    }

    #[test]
    fn open_graph_types() {
        let cases = [
            ("", 0),
            ("website", 1),
            (" website ", 1),
            ("article", 2),
            ("blog", 2),
            ("og:article", 2),
            ("product", 3),
            ("product.item", 3),
            ("video.other", 4),
            ("profile", 4),
        ];
        for (content, number) in cases {
            let page = format!("<meta property='og:type' content='{content}'>");
            assert_eq!(signals(&page).og_type, number, "{content}");
        }
        assert_eq!(signals("<p>").og_type, 0);
    }

    #[test]
    fn json_ld_types() {
        let cases: &[(&str, &[(&str, u8)])] = &[
            (r#"{"@type":"NewsArticle"}"#, &[("article", 1)]),
            (r#"{"@type" : [ "Product", "Thing" ]}"#, &[("product", 1)]),
            (r#"{"@type":"https://schema.org/FAQPage"}"#, &[("faq", 1)]),
            (r#"{"@type":"Question"},{"@type":"Answer"},{"@type":"comment"}"#, &[("forum", 3)]),
            (r#"{"@type":"WebSite","a":{"@type":"BreadcrumbList"}}"#, &[("website", 1), ("breadcrumb", 1)]),
            (r#"{"@type":"Person"}"#, &[]),
            (r#"{"@type":7}"#, &[]),
            (r#"{"@type""#, &[]),
            (r#"{"@type":"Recipe", broken"#, &[("recipe", 1)]),
            ("", &[]),
        ];
        for (json, expected) in cases {
            assert_eq!(kinds(json), *expected, "{json}");
        }
    }

    #[test]
    fn counts_end_at_255() {
        assert_eq!(kinds(&r#"{"@type":"Offer"}"#.repeat(1_000)), [("product", 255)]);
    }

    #[test]
    fn other_scripts_say_nothing() {
        let found = signals("<script>{\"@type\":\"Article\"}</script><p>\"@type\":\"Article\"</p>");
        assert!(found.kinds.iter().all(|times| *times == 0));
    }

    #[test]
    fn the_kinds_are_those_of_the_training() {
        let names: Vec<&str> = page_kind_names().collect();
        let trained = [
            "article",
            "product",
            "forum",
            "faq",
            "collection",
            "organization",
            "recipe",
            "website",
            "breadcrumb",
        ];
        assert_eq!(names, trained);
        for (_, types) in KINDS {
            assert!(types.iter().all(|name| *name == name.to_ascii_lowercase()));
        }
    }
}
