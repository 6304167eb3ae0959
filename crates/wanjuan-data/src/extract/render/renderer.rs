//! [`Renderer`]: the output so far, what is open, and what is due before the next text.

use super::open::{ClosedSign, CodeBlock, Container, Gap, List, Mark, Row, Table};
use crate::extract::config::{ExtractConfig, Links, TextFormat};
use crate::extract::dom::{Dom, NodeId};

/// Whether the walk visits the children of an element.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Visit {
    Children,
    Skip,
}

/// The state of a rendering.
pub(super) struct Renderer<'a> {
    pub(super) dom: &'a Dom,
    pub(super) root: NodeId,
    pub(super) markdown: bool,
    /// Whether addresses of links are written.
    pub(super) links: bool,
    pub(super) out: String,
    /// The gap due before the next text.
    pub(super) gap: Gap,
    /// Whether the space that is due was a line break in the source.
    pub(super) soft_break: bool,
    /// Whether a rule comes before the next paragraph.
    pub(super) rule_due: bool,
    pub(super) containers: Vec<Container>,
    /// Number of open containers beyond the limit of the stack.
    pub(super) deep_containers: usize,
    pub(super) marks: Vec<Mark>,
    /// Number of open marks beyond the limit of the stack.
    pub(super) deep_marks: usize,
    /// How many of `marks` are still to be written before the next text.
    pub(super) unwritten: usize,
    /// The sign that was closed last.
    pub(super) closed: Option<ClosedSign>,
    pub(super) lists: Vec<List>,
    pub(super) tables: Vec<Table>,
    pub(super) row: Option<Row>,
    pub(super) code: Option<CodeBlock>,
    /// Number of open elements whose style has an effect here.
    pub(super) styled: u32,
    /// Number of those whose style keeps line breaks.
    pub(super) keeping_lines: u32,
    /// Number of open `noscript`, which may repeat the image that a script would show.
    pub(super) noscript: u32,
    pub(super) last_image: Option<NodeId>,
    /// Whether the page has MathJax sources in scripts, once that is known.
    pub(super) math_scripts: Option<bool>,
    /// Number of elements that looked like formulas but contained none.
    pub(super) failed_formulas: usize,
}

impl<'a> Renderer<'a> {
    /// Starts with an empty output. `root` is the element whose content is rendered.
    pub(super) fn new(dom: &'a Dom, root: NodeId, config: &ExtractConfig) -> Self {
        Self {
            dom,
            root,
            markdown: config.format == TextFormat::Markdown,
            links: config.format == TextFormat::Markdown && config.links == Links::Inline,
            out: String::new(),
            gap: Gap::Nothing,
            soft_break: false,
            rule_due: false,
            containers: Vec::new(),
            deep_containers: 0,
            marks: Vec::new(),
            deep_marks: 0,
            unwritten: 0,
            closed: None,
            lists: Vec::new(),
            tables: Vec::new(),
            row: None,
            code: None,
            styled: 0,
            keeping_lines: 0,
            noscript: 0,
            last_image: None,
            math_scripts: None,
            failed_formulas: 0,
        }
    }
}
