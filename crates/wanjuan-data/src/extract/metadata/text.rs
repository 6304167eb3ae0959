//! Short texts: white space collapsed, and taken from elements only as far as they are short.

use crate::extract::dom::{Dom, NodeId, WalkEvent};

/// Steps of a walk after which a text is not short. This also bounds the work on nested elements.
const MAX_STEPS: usize = 400;

/// Bytes with white space per byte without it, beyond which a text is not read to its end.
const MAX_WHITE_SPACE: usize = 8;

/// Collapses white space; `None` if nothing is left.
pub(super) fn clean(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    (!out.is_empty()).then_some(out)
}

/// Text below an element if it has at most `limit` bytes. Visits no more of the page than needed.
pub(super) fn short_text(dom: &Dom, id: NodeId, limit: usize) -> Option<String> {
    let mut text = String::new();
    for (step, event) in dom.walk(id).enumerate() {
        if step > MAX_STEPS {
            return None;
        }
        let WalkEvent::Enter(id) = event else { continue };
        if let Some(part) = dom.text(id) {
            // A border between elements is a border between words.
            if !text.is_empty() && dom.parent(id).is_some() {
                text.push(' ');
            }
            text.push_str(part.trim_start_matches(['\n', '\r', '\t']));
            if text.len() > MAX_WHITE_SPACE * limit {
                return None;
            }
        }
    }
    clean(&text).filter(|text| text.len() <= limit)
}
