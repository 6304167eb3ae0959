//! Lists and their items.

use super::open::{Gap, List, Marker};
use super::renderer::Renderer;
use crate::extract::dom::{NodeId, Role};

impl Renderer<'_> {
    /// Opens a list, of bullets or numbers by its role.
    pub(super) fn enter_list(&mut self, id: NodeId, role: Role) {
        let nested = !self.lists.is_empty();
        self.separate(if nested { Gap::Line } else { Gap::Paragraph });
        let numbered = role == Role::NumberedList;
        let reversed = numbered && self.dom.attribute(id, "reversed").is_some();
        let start = self.dom.attribute(id, "start").and_then(|start| start.trim().parse().ok());
        let items =
            || self.dom.children(id).filter(|child| self.dom.tag(*child) == Some("li")).count() as i64;
        let start: i64 = start.unwrap_or_else(|| if reversed { items() } else { 1 });
        self.lists.push(List { next: numbered.then_some(start), step: if reversed { -1 } else { 1 } });
        // A list directly inside a list, without an item between them.
        let outer = self.dom.parent(id).and_then(|parent| self.dom.tag(parent));
        if nested && matches!(outer, Some("ul" | "ol")) {
            self.push_container(Marker::Indent);
        }
    }

    /// Closes the innermost list.
    pub(super) fn leave_list(&mut self) {
        self.lists.pop();
        let indented = self.containers.last().is_some_and(|container| container.marker == Marker::Indent);
        if indented && self.deep_containers == 0 {
            self.pop_container();
        }
        // Otherwise text after a list inside an item would be read as a part of the last item of the list.
        let ends = self.lists.is_empty() || (self.markdown && self.containers.last().is_some());
        self.separate(if ends { Gap::Paragraph } else { Gap::Line });
    }

    /// Opens an item. Outside of a list it gets a bullet.
    pub(super) fn enter_item(&mut self, id: NodeId) {
        self.separate(Gap::Line);
        let task = self.task(id);
        let Some(list) = self.lists.last_mut() else {
            self.push_container(Marker::Bullet);
            return;
        };
        let marker = match (&mut list.next, task) {
            (Some(next), _) => {
                let given = self.dom.attribute(id, "value").and_then(|value| value.trim().parse().ok());
                let number = given.unwrap_or(*next);
                *next = number.saturating_add(list.step);
                Marker::Number(number)
            }
            (None, Some(done)) => Marker::Task(done),
            (None, None) => Marker::Bullet,
        };
        self.push_container(marker);
    }

    /// Whether the check box at the start of an item is checked; `None` if there is no check box.
    fn task(&self, id: NodeId) -> Option<bool> {
        let first = |id| self.dom.children(id).find(|child| self.dom.tag(*child).is_some());
        let child = first(id)?;
        let inner = if matches!(self.dom.tag(child), Some("p" | "label")) { first(child)? } else { child };
        let checkbox = self.dom.attribute(inner, "type") == Some("checkbox");
        checkbox.then(|| self.dom.attribute(inner, "checked").is_some())
    }

    /// Closes an item or a description.
    pub(super) fn leave_item(&mut self) {
        if !self.pop_container() {
            return;
        }
        // Paragraphs inside an item do not put an empty line before the next item.
        self.gap = self.gap.min(Gap::Line);
        self.separate(Gap::Line);
    }
}
