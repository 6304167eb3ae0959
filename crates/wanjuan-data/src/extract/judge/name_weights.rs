//! [`NameWeights`]: what the learned weights say about the class names and ids of an element and those above it.

use std::hash::Hasher;

use html5ever::local_name;

use super::fnv::Fnv;
use crate::extract::dom::{Dom, NodeId};

/// Number of names of one attribute that are looked up; utility-class frameworks write dozens.
const MAX_NAMES: usize = 12;

/// Learned weights of names, from the element up. A positive weight speaks for content.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NameWeights {
    /// Sum over the names of the element itself.
    pub(crate) own: f32,
    /// The same for its parent.
    pub(crate) parent: f32,
    /// Sum over the element and all above it.
    pub(crate) sum: f32,
    /// Lowest `own` of the element and all above it, at most 0.
    pub(crate) least: f32,
    /// Highest `own` of the element and all above it, at least 0.
    pub(crate) greatest: f32,
}

impl NameWeights {
    /// The weights of an element whose parent has the weights `above`.
    pub(crate) fn of(
        dom: &Dom,
        node: NodeId,
        above: Option<Self>,
        weight: &dyn Fn(u64) -> Option<f32>,
    ) -> Self {
        let own: f32 = name_hashes(dom, node).filter_map(weight).sum();
        let above = above.unwrap_or_default();
        Self {
            own,
            parent: above.own,
            sum: above.sum + own,
            least: above.least.min(own),
            greatest: above.greatest.max(own),
        }
    }
}

/// Hash of one class name or id as the table of weights has it: lower case, digits left out, because sites number
/// their posts and widgets.
pub(crate) fn name_hash(name: &str) -> u64 {
    let mut hash = Fnv::default();
    for byte in name.bytes().filter(|byte| !byte.is_ascii_digit()) {
        hash.write(&[byte.to_ascii_lowercase()]);
    }
    hash.0
}

/// Hashes of the class names and ids of an element.
fn name_hashes(dom: &Dom, node: NodeId) -> impl Iterator<Item = u64> {
    let values = dom
        .attributes(node)
        .filter(|(name, _)| **name == local_name!("class") || **name == local_name!("id"));
    values.flat_map(|(_, value)| value.split_ascii_whitespace().take(MAX_NAMES)).map(name_hash)
}
