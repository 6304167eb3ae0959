//! Images, in markdown.

use super::super::dom::{Dom, NodeId};
use super::Renderer;
use super::marks::push_target;

/// Attributes with the address of an image, the one a script would put into `src` first.
const ADDRESSES: &[&str] = &["data-src", "data-original", "data-lazy-src", "src"];

impl Renderer<'_> {
    pub(super) fn image(&mut self, id: NodeId) {
        if !self.markdown || is_pixel(self.dom, id) {
            return;
        }
        let Some(address) = address(self.dom, id) else { return };
        // The copy for readers without scripts repeats the image before it.
        let repeated = self.last_image.and_then(|last| self::address(self.dom, last)) == Some(address);
        if repeated && self.noscript > 0 {
            return;
        }
        self.last_image = Some(id);
        self.open_text('!');
        self.out.push_str("![");
        let words = self.dom.attribute(id, "alt").unwrap_or_default().split_whitespace();
        for (number, word) in words.enumerate() {
            if number > 0 {
                self.out.push(' ');
            }
            self.out.extend(word.chars().filter(|c| !matches!(c, '[' | ']' | '|')));
        }
        push_target(&mut self.out, address);
    }
}

fn address(dom: &Dom, id: NodeId) -> Option<&str> {
    let mut addresses = ADDRESSES.iter().filter_map(|name| dom.attribute(id, name)).map(str::trim);
    addresses.find(|address| !address.is_empty() && !address.starts_with("data:"))
}

/// Images that count visitors.
fn is_pixel(dom: &Dom, id: NodeId) -> bool {
    let tiny = |name| dom.attribute(id, name).is_some_and(|size| matches!(size, "0" | "1" | "0px" | "1px"));
    tiny("width") && tiny("height")
}
