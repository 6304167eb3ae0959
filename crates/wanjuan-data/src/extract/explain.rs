//! [`BlockReport`]: what became of each block of text of a page.

use super::dom::{Dom, NodeId};
use super::main_text::ExtractedPage;

/// A page's text and what became of all of its blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The answer of [`super::extract_html`].
    pub page: ExtractedPage,
    /// The blocks of text of the page, in order.
    pub blocks: Vec<BlockReport>,
}

/// The text between two borders of blocks, kept or dropped as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockReport {
    /// The elements around it, like `html>body>div.content>p`.
    pub path: String,
    /// Its text, white space collapsed.
    pub text: String,
    /// Whether it is part of the main text.
    pub kept: bool,
    /// Why it was kept or dropped; may be empty for what was kept.
    pub reason: String,
    /// The number the decision rests on, if there is one.
    pub score: Option<f64>,
}

/// `html>body>div#main>p.lead`.
pub(super) fn path(dom: &Dom, id: NodeId) -> String {
    let mut names: Vec<String> = std::iter::successors(Some(id), |id| dom.parent(*id))
        .filter(|id| dom.tag(*id).is_some())
        .map(|id| name_of(dom, id))
        .collect();
    names.reverse();
    names.join(">")
}

/// A tag with its id, else its first class.
fn name_of(dom: &Dom, id: NodeId) -> String {
    let first = |name| dom.attribute(id, name).and_then(|value| value.split_ascii_whitespace().next());
    let name = first("id").map(|name| format!("#{name}")).or(first("class").map(|name| format!(".{name}")));
    dom.tag(id).unwrap_or_default().to_owned() + &name.unwrap_or_default()
}
