//! Code blocks, with indentation byte for byte and without line numbers.

use super::super::dom::{Dom, NodeId};
use super::super::tag::{Flow, Role, flow};
use super::marks::longest_run;
use super::table::TableKind;
use super::writer::Gap;
use super::{Renderer, Visit};

/// An open code block.
pub(super) struct CodeBlock {
    /// The outermost element.
    id: NodeId,
    /// Elements inside that would start a block of their own.
    depth: usize,
    /// Length of the output before the block; `None` while no text came.
    before: Option<usize>,
    /// Where the code starts.
    start: usize,
    /// Where the innermost line element starts and, when it has ended, that a line break is due.
    line_start: usize,
    line_break_due: bool,
    /// Where the last `<span class=line>` ended.
    span_end: Option<usize>,
    /// White space of the source collapses: code of an element other than `pre`.
    collapses: bool,
}

/// Elements that hold line numbers, by class.
const GUTTERS: &[&str] = &[
    "blob-num",
    "gutter",
    "hljs-ln-numbers",
    "line-number",
    "line-numbers",
    "line-numbers-rows",
    "linenodiv",
    "lineno",
    "linenos",
    "linenum",
    "lnt",
    "rouge-gutter",
    "src-line-numbers",
];

/// Whether an element in code, or a cell, holds line numbers.
pub(super) fn is_gutter(dom: &Dom, id: NodeId) -> bool {
    let Some(classes) = dom.attribute(id, "class") else { return false };
    // Highlighters put `line-numbers` on the block that they number, too.
    let numbers = matches!(dom.tag(id), Some("td" | "th" | "span" | "a" | "div" | "i" | "pre"));
    let code = classes.contains("code") || classes.contains("lang");
    let short = dom.tag(id) == Some("span");
    let named = |class| GUTTERS.contains(&class) || (short && class == "ln");
    numbers && !code && classes.split_ascii_whitespace().any(named)
}

pub(super) fn has_class(dom: &Dom, id: NodeId, name: &str) -> bool {
    dom.attribute(id, "class").is_some_and(|classes| classes.split_ascii_whitespace().any(|one| one == name))
}

/// `code` with line breaks in it is a block.
pub(super) fn is_block(dom: &Dom, id: NodeId) -> bool {
    dom.children(id).any(|child| dom.tag(child) == Some("br"))
}

impl Renderer<'_> {
    pub(super) fn enter_code(&mut self, id: NodeId) {
        if let Some(code) = &mut self.code {
            code.depth += 1;
            return;
        }
        self.separate(Gap::Paragraph);
        let collapses = super::super::tag::role(self.dom.tag(id).unwrap_or_default()) == Role::Code;
        self.code = Some(CodeBlock {
            id,
            depth: 0,
            before: None,
            start: 0,
            line_start: 0,
            line_break_due: false,
            span_end: None,
            collapses,
        });
    }

    pub(super) fn enter_in_code(&mut self, id: NodeId, role: Role) -> Visit {
        let tag = self.dom.tag(id).unwrap_or_default();
        match role {
            Role::Break => self.push_code("\n"),
            Role::Table => self.push_table(TableKind::Code, 0),
            _ if is_gutter(self.dom, id) => return Visit::Skip,
            _ if flow(tag) == Flow::Block => self.enter_line(),
            _ if tag == "span" && has_class(self.dom, id, "line") => {
                let length = self.out.len();
                if self.code.as_ref().is_some_and(|code| code.span_end == Some(length)) {
                    self.push_code("\n");
                }
            }
            _ => {}
        }
        if role == Role::Cell
            && let Some(table) = self.tables.last_mut()
        {
            table.in_cell = true;
        }
        Visit::Children
    }

    pub(super) fn leave_in_code(&mut self, id: NodeId, role: Role) {
        let Some(code) = &mut self.code else { return };
        let length = self.out.len();
        if code.id == id {
            self.close_code(role);
            return;
        }
        match role {
            Role::Table => {
                self.tables.pop();
            }
            _ if flow(self.dom.tag(id).unwrap_or_default()) == Flow::Block => {
                let broken = length > code.line_start && self.out.ends_with('\n');
                code.line_break_due = code.before.is_some() && !broken;
            }
            _ if has_class(self.dom, id, "line") => code.span_end = Some(length),
            _ => {}
        }
        if role == Role::Cell
            && let Some(table) = self.tables.last_mut()
        {
            table.in_cell = false;
        }
    }

    /// An element that stands on lines of its own.
    fn enter_line(&mut self) {
        let Some(code) = &mut self.code else { return };
        let inside = code.before.is_some() && self.out.len() > code.start && !self.out.ends_with('\n');
        if code.line_break_due || inside {
            code.line_break_due = false;
            self.out.push('\n');
        }
        code.line_start = self.out.len();
    }

    pub(super) fn code_text(&mut self, text: &str) {
        let between = self.tables.last().is_some_and(|table| table.kind == TableKind::Code && !table.in_cell);
        if between && text.trim().is_empty() {
            return;
        }
        if !self.code.as_ref().is_some_and(|code| code.collapses) {
            self.push_code(text);
            return;
        }
        let mut text = text;
        if self.code.as_ref().is_some_and(|code| code.before.is_none()) || self.out.ends_with('\n') {
            text = text.trim_ascii_start();
        }
        let mut spaced = false;
        for piece in text.split(|c: char| c.is_ascii_whitespace()) {
            if spaced && !self.out.ends_with([' ', '\n']) {
                self.push_code(" ");
            }
            self.push_code(piece);
            spaced = true;
        }
    }

    /// Pushes code; no-break spaces are an artefact of HTML.
    fn push_code(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let Some(mut code) = self.code.take() else { return };
        if code.before.is_none() {
            code.before = Some(self.out.len());
            // The opening fence is written with the closing one.
            self.open_text('`');
            code.start = self.out.len();
            code.line_start = code.start;
        }
        if code.line_break_due {
            code.line_break_due = false;
            self.out.push('\n');
        }
        for (number, piece) in text.split('\u{a0}').enumerate() {
            if number > 0 {
                self.out.push(' ');
            }
            self.out.push_str(piece);
        }
        self.code = Some(code);
    }

    fn close_code(&mut self, role: Role) {
        let Some(code) = self.code.take() else { return };
        if let Some(before) = code.before {
            self.finish_code(&code, before);
        }
        match role {
            Role::Table => self.leave_table(),
            Role::Cell => self.leave_cell(),
            _ => {}
        }
        self.leave_style(code.id, role);
        self.separate(Gap::Paragraph);
    }

    /// Cuts empty lines at the ends, sets fences and prefixes.
    fn finish_code(&mut self, code: &CodeBlock, before: usize) {
        let length = self.out[code.start..].trim_end().len();
        self.out.truncate(code.start + length);
        let text = &self.out[code.start..];
        let blank = text.len() - text.trim_start().len();
        let empty_lines = text[..blank].rfind('\n').map_or(0, |at| at + 1);
        if text.is_empty() {
            self.out.truncate(before);
            return;
        }
        if !self.markdown {
            self.out.replace_range(code.start..code.start + empty_lines, "");
            return;
        }
        let text = self.out.split_off(code.start).split_off(empty_lines);
        let fence = "`".repeat(3.max(longest_run(&text, '`') + 1));
        self.out.push_str(&fence);
        self.out.push_str(language(self.dom, code.id));
        for line in text.split('\n').chain([fence.as_str()]) {
            self.out.push('\n');
            if !line.is_empty() {
                self.write_next_prefix(self.containers.len());
                self.out.push_str(line);
            }
        }
    }
}

/// The language of a code block: named by its own class, by that of a `code` inside, or by an element close
/// around it.
fn language(dom: &Dom, block: NodeId) -> &str {
    let code = dom.children(block).find(|id| dom.tag(*id) == Some("code"));
    let around = std::iter::successors(dom.parent(block), |id| dom.parent(*id))
        .take_while(|id| matches!(dom.tag(*id), Some("div" | "figure" | "td" | "tr" | "tbody" | "table")))
        .take(8);
    code.into_iter()
        .chain([block])
        .filter_map(|id| named_language(dom, id))
        .chain(around.filter_map(|id| prefixed_language(dom, id, &PREFIXES[1..])))
        .next()
        .unwrap_or_default()
}

fn named_language(dom: &Dom, id: NodeId) -> Option<&str> {
    let attribute = ["data-lang", "data-language"].iter().find_map(|name| dom.attribute(id, name));
    if let Some(name) = prefixed_language(dom, id, PREFIXES).or(attribute.and_then(plain_name)) {
        return Some(name);
    }
    let mut classes = dom.attribute(id, "class")?.split_ascii_whitespace();
    // `sourceCode rust`, `hljs rust`, `rust rust-example-rendered`.
    match classes.next()? {
        "sourceCode" | "hljs" | "prettyprint" => classes.next().and_then(plain_name),
        "rust" => Some("rust"),
        _ => None,
    }
}

/// What classes put before the name of a language. The first is too common for use far from the code.
const PREFIXES: &[&str] = &["lang-", "language-", "highlight-source-", "highlight-text-", "highlight-"];

fn prefixed_language<'a>(dom: &'a Dom, id: NodeId, prefixes: &[&str]) -> Option<&'a str> {
    let classes = dom.attribute(id, "class")?;
    if let Some(at) = classes.find("brush:") {
        return plain_name(classes[at + 6..].trim_start().split([' ', ';']).next()?);
    }
    classes
        .split_ascii_whitespace()
        .find_map(|class| prefixes.iter().find_map(|prefix| class.strip_prefix(prefix)).and_then(plain_name))
}

/// A name that can stand behind a fence; not the names of no language.
fn plain_name(name: &str) -> Option<&str> {
    let name = name.split(',').next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '#' | '-' | '_' | '.');
    let none = matches!(
        name,
        "" | "default" | "none" | "text" | "plain" | "plaintext" | "line-numbers" | "linenums"
    );
    (!none && name.len() <= 24 && name.chars().all(plain)).then_some(name)
}
