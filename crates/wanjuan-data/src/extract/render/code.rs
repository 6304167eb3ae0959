//! Code blocks, with indentation byte for byte and without line numbers.

use super::gutter::{has_class, is_gutter};
use super::markdown::longest_run;
use super::open::{CodeBlock, Gap, TableKind};
use super::renderer::{Renderer, Visit};
use crate::extract::dom::{Dom, Flow, NodeId, Role};

/// How far up a code block looks for the name of its language.
const LANGUAGE_LEVELS: usize = 8;

/// Maximum length of the name of a language, in bytes.
const MAX_LANGUAGE: usize = 24;

/// Whether a `code` element is a block: it contains line breaks.
pub(super) fn is_block(dom: &Dom, id: NodeId) -> bool {
    dom.children(id).any(|child| dom.tag(child) == Some("br"))
}

impl Renderer<'_> {
    /// Opens a code block, unless one is open already.
    pub(super) fn enter_code(&mut self, id: NodeId) {
        if let Some(code) = &mut self.code {
            code.depth += 1;
            return;
        }
        self.separate(Gap::Paragraph);
        let collapses = self.dom.role(id) == Role::Code;
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

    /// Enters an element inside a code block.
    pub(super) fn enter_in_code(&mut self, id: NodeId, role: Role) -> Visit {
        match role {
            Role::Break => self.push_code("\n"),
            Role::Table => self.push_table(TableKind::Code, 0),
            _ if is_gutter(self.dom, id) => return Visit::Skip,
            _ if role.flow() == Flow::Block => self.enter_line(),
            _ if self.dom.tag(id) == Some("span") && has_class(self.dom, id, "line") => {
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

    /// Leaves an element inside a code block, or the block itself.
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
            _ if role.flow() == Flow::Block => {
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

    /// Starts a new line for an element that is on its own lines.
    fn enter_line(&mut self) {
        let Some(code) = &mut self.code else { return };
        let inside = code.before.is_some() && self.out.len() > code.start && !self.out.ends_with('\n');
        if code.line_break_due || inside {
            code.line_break_due = false;
            self.out.push('\n');
        }
        code.line_start = self.out.len();
    }

    /// Writes text inside a code block.
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

    /// Appends code. No-break spaces are an artifact of HTML and become spaces.
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

    /// Removes empty lines at the ends of the code, and in markdown adds fences and prefixes.
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

/// The language of a code block: named by its class, by that of a `code` inside it, or by an element close around it.
fn language(dom: &Dom, block: NodeId) -> &str {
    let code = dom.children(block).find(|id| dom.tag(*id) == Some("code"));
    let around = std::iter::successors(dom.parent(block), |id| dom.parent(*id))
        .take_while(|id| matches!(dom.tag(*id), Some("div" | "figure" | "td" | "tr" | "tbody" | "table")))
        .take(LANGUAGE_LEVELS);
    code.into_iter()
        .chain([block])
        .filter_map(|id| named_language(dom, id))
        .chain(around.filter_map(|id| prefixed_language(dom, id, &PREFIXES[1..])))
        .next()
        .unwrap_or_default()
}

/// The language that an element names by class or attribute.
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

/// Prefixes of classes before the name of a language. The first is too common to be trusted far from the code.
const PREFIXES: &[&str] = &["lang-", "language-", "highlight-source-", "highlight-text-", "highlight-"];

/// The language that a class names after a prefix.
fn prefixed_language<'a>(dom: &'a Dom, id: NodeId, prefixes: &[&str]) -> Option<&'a str> {
    let classes = dom.attribute(id, "class")?;
    if let Some(at) = classes.find("brush:") {
        return plain_name(classes[at + 6..].trim_start().split([' ', ';']).next()?);
    }
    classes
        .split_ascii_whitespace()
        .find_map(|class| prefixes.iter().find_map(|prefix| class.strip_prefix(prefix)).and_then(plain_name))
}

/// The name, if it can follow a fence and is the name of a language.
fn plain_name(name: &str) -> Option<&str> {
    let name = name.split(',').next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '#' | '-' | '_' | '.');
    let none = matches!(
        name,
        "" | "default" | "none" | "text" | "plain" | "plaintext" | "line-numbers" | "linenums"
    );
    (!none && name.len() <= MAX_LANGUAGE && name.chars().all(plain)).then_some(name)
}
