//! Line numbers beside code, which are left out.

use crate::extract::dom::{Dom, NodeId};

/// Classes of elements that contain line numbers.
const GUTTERS: &[&str] = &[
    "blob-num",
    "gutter",
    "hljs-ln-numbers",
    "line-number",
    "line-numbers",
    "line-numbers-rows",
    "linenodiv",
    "lineno",
    "linenos",
    "linenum",
    "lnt",
    "rouge-gutter",
    "src-line-numbers",
];

/// Whether an element in code, or a cell, contains line numbers.
pub(super) fn is_gutter(dom: &Dom, id: NodeId) -> bool {
    let Some(classes) = dom.attribute(id, "class") else { return false };
    // Highlighters also put `line-numbers` on the block that they number.
    let numbers = matches!(dom.tag(id), Some("td" | "th" | "span" | "a" | "div" | "i" | "pre"));
    let code = classes.contains("code") || classes.contains("lang");
    let short = dom.tag(id) == Some("span");
    let named = |class| GUTTERS.contains(&class) || (short && class == "ln");
    numbers && !code && classes.split_ascii_whitespace().any(named)
}

/// Whether an element has a class.
pub(super) fn has_class(dom: &Dom, id: NodeId, name: &str) -> bool {
    dom.attribute(id, "class").is_some_and(|classes| classes.split_ascii_whitespace().any(|one| one == name))
}
