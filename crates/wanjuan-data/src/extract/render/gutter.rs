//! Line numbers next to code, which are left out.

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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str) -> bool {
        let dom = Dom::parse(html);
        let element = dom.body().and_then(|body| dom.children(body).next());
        is_gutter(&dom, element.expect("the element"))
    }

    #[test]
    fn line_numbers_by_class() {
        for class in GUTTERS {
            assert!(check(&format!("<span class='x {class}'>1</span>")), "{class}");
        }
        assert!(
            check("<div class=gutter>1</div>")
                && check("<a class=lineno>1</a>")
                && check("<pre class=lineno>1</pre>")
        );
        assert!(check("<span class=ln>1</span>") && !check("<div class=ln>1</div>"));
    }

    #[test]
    fn the_numbered_block_itself_is_no_gutter() {
        assert!(!check("<pre class='line-numbers language-rust'>fn</pre>"));
        assert!(!check("<div class='code gutter'>fn</div>"));
        assert!(!check("<code class=line-numbers>fn</code>") && !check("<p class=lineno>1</p>"));
        assert!(!check("<span>1</span>") && !check("<span class=linen>1</span>"));
    }

    #[test]
    fn classes_are_whole_words() {
        let dom = Dom::parse("<p class='a bc'>");
        let element = dom.body().and_then(|body| dom.children(body).next()).expect("the element");
        assert!(
            has_class(&dom, element, "bc")
                && !has_class(&dom, element, "b")
                && !has_class(&dom, dom.root(), "a")
        );
    }
}
