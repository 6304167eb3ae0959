//! Inline marks: emphasis, code, links, quotation marks, superscripts and subscripts.
//!
//! A mark is written with the first text inside it and closed before the gap after it. Therefore no mark is empty,
//! begins or ends with white space, or spans two blocks.

use super::markdown::{longest_run, push_target};
use super::open::{ClosedSign, Mark, MarkKind, Marker, Sign};
use super::renderer::Renderer;

/// Maximum number of nested marks. Deeper inline elements have no effect.
const MAX_MARKS: usize = 16;

impl Renderer<'_> {
    /// Opens a mark.
    pub(super) fn enter_mark(&mut self, kind: MarkKind) {
        if self.marks.len() == MAX_MARKS {
            self.deep_marks += 1;
            return;
        }
        let kind = if self.has_effect(kind) { kind } else { MarkKind::Nothing };
        self.unwritten += usize::from(kind != MarkKind::Nothing);
        self.marks.push(Mark { kind, start: None });
    }

    /// Whether a mark changes the output here.
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

    /// Closes the innermost mark.
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

    /// Closes all written marks. They are opened again with the next text.
    pub(super) fn suspend_marks(&mut self) {
        for index in (0..self.marks.len()).rev() {
            if let Some(start) = self.marks[index].start.take() {
                self.close_mark(self.marks[index].kind, start, index);
                self.unwritten += 1;
            }
        }
    }

    /// Writes the start of all marks that are not written.
    pub(super) fn open_marks(&mut self) {
        self.unwritten = 0;
        for index in 0..self.marks.len() {
            let Mark { kind, start: None } = self.marks[index] else { continue };
            match kind {
                MarkKind::Nothing => continue,
                MarkKind::Sign(sign) if self.closed == Some(ClosedSign { sign, end: self.out.len() }) => {
                    // `**a****b**` would be read differently, so the two become one.
                    let length = self.out.len() - sign.text().len();
                    self.out.truncate(length);
                    // Outer marks that were opened after the sign now begin where the sign was.
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

    /// Writes the end of the mark at `index` of the stack. The text since `start` may have been removed, for instance
    /// with an empty row.
    fn close_mark(&mut self, kind: MarkKind, start: usize, index: usize) {
        match kind {
            MarkKind::Nothing => {}
            MarkKind::Sign(sign) => {
                self.out.push_str(sign.text());
                self.closed = Some(ClosedSign { sign, end: self.out.len() });
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

    /// Puts as many backticks around the code as needed (CommonMark 6.1).
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

    /// Puts a number in brackets, because right after a word or a number it would be read as a part of it.
    fn bracket(&mut self, start: usize) {
        let Some(text) = self.out.get(start..) else { return };
        let number = text.bytes().all(|byte| byte.is_ascii_digit());
        if number && self.out[..start].ends_with(|c: char| !c.is_whitespace()) {
            self.out.insert(start, '[');
            self.out.push(']');
        }
    }

    /// Replaces the text from `start` by the characters of a form, if each of its characters has one.
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

fn is_script(address: &str) -> bool {
    address.get(..11).is_some_and(|scheme| scheme.eq_ignore_ascii_case("javascript:"))
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
