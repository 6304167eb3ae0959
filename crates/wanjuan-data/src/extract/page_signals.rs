//! [`PageSignals`]: what the head of a page and its JSON-LD say about its kind.

use html5ever::local_name;

use super::dom::{Dom, NodeId, WalkEvent};

/// Kinds of things that JSON-LD and Open Graph name, in the order of [`PageSignals::kinds`].
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

/// Number of kinds.
pub(super) const PAGE_KINDS: usize = KINDS.len();

/// Names of the kinds.
pub(super) fn page_kind_names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(name, _)| *name)
}

/// What a page says about itself.
#[derive(Clone, Debug, Default)]
pub(super) struct PageSignals {
    /// Text of `title`.
    pub(super) title: String,
    /// The descriptions in meta tags.
    pub(super) description: String,
    /// How often JSON-LD names each kind, at most 255.
    pub(super) kinds: [u8; PAGE_KINDS],
    /// `og:type`: 0 none, 1 website, 2 article, 3 product, 4 another.
    pub(super) og_type: u8,
}

impl PageSignals {
    /// Reads the head and all JSON-LD.
    pub(super) fn of(dom: &Dom) -> Self {
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

    /// Counts the values of `@type`; the JSON need not be valid.
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
