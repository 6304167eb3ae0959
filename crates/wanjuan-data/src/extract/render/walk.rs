//! [`render`]: walks over a page and calls the renderer for each element it enters or leaves.

use super::code;
use super::open::{Gap, MarkKind, Marker, Sign};
use super::renderer::{Renderer, Visit};
use super::style::Style;
use crate::extract::config::ExtractConfig;
use crate::extract::dom::{Dom, Flow, NodeId, Role, WalkEvent, is_hidden};

/// Renders the part of a page below `root` that `keeps` selects. `keeps` is asked for each element, where `false`
/// leaves out everything below, and for each text node. Formulas and images are elements.
pub(crate) fn render<F: Fn(NodeId) -> bool>(
    dom: &Dom,
    keeps: F,
    root: NodeId,
    config: &ExtractConfig,
) -> String {
    let mut renderer = Renderer::new(dom, root, config);
    let mut walk = dom.walk(root);
    while let Some(event) = walk.next() {
        match event {
            WalkEvent::Enter(id) => {
                if !keeps(id) {
                    renderer.pass_over(id);
                    walk.skip_children(id);
                } else if let Some(text) = dom.text(id) {
                    renderer.text(text);
                } else if let Some(tag) = dom.tag(id)
                    && renderer.enter(id, tag) == Visit::Skip
                {
                    walk.skip_children(id);
                }
            }
            WalkEvent::Leave(id) => {
                if let Some(tag) = dom.tag(id) {
                    renderer.leave(id, tag);
                }
            }
        }
    }
    let length = renderer.out.trim_end().len();
    renderer.out.truncate(length);
    renderer.out
}

/// Whether a link is the sign that documentation generators put next to headings.
fn is_permalink(dom: &Dom, id: NodeId) -> bool {
    let mut children = dom.children(id);
    let text = children.next().and_then(|child| dom.text(child)).unwrap_or_default();
    matches!(text.trim(), "§" | "¶" | "#" | "🔗") && children.next().is_none()
}

impl Renderer<'_> {
    /// A visible block that is left out still ends the line before it, so that no word is made of what is around it.
    fn pass_over(&mut self, id: NodeId) {
        let is_block = self.dom.role(id).flow() == Flow::Block;
        if is_block && self.code.is_none() && self.row.is_none() && !is_hidden(self.dom, id) {
            self.separate(Gap::Line);
        }
    }

    fn enter(&mut self, id: NodeId, tag: &str) -> Visit {
        let role = self.dom.role(id);
        if role == Role::Never {
            if tag == "script" {
                self.formula(id, tag);
            }
            return Visit::Skip;
        }
        self.noscript += u32::from(tag == "noscript");
        if self.code.is_some() {
            return self.enter_in_code(id, role);
        }
        if self.formula(id, tag) == Visit::Skip {
            return Visit::Skip;
        }
        let style = Style::of(self.dom, id);
        self.styled += u32::from(style.has_effect());
        self.keeping_lines += u32::from(style.keeps_lines);
        if let Some(gap) = style.gap.filter(|_| is_inline(role)) {
            self.separate(gap);
        }
        match role {
            Role::Paragraph => self.separate(Gap::Paragraph),
            Role::Line => self.separate(Gap::Line),
            Role::Heading(level) => {
                self.separate(Gap::Paragraph);
                self.push_container(Marker::Heading(level));
            }
            Role::Break => self.line_break(),
            Role::Rule => {
                self.separate(Gap::Paragraph);
                self.rule_due = self.markdown;
            }
            Role::Preformatted => self.enter_code(id),
            Role::BulletList | Role::NumberedList => self.enter_list(id, role),
            Role::Item => self.enter_item(id),
            Role::Description => {
                self.separate(Gap::Line);
                self.push_container(Marker::Description);
            }
            Role::Table => self.enter_table(id),
            Role::Row => self.enter_row(),
            Role::Cell => return self.enter_cell(id),
            Role::BlockQuote => {
                self.separate(Gap::Paragraph);
                self.push_container(Marker::Quote);
            }
            Role::Image => self.image(id),
            Role::Link if is_permalink(self.dom, id) => return Visit::Skip,
            Role::Code if self.row.is_none() && code::is_block(self.dom, id) => self.enter_code(id),
            _ => self.enter_inline(id, role),
        }
        Visit::Children
    }

    fn leave(&mut self, id: NodeId, tag: &str) {
        let role = self.dom.role(id);
        if role == Role::Never {
            return;
        }
        self.noscript -= u32::from(tag == "noscript");
        if self.code.is_some() {
            self.leave_in_code(id, role);
            return;
        }
        match role {
            Role::Paragraph | Role::Rule => self.separate(Gap::Paragraph),
            Role::Line => self.separate(Gap::Line),
            Role::Heading(_) | Role::BlockQuote => {
                self.pop_container();
                self.separate(Gap::Paragraph);
            }
            Role::BulletList | Role::NumberedList => self.leave_list(),
            Role::Item | Role::Description => self.leave_item(),
            Role::Table => self.leave_table(),
            Role::Row => self.leave_row(),
            Role::Cell => self.leave_cell(),
            _ => self.leave_inline(role),
        }
        self.leave_style(id, role);
    }

    /// Undoes the effect of the style of an element that ends.
    pub(super) fn leave_style(&mut self, id: NodeId, role: Role) {
        if self.styled == 0 {
            return;
        }
        let style = Style::of(self.dom, id);
        self.styled -= u32::from(style.has_effect());
        self.keeping_lines -= u32::from(style.keeps_lines);
        if let Some(gap) = style.gap.filter(|_| is_inline(role)) {
            self.separate(gap);
        }
    }

    fn enter_inline(&mut self, id: NodeId, role: Role) {
        let kind = match role {
            Role::Strong => MarkKind::Sign(Sign::Strong),
            Role::Emphasis => MarkKind::Sign(Sign::Emphasis),
            Role::Strike => MarkKind::Sign(Sign::Strike),
            Role::Code => MarkKind::Code,
            Role::Link => MarkKind::Link(id),
            Role::Subscript => MarkKind::Subscript,
            Role::Superscript if self.is_note(id) => MarkKind::Note,
            Role::Superscript => MarkKind::Superscript,
            Role::Quote => MarkKind::Quote,
            Role::Reading => {
                self.glue("(");
                return;
            }
            _ => return,
        };
        self.enter_mark(kind);
    }

    /// Whether raised text is or contains a link: then it is the number of a note.
    fn is_note(&self, id: NodeId) -> bool {
        let link = |id| self.dom.tag(id) == Some("a");
        self.dom.children(id).any(link) || self.dom.parent(id).is_some_and(link)
    }

    fn leave_inline(&mut self, role: Role) {
        match role {
            Role::Strong
            | Role::Emphasis
            | Role::Strike
            | Role::Code
            | Role::Link
            | Role::Subscript
            | Role::Superscript
            | Role::Quote => self.leave_mark(),
            Role::Reading => self.glue(")"),
            _ => {}
        }
    }
}

/// Roles of elements that a style may turn into blocks.
fn is_inline(role: Role) -> bool {
    matches!(role, Role::Inline | Role::Link | Role::Strong | Role::Emphasis | Role::Code)
}

#[cfg(test)]
mod tests;
