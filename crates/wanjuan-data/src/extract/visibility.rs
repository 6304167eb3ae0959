//! Elements that no reader sees, by their own attributes.

use super::dom::{Dom, NodeId};

/// Classes of text for screen readers only: it repeats what others see.
const HIDDEN_CLASSES: &[&str] =
    &["hidden", "sr-only", "visually-hidden", "screen-reader-text", "d-none", "visuallyhidden"];

/// Whether the element hides itself. `aria-hidden` hides from screen readers only what is decoration or said
/// twice, so it counts too.
pub(super) fn is_hidden(dom: &Dom, id: NodeId) -> bool {
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
