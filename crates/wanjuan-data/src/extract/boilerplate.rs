//! What is around the content: navigation, advertisement, comments, hidden parts, by tag, role, class and id.

use super::config::{ExtractConfig, Mode};
use super::dom::{Dom, NodeId};
use super::tag::{Flow, flow};

/// Words of a class or id that name boilerplate. Compared with whole words of the name (`nav-bar` has the
/// words `nav` and `bar`).
const WORDS: &[&str] = &[
    "nav",
    "navbar",
    "navigation",
    "menu",
    "menubar",
    "sidebar",
    "sidenav",
    "footer",
    "breadcrumb",
    "breadcrumbs",
    "share",
    "sharing",
    "sharedaddy",
    "social",
    "related",
    "recommended",
    "recommendations",
    "promo",
    "promotion",
    "advert",
    "advertisement",
    "ads",
    "adsense",
    "sponsor",
    "sponsored",
    "cookie",
    "cookies",
    "consent",
    "newsletter",
    "subscribe",
    "subscription",
    "popup",
    "modal",
    "pagination",
    "pager",
    "toolbar",
    "login",
    "signin",
    "signup",
    "search",
    "masthead",
    "topbar",
    "comments",
    "commentlist",
    "disqus",
    "respond",
    "tagcloud",
    "rss",
    "tags",
    "byline",
    "meta",
    "postmeta",
    "metadata",
    "teaser",
    "teasers",
    "copyright",
    "jp",
    "outbrain",
    "taboola",
    "shoutbox",
    "ratings",
    "rating",
    "toc",
];

/// Classes of elements that no reader sees.
const HIDDEN_CLASSES: &[&str] =
    &["hidden", "hide", "sr-only", "visually-hidden", "screen-reader-text", "d-none", "boring", "noprint"];

/// Roles (WAI-ARIA) around the content.
const ROLES: &[&str] = &[
    "navigation",
    "banner",
    "contentinfo",
    "search",
    "complementary",
    "dialog",
    "alertdialog",
    "menu",
    "menubar",
    "toolbar",
    "tablist",
];

/// What is known about an element before its text is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hint {
    /// Never content.
    Drop,
    /// Boilerplate by its name, unless most of the page is inside.
    Suspect,
    /// Nothing speaks against it.
    Neutral,
}

/// Judges one element by its tag and attributes.
pub(super) fn hint(dom: &Dom, id: NodeId, config: &ExtractConfig) -> Hint {
    let Some(tag) = dom.tag(id) else { return Hint::Neutral };
    if flow(tag) == Flow::Never || is_hidden(dom, id) || is_excluded(dom, id, tag, config) {
        return Hint::Drop;
    }
    if matches!(tag, "html" | "body" | "main" | "article" | "pre" | "code") {
        return Hint::Neutral;
    }
    if tag == "nav" {
        return Hint::Drop;
    }
    if matches!(tag, "footer" | "aside") {
        return Hint::Suspect;
    }
    if dom.attribute(id, "role").is_some_and(|role| ROLES.contains(&role)) {
        return Hint::Suspect;
    }
    // Inline elements are named for their looks, not for their place on the page.
    if config.mode == Mode::Recall || flow(tag) == Flow::Inline {
        return Hint::Neutral;
    }
    let names = [dom.attribute(id, "class"), dom.attribute(id, "id")];
    let suspect = names.into_iter().flatten().any(|names| words(names).any(|word| is_listed(&word)));
    if suspect { Hint::Suspect } else { Hint::Neutral }
}

fn is_listed(word: &str) -> bool {
    WORDS.contains(&word)
}

/// Lower-case words of class and id names: `postMeta nav-bar` gives `post`, `meta`, `nav`, `bar`.
fn words(names: &str) -> impl Iterator<Item = String> + '_ {
    names.split(|c: char| !c.is_alphanumeric()).flat_map(|name| {
        let mut words = vec![String::new()];
        let mut before_upper = true;
        for c in name.chars() {
            if c.is_uppercase() && !before_upper {
                words.push(String::new());
            }
            before_upper = c.is_uppercase();
            words.last_mut().expect("never empty").extend(c.to_lowercase());
        }
        words
    })
}

fn is_hidden(dom: &Dom, id: NodeId) -> bool {
    if dom.attribute(id, "hidden").is_some() || dom.attribute(id, "aria-hidden") == Some("true") {
        return true;
    }
    let style = dom.attribute(id, "style").unwrap_or_default();
    if style.contains("display") || style.contains("visibility") {
        let style: String = style.chars().filter(|c| !c.is_whitespace()).collect();
        if style.contains("display:none") || style.contains("visibility:hidden") {
            return true;
        }
    }
    let classes = dom.attribute(id, "class").unwrap_or_default();
    classes.split_ascii_whitespace().any(|class| HIDDEN_CLASSES.contains(&class))
}

fn is_excluded(dom: &Dom, id: NodeId, tag: &str, config: &ExtractConfig) -> bool {
    config.exclude_elements.iter().any(|selector| {
        if let Some(wanted) = selector.strip_prefix('#') {
            return dom.attribute(id, "id") == Some(wanted);
        }
        let (wanted_tag, class) = selector.split_once('.').unwrap_or((selector, ""));
        let classes = dom.attribute(id, "class").unwrap_or_default();
        (wanted_tag.is_empty() || wanted_tag == tag)
            && (class.is_empty() || classes.split_ascii_whitespace().any(|one| one == class))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_into_words() {
        assert_eq!(words("postMeta nav-bar").collect::<Vec<_>>(), ["post", "meta", "nav", "bar"]);
        assert_eq!(words("HTML").collect::<Vec<_>>(), ["html"]);
    }
}
