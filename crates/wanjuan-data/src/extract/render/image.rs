//! Images, which only markdown has.

use super::markdown::push_target;
use super::renderer::Renderer;
use crate::extract::dom::{Dom, NodeId};

/// Attributes with the address of an image. Those that a script would copy into `src` come first.
const ADDRESSES: &[&str] = &["data-src", "data-original", "data-lazy-src", "src"];

impl Renderer<'_> {
    /// Writes an image, unless it only counts visitors or repeats the one before it.
    pub(super) fn image(&mut self, id: NodeId) {
        if !self.markdown || is_pixel(self.dom, id) {
            return;
        }
        let Some(address) = address(self.dom, id) else { return };
        // Inside `noscript` is a copy of the image for readers without scripts.
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

/// Whether an image is of at most one pixel: it counts visitors.
fn is_pixel(dom: &Dom, id: NodeId) -> bool {
    let tiny = |name| dom.attribute(id, name).is_some_and(|size| matches!(size, "0" | "1" | "0px" | "1px"));
    tiny("width") && tiny("height")
}
