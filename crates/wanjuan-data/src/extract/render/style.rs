//! [`Style`]: the declarations in a `style` attribute that matter for text.

use super::open::Gap;
use crate::extract::dom::{Dom, NodeId};

/// What the `style` of an element says about white space.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    /// Whether line breaks of the source are kept.
    pub(super) keeps_lines: bool,
    /// The gap before and after an inline element.
    pub(super) gap: Option<Gap>,
}

impl Style {
    /// Reads the attribute; unknown declarations are ignored.
    pub(super) fn of(dom: &Dom, id: NodeId) -> Self {
        let mut style = Self::default();
        for declaration in dom.attribute(id, "style").unwrap_or_default().split(';') {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            match (name.trim(), value.trim()) {
                ("white-space", "pre" | "pre-wrap" | "pre-line" | "break-spaces") => style.keeps_lines = true,
                ("display", "block" | "flex" | "grid" | "table" | "list-item") => {
                    style.gap = Some(Gap::Line);
                }
                ("display", "inline-block" | "inline-flex" | "table-cell") => style.gap = Some(Gap::Space),
                _ => {}
            }
        }
        style
    }

    /// Whether the style changes anything.
    pub(super) fn has_effect(self) -> bool {
        self.keeps_lines || self.gap.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(declarations: &str) -> Style {
        let dom = Dom::parse(&format!("<p style='{declarations}'>"));
        let paragraph = dom.body().and_then(|body| dom.children(body).next());
        Style::of(&dom, paragraph.expect("the paragraph"))
    }

    #[test]
    fn declarations_that_matter() {
        for (declarations, keeps_lines, gap) in [
            ("", false, None),
            ("color: red", false, None),
            ("white-space: pre", true, None),
            ("white-space:pre-line;", true, None),
            ("white-space: nowrap", false, None),
            ("display: block", false, Some(Gap::Line)),
            (" display : flex ; x", false, Some(Gap::Line)),
            ("display: inline-block", false, Some(Gap::Space)),
            ("display: inline", false, None),
            ("display: block; white-space: pre-wrap", true, Some(Gap::Line)),
        ] {
            let style = style(declarations);
            assert_eq!((style.keeps_lines, style.gap), (keeps_lines, gap), "{declarations}");
            assert_eq!(style.has_effect(), keeps_lines || gap.is_some());
        }
    }
}
