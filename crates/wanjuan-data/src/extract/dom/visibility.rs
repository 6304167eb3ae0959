//! Elements that no reader sees, by their own attributes. There are two rules, and a reason for both.
//!
//! [`is_hidden`] is the exact rule: it reads styles as CSS does and knows the usual class names for screen readers.
//! It decides what [`render_all`](crate::extract::render_all) shows.
//!
//! [`seems_hidden`] is the rule the judge's trees were trained with, as one feature among many. It is coarser: it
//! compares styles as raw text and counts `hidden="until-found"` as hidden. It does not look at class names,
//! because the trees see those in slots of their own. The exact rule would give the trees another
//! feature than the one they were trained with, so this rule stays until new trees are trained.

use html5ever::{LocalName, local_name};

use super::tree::{Dom, NodeId};

/// Classes of text for screen readers only: it repeats what others see.
const HIDDEN_CLASSES: &[&str] =
    &["hidden", "sr-only", "visually-hidden", "screen-reader-text", "d-none", "visuallyhidden"];

/// Whether the element hides itself from readers. `aria-hidden` counts too: it hides from screen readers what is
/// decoration or said twice.
pub(crate) fn is_hidden(dom: &Dom, id: NodeId) -> bool {
    if dom.attribute(id, "hidden").is_some_and(|value| value != "until-found")
        || dom.attribute(id, "aria-hidden") == Some("true")
    {
        return true;
    }
    let style = dom.attribute(id, "style").unwrap_or_default();
    let styled =
        style.split(';').filter_map(|declaration| declaration.split_once(':')).any(|(name, value)| {
            let hiding = match name.trim() {
                name if name.eq_ignore_ascii_case("display") => "none",
                name if name.eq_ignore_ascii_case("visibility") => "hidden",
                _ => return false,
            };
            value.trim().trim_end_matches("!important").trim_end().eq_ignore_ascii_case(hiding)
        });
    let classes = dom.attribute(id, "class").unwrap_or_default();
    styled || classes.split_ascii_whitespace().any(|class| HIDDEN_CLASSES.contains(&class))
}

/// Whether this attribute hides its element, by the rule that the judge's trees were trained with.
pub(crate) fn seems_hidden(attribute: &LocalName, value: &str) -> bool {
    match *attribute {
        local_name!("hidden") => true,
        local_name!("style") => {
            starts_hiding(value, "display", "none") || starts_hiding(value, "visibility", "hidden")
        }
        local_name!("aria-hidden") => value == "true",
        _ => false,
    }
}

/// Whether the first mention of `property` in a style is followed by a colon and then by `value`.
fn starts_hiding(style: &str, property: &str, value: &str) -> bool {
    style.find(property).is_some_and(|at| {
        let rest = style[at + property.len()..].trim_start();
        rest.strip_prefix(':').is_some_and(|rest| rest.trim_start().starts_with(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attributes of an element, whether the exact rule calls it hidden, and whether the trained rule does.
    const CASES: &[(&str, bool, bool)] = &[
        ("", false, false),
        ("title=hidden", false, false),
        ("hidden", true, true),
        ("hidden=''", true, true),
        ("hidden=hidden", true, true),
        ("aria-hidden=true", true, true),
        ("aria-hidden=false", false, false),
        ("aria-hidden=TRUE", false, false),
        ("style='display:none'", true, true),
        ("style='display: none'", true, true),
        ("style='color: red; display :none;'", true, true),
        ("style='visibility:hidden'", true, true),
        ("style='display:block'", false, false),
        ("style='display:inline; color:red'", false, false),
        ("style='visibility:visible'", false, false),
        ("style='opacity:0'", false, false),
        ("style=display", false, false),
        ("style=''", false, false),
        // Where the rules differ: the exact one reads CSS and classes, the trained one compares raw text.
        ("hidden=until-found", false, true),
        ("style='display:none !important'", true, true),
        ("style='DISPLAY:NONE'", true, false),
        ("style='Visibility: Hidden'", true, false),
        ("style='display:block; display:none'", true, false),
        ("style='x-display:none'", false, true),
        ("style='display:nonesuch'", false, true),
        ("class=sr-only", true, false),
        ("class='a visually-hidden b'", true, false),
        ("class=screen-reader-text", true, false),
        ("class=d-none", true, false),
        ("class=hidden", true, false),
        ("class=not-hidden", false, false),
        ("class=HIDDEN", false, false),
    ];

    fn element(attributes: &str) -> (Dom, NodeId) {
        let dom = Dom::parse(&format!("<p {attributes}>text</p>"));
        let body = dom.body().expect("a page has a body");
        let element = dom.children(body).next().expect("the paragraph");
        (dom, element)
    }

    #[test]
    fn the_exact_rule() {
        for (attributes, exact, _) in CASES {
            let (dom, id) = element(attributes);
            assert_eq!(is_hidden(&dom, id), *exact, "{attributes}");
        }
    }

    #[test]
    fn the_trained_rule() {
        for (attributes, _, trained) in CASES {
            let (dom, id) = element(attributes);
            let seems = dom.attributes(id).any(|(name, value)| seems_hidden(name, value));
            assert_eq!(seems, *trained, "{attributes}");
        }
    }

    #[test]
    fn texts_and_the_document_are_never_hidden() {
        let dom = Dom::parse("<p hidden>text</p>");
        assert!(!is_hidden(&dom, dom.root()));
        let texts = dom.walk(dom.root()).filter_map(|event| match event {
            crate::extract::dom::WalkEvent::Enter(id) if dom.text(id).is_some() => Some(id),
            _ => None,
        });
        assert_eq!(texts.map(|id| is_hidden(&dom, id)).collect::<Vec<_>>(), [false]);
    }
}
