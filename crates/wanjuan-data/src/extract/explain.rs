//! [`BlockReport`]: what became of each block of text of a page.

use super::dom::{Dom, NodeId, WalkEvent};
use super::main_text::ExtractedPage;
use super::tag::{Flow, flow};

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

/// What was decided on one text node.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decision {
    pub(super) kept: bool,
    pub(super) reason: String,
    pub(super) score: Option<f64>,
}

/// The blocks below `root`, each with the decision on its text nodes; two decisions make two reports.
pub(super) fn blocks(dom: &Dom, root: NodeId, decide: impl Fn(NodeId) -> Decision) -> Vec<BlockReport> {
    let mut reports: Vec<BlockReport> = Vec::new();
    // The block element that the last report is of, until a border comes.
    let mut open: Option<NodeId> = None;
    let mut walk = dom.walk(root);
    while let Some(event) = walk.next() {
        let (WalkEvent::Enter(id) | WalkEvent::Leave(id)) = event;
        if let Some(tag) = dom.tag(id) {
            if matches!(tag, "head" | "script" | "style" | "svg" | "template") {
                if event == WalkEvent::Enter(id) {
                    walk.skip_children(id);
                }
            } else if flow(tag) != Flow::Inline {
                open = None;
            }
            continue;
        }
        let Some(text) = dom.text(id).filter(|_| event == WalkEvent::Enter(id)) else { continue };
        if text.trim().is_empty() {
            if let Some(report) = reports.last_mut().filter(|_| open.is_some()) {
                append(&mut report.text, text);
            }
            continue;
        }
        let block = block_of(dom, id);
        let Decision { kept, reason, score } = decide(id);
        match reports
            .last_mut()
            .filter(|last| open == Some(block) && (last.kept, &last.reason) == (kept, &reason))
        {
            Some(report) => append(&mut report.text, text),
            None => {
                let mut report =
                    BlockReport { path: path(dom, block), text: String::new(), kept, reason, score };
                append(&mut report.text, text);
                reports.push(report);
            }
        }
        open = Some(block);
    }
    reports.iter_mut().for_each(|report| report.text.truncate(report.text.trim_end().len()));
    reports
}

/// Appends with white space collapsed.
fn append(out: &mut String, text: &str) {
    for (number, word) in text.split(char::is_whitespace).enumerate() {
        if number > 0 && !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
        out.push_str(word);
    }
}

/// The innermost element around a node that is not part of a line.
fn block_of(dom: &Dom, id: NodeId) -> NodeId {
    std::iter::successors(dom.parent(id), |id| dom.parent(*id))
        .find(|id| dom.tag(*id).is_none_or(|tag| flow(tag) != Flow::Inline))
        .unwrap_or(id)
}

/// `html>body>div#main>p.lead`.
fn path(dom: &Dom, id: NodeId) -> String {
    let mut names: Vec<String> = std::iter::successors(Some(id), |id| dom.parent(*id))
        .filter(|id| dom.tag(*id).is_some())
        .map(|id| name_of(dom, id))
        .collect();
    names.reverse();
    names.join(">")
}

/// A tag with its id, else its first class.
pub(super) fn name_of(dom: &Dom, id: NodeId) -> String {
    let first = |name| dom.attribute(id, name).and_then(|value| value.split_ascii_whitespace().next());
    let name = first("id").map(|name| format!("#{name}")).or(first("class").map(|name| format!(".{name}")));
    dom.tag(id).unwrap_or_default().to_owned() + &name.unwrap_or_default()
}
