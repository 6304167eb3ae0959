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
