//! Elements that no reader sees, by their own attributes. There are two rules, and a reason for both.
//!
//! [`is_hidden`] is the exact rule: it reads styles as CSS does and knows the usual class names for screen readers.
//! It decides what [`render_all`](crate::extract::render_all) shows.
//!
//! [`seems_hidden`] is the rule the judge's trees were trained with, as one feature among many. It is coarser: it
//! compares styles as raw text and counts `hidden="until-found"` as hidden. It does not look at class names,
//! because the trees see those in slots of their own. Exchanging it for the exact rule would change the feature
//! under trees that cannot know, so it stays until they are trained anew.

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
