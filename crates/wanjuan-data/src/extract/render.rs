//! Content elements to text or markdown, in one walk.
//!
//! White space outside of code collapses as in a browser; inside of code every byte is kept. Blocks are
//! separated by an empty line, list items, table rows and `br` by a line break, cells by a tab.

mod code;
mod image;
mod list;
mod marks;
mod table;
mod writer;

use super::config::{ExtractConfig, Links, TextFormat};
use super::dom::{Dom, NodeId, WalkEvent};
use super::formula::{Formula, FormulaKind, formula, formula_kind, is_math_script};
use super::tag::{Role, role};
use code::CodeBlock;
use list::List;
use marks::{Mark, MarkKind, Sign};
use table::{Row, Table};
use writer::{Container, Gap, Marker};

/// A page with more elements that only look like formulas has no formulas: each is searched to its end.
const MAX_FAILED_FORMULAS: usize = 64;

/// Whether the walk goes below an element.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Visit {
    Children,
    Skip,
}

struct Renderer<'a> {
    dom: &'a Dom,
    root: NodeId,
    markdown: bool,
    links: bool,
    out: String,
    gap: Gap,
    /// The space that is due was a line break in the source.
    soft_break: bool,
    /// A rule stands before the next paragraph.
    rule_due: bool,
    containers: Vec<Container>,
    /// Open containers and marks beyond the limits of their stacks.
    deep_containers: usize,
    deep_marks: usize,
    marks: Vec<Mark>,
    /// How many of `marks` are still to be written before the next text.
    unwritten: usize,
    /// The emphasis that was closed last, and the length of the output then.
    closed: Option<(Sign, usize)>,
    lists: Vec<List>,
    tables: Vec<Table>,
    row: Option<Row>,
    code: Option<CodeBlock>,
    /// Open elements whose style has a meaning here, and those of them whose style keeps line breaks.
    styled: u32,
    keeping_lines: u32,
    /// Open `noscript`: images may repeat there what a script would show.
    noscript: u32,
    last_image: Option<NodeId>,
    math_scripts: Option<bool>,
    /// Elements that looked like formulas and held none.
    failed_formulas: usize,
}

/// Renders what is kept below `root`. `keeps` is asked for elements (`false`: nothing below it) and for text
/// nodes. What only stands for text (formulas, images, [`stands_for_content`]) is asked for as an element.
pub(super) fn render<F: Fn(NodeId) -> bool>(
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

/// Elements that are never text themselves, but whose content is wanted: TeX in scripts.
pub(super) fn stands_for_content(dom: &Dom, id: NodeId) -> bool {
    dom.tag(id) == Some("script") && is_math_script(dom, id)
}

/// The mark that documentation generators put beside headings, and the wiki's edit links.
fn is_permalink(dom: &Dom, id: NodeId) -> bool {
    let mut children = dom.children(id);
    let text = children.next().and_then(|child| dom.text(child)).unwrap_or_default();
    matches!(text.trim(), "§" | "¶" | "#" | "🔗") && children.next().is_none()
}

impl<'a> Renderer<'a> {
    fn new(dom: &'a Dom, root: NodeId, config: &ExtractConfig) -> Self {
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
            deep_marks: 0,
            marks: Vec::new(),
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

    fn enter(&mut self, id: NodeId, tag: &str) -> Visit {
        let role = role(tag);
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
        let role = role(tag);
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

    fn leave_style(&mut self, id: NodeId, role: Role) {
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

    /// A raised link leads to a note.
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

    /// Writes the formula that an element is; what is below it is then done with.
    fn formula(&mut self, id: NodeId, tag: &str) -> Visit {
        let found = match formula_kind(self.dom, id, tag) {
            None => return Visit::Children,
            Some(_) if self.failed_formulas > MAX_FAILED_FORMULAS => return Visit::Children,
            Some(FormulaKind::Rendered) if self.has_math_scripts() => return Visit::Skip,
            Some(kind) => formula(self.dom, id, kind),
        };
        match found {
            Some(formula) => {
                self.write_formula(&formula);
                Visit::Skip
            }
            None => {
                self.failed_formulas += 1;
                Visit::Children
            }
        }
    }

    /// Whether the page carries its formulas in scripts; what MathJax made of them is then left out.
    fn has_math_scripts(&mut self) -> bool {
        let (dom, root) = (self.dom, self.root);
        *self.math_scripts.get_or_insert_with(|| {
            dom.walk(root).any(|event| matches!(event, WalkEvent::Enter(id) if is_math_script(dom, id)))
        })
    }

    fn write_formula(&mut self, formula: &Formula) {
        if formula.tex.is_empty() || self.code.is_some() {
            return;
        }
        let (sign, gap) = if formula.display { ("$$", Gap::Paragraph) } else { ("$", Gap::Nothing) };
        self.separate(gap);
        self.open_text('$');
        self.out.push_str(sign);
        self.push_escaped(&formula.tex);
        self.out.push_str(sign);
        self.separate(gap);
    }
}

fn is_inline(role: Role) -> bool {
    matches!(role, Role::Inline | Role::Link | Role::Strong | Role::Emphasis | Role::Code)
}

/// What an element's own style says about white space.
#[derive(Clone, Copy, Debug, Default)]
struct Style {
    keeps_lines: bool,
    /// What an inline element is set apart by.
    gap: Option<Gap>,
}

impl Style {
    fn has_effect(self) -> bool {
        self.keeps_lines || self.gap.is_some()
    }

    fn of(dom: &Dom, id: NodeId) -> Self {
        let mut style = Self::default();
        for declaration in dom.attribute(id, "style").unwrap_or_default().split(';') {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            match (name.trim(), value.trim()) {
                ("white-space", "pre" | "pre-wrap" | "pre-line" | "break-spaces") => style.keeps_lines = true,
                ("display", "block" | "flex" | "grid" | "table" | "list-item") => {
                    style.gap = Some(Gap::Line);
                }
                ("display", "inline-block" | "inline-flex" | "table-cell") => style.gap = Some(Gap::Space),
                _ => {}
            }
        }
        style
    }
}
