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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::dom::WalkEvent;

    /// The weights of every element below the body, from the outside.
    fn weights(html: &str, weight: &dyn Fn(u64) -> Option<f32>) -> Vec<NameWeights> {
        let dom = Dom::parse(html);
        let mut above = None;
        let mut all = Vec::new();
        for event in dom.walk(dom.body().expect("a page has a body")).skip(1) {
            if let WalkEvent::Enter(id) = event
                && dom.tag(id).is_some()
            {
                let weights = NameWeights::of(&dom, id, above, weight);
                above = Some(weights);
                all.push(weights);
            }
        }
        all
    }

    #[test]
    fn weights_run_down_the_tree() {
        let known = |hash| match hash {
            _ if hash == name_hash("post") => Some(2.0),
            _ if hash == name_hash("nav") => Some(-3.0),
            _ => None,
        };
        let html = "<div class='post x'><div id=NAV-1><div class='post nav-7' id=post9><p>";
        let found = weights(html, &known);
        let rows: Vec<[f32; 5]> =
            found.iter().map(|one| [one.own, one.parent, one.sum, one.least, one.greatest]).collect();
        // `NAV-1` is another name than `nav`: only digits are left out.
        assert_eq!(
            rows,
            [
                [2.0, 0.0, 2.0, 0.0, 2.0],
                [0.0, 2.0, 2.0, 0.0, 2.0],
                [4.0, 0.0, 6.0, 0.0, 4.0],
                [0.0, 4.0, 6.0, 0.0, 4.0]
            ]
        );
    }

    #[test]
    fn hashes_ignore_case_and_digits() {
        assert_eq!(name_hash("Post-12"), name_hash("post-"));
        assert_ne!(name_hash("post"), name_hash("post-"));
        assert_eq!(name_hash("2024"), name_hash(""));
    }

    #[test]
    fn only_the_first_names_of_an_attribute_count() {
        let names =
            (0..40).map(|n| char::from(b'a' + n % 26).to_string().repeat(2)).collect::<Vec<_>>().join(" ");
        let found = weights(&format!("<p class='{names}' id=zz>"), &|_| Some(1.0));
        assert_eq!(found[0].own, MAX_NAMES as f32 + 1.0);
    }
}
