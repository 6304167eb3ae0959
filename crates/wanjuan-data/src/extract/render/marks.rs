//! Inline marks: emphasis, code, links, quotes, small raised and lowered figures.
//!
//! A mark is written with the first text inside it and closed before the gap behind it, so that none is
//! empty, touches white space from inside, or spans two blocks.

use super::super::dom::NodeId;
use super::Renderer;
use super::writer::Marker;

/// Markdown signs that are the same at both ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sign {
    Strong,
    Emphasis,
    Strike,
}

impl Sign {
    fn text(self) -> &'static str {
        match self {
            Self::Strong => "**",
            Self::Emphasis => "*",
            Self::Strike => "~~",
        }
    }
}

/// What an inline element does to its text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum MarkKind {
    /// Nothing, here.
    Nothing,
    Sign(Sign),
    Code,
    /// The element with the address.
    Link(NodeId),
    Subscript,
    Superscript,
    /// The number of a note.
    Note,
    Quote,
}

/// Inline elements nested deeper have no effect.
const MAX_MARKS: usize = 16;

/// An open inline element.
pub(super) struct Mark {
    kind: MarkKind,
    /// Where its text starts; `None` while it is not written.
    start: Option<usize>,
}

impl Renderer<'_> {
    pub(super) fn enter_mark(&mut self, kind: MarkKind) {
        if self.marks.len() == MAX_MARKS {
            self.deep_marks += 1;
            return;
        }
        let kind = if self.has_effect(kind) { kind } else { MarkKind::Nothing };
        self.unwritten += usize::from(kind != MarkKind::Nothing);
        self.marks.push(Mark { kind, start: None });
    }

    fn has_effect(&self, kind: MarkKind) -> bool {
        let open = |kind| self.marks.iter().any(|mark| mark.kind == kind);
        if open(MarkKind::Code) {
            return false;
        }
        match kind {
            MarkKind::Nothing => false,
            MarkKind::Subscript | MarkKind::Superscript | MarkKind::Note | MarkKind::Quote => true,
            // A heading is strong already.
            MarkKind::Sign(Sign::Strong) => self.markdown && !open(kind) && !self.in_heading(),
            MarkKind::Sign(_) | MarkKind::Code => self.markdown && !open(kind),
            MarkKind::Link(id) => {
                let address = self.dom.attribute(id, "href").unwrap_or_default().trim();
                self.links && !address.is_empty() && !address.starts_with('#') && !is_script(address)
            }
        }
    }

    fn in_heading(&self) -> bool {
        self.containers.iter().any(|container| matches!(container.marker, Marker::Heading(_)))
    }

    pub(super) fn leave_mark(&mut self) {
        if self.deep_marks > 0 {
            self.deep_marks -= 1;
            return;
        }
        let Some(mark) = self.marks.pop() else { return };
        match mark.start {
            Some(start) => self.close_mark(mark.kind, start, self.marks.len()),
            None => self.unwritten -= usize::from(mark.kind != MarkKind::Nothing),
        }
    }

    /// Closes what is open, to be opened again with the next text.
    pub(super) fn suspend_marks(&mut self) {
        for index in (0..self.marks.len()).rev() {
            if let Some(start) = self.marks[index].start.take() {
                self.close_mark(self.marks[index].kind, start, index);
                self.unwritten += 1;
            }
        }
    }

    pub(super) fn open_marks(&mut self) {
        self.unwritten = 0;
        for index in 0..self.marks.len() {
            let Mark { kind, start: None } = self.marks[index] else { continue };
            match kind {
                MarkKind::Nothing => continue,
                MarkKind::Sign(sign) if self.closed == Some((sign, self.out.len())) => {
                    // `**a****b**` would not be read as intended: the two become one.
                    let length = self.out.len() - sign.text().len();
                    self.out.truncate(length);
                    // Marks around it that were opened behind the sign now begin where it stood.
                    for outer in &mut self.marks[..index] {
                        outer.start = outer.start.map(|start| start.min(length));
                    }
                }
                MarkKind::Sign(sign) => self.out.push_str(sign.text()),
                MarkKind::Code => self.out.push('`'),
                MarkKind::Link(_) => self.out.push('['),
                MarkKind::Quote => self.out.push(if self.is_outer_quote(index) { '“' } else { '‘' }),
                MarkKind::Subscript | MarkKind::Superscript | MarkKind::Note => {}
            }
            self.marks[index].start = Some(self.out.len());
        }
    }

    fn is_outer_quote(&self, index: usize) -> bool {
        self.marks[..index].iter().filter(|mark| mark.kind == MarkKind::Quote).count() % 2 == 0
    }

    /// Writes the end of a mark that stands at `index` of the stack. The text since `start` may have been taken
    /// back, with an empty row for instance.
    fn close_mark(&mut self, kind: MarkKind, start: usize, index: usize) {
        match kind {
            MarkKind::Nothing => {}
            MarkKind::Sign(sign) => {
                self.out.push_str(sign.text());
                self.closed = Some((sign, self.out.len()));
            }
            MarkKind::Code => self.close_code_mark(start),
            MarkKind::Link(id) => {
                let address = self.dom.attribute(id, "href").unwrap_or_default().trim();
                push_target(&mut self.out, address);
            }
            MarkKind::Quote => self.out.push(if self.is_outer_quote(index) { '”' } else { '’' }),
            MarkKind::Subscript => self.shift(start, subscript),
            MarkKind::Superscript => self.shift(start, superscript),
            MarkKind::Note => self.bracket(start),
        }
    }

    /// As many backticks around the code as it takes (CommonMark 6.1).
    fn close_code_mark(&mut self, start: usize) {
        let Some(code) = self.out.get(start..) else { return };
        let longest = longest_run(code, '`');
        if longest == 0 {
            self.out.push('`');
            return;
        }
        let ticks = "`".repeat(longest + 1);
        let inner = if code.starts_with('`') || code.ends_with('`') { " " } else { "" };
        let code = format!("{ticks}{inner}{code}{inner}{ticks}");
        self.out.truncate(start - 1);
        self.out.push_str(&code);
    }

    /// A bare number right behind a word or a figure would be read as part of it.
    fn bracket(&mut self, start: usize) {
        let Some(text) = self.out.get(start..) else { return };
        let number = text.bytes().all(|byte| byte.is_ascii_digit());
        if number && self.out[..start].ends_with(|c: char| !c.is_whitespace()) {
            self.out.insert(start, '[');
            self.out.push(']');
        }
    }

    /// Figures change their form when all of the text from `start` has one.
    fn shift(&mut self, start: usize, form: fn(char) -> Option<char>) {
        let Some(text) = self.out.get(start..) else { return };
        let one_letter = text.len() == 1;
        let shifts = |c: char| form(c).is_some() && (!c.is_ascii_alphabetic() || one_letter);
        if text.len() <= 12 && text.chars().all(shifts) {
            let shifted: String = text.chars().filter_map(form).collect();
            self.out.truncate(start);
            self.out.push_str(&shifted);
        }
    }
}

/// `](address)`.
pub(super) fn push_target(out: &mut String, address: &str) {
    out.push_str("](");
    if address.contains([' ', '(', ')', '<', '>', '\n']) {
        out.push('<');
        out.extend(address.chars().filter(|c| !matches!(c, '<' | '>' | '\n')));
        out.push('>');
    } else {
        out.push_str(address);
    }
    out.push(')');
}

fn is_script(address: &str) -> bool {
    address.get(..11).is_some_and(|scheme| scheme.eq_ignore_ascii_case("javascript:"))
}

/// Length of the longest run of `c`.
pub(super) fn longest_run(text: &str, c: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for one in text.chars() {
        run = if one == c { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

fn superscript(c: char) -> Option<char> {
    Some(match c {
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4'..='9' => char::from_u32('⁴' as u32 + (c as u32 - '4' as u32))?,
        '+' => '⁺',
        '-' | '−' | '–' => '⁻',
        'n' => 'ⁿ',
        'i' => 'ⁱ',
        _ => return None,
    })
}

fn subscript(c: char) -> Option<char> {
    Some(match c {
        '0'..='9' => char::from_u32('₀' as u32 + (c as u32 - '0' as u32))?,
        '+' => '₊',
        '-' | '−' | '–' => '₋',
        'a' => 'ₐ',
        'e' => 'ₑ',
        'i' => 'ᵢ',
        'j' => 'ⱼ',
        'k' => 'ₖ',
        'm' => 'ₘ',
        'n' => 'ₙ',
        'p' => 'ₚ',
        't' => 'ₜ',
        'x' => 'ₓ',
        _ => return None,
    })
}
