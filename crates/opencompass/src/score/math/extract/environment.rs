//! Formulas between math delimiters.

use std::cell::RefCell;

/// What a formula has to contain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Content {
    Any,
    /// A box.
    Boxed,
}

/// A formula between delimiters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Formula<'a> {
    pub(super) text: &'a str,
    /// Whether a percent sign follows the delimiter.
    pub(super) percent: bool,
}

/// Several formulas with commas or words between them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Formulas<'a> {
    pub(super) parts: Vec<Formula<'a>>,
    /// Place behind the last one and the white space after it.
    pub(super) end: usize,
}

/// The maximum number of formulas in one answer.
const MAX_PARTS: usize = 6;

/// Marks whose next place is remembered, so that a text is searched once and not once per delimiter.
const MARKS: [&str; 4] = ["$$", "\\]", "\\)", "\\boxed{"];

/// Finds formulas in one text.
pub(super) struct Environments<'a> {
    text: &'a str,
    /// For each mark the place from which it was searched, and what was found.
    found: RefCell<[(usize, Option<usize>); 4]>,
}

impl<'a> Environments<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let found = MARKS.map(|mark| (0, text.find(mark)));
        Self { text, found: RefCell::new(found) }
    }

    /// Returns the formulas that begin at a place.
    pub(super) fn at(&self, start: usize, content: Content) -> Option<Formulas<'a>> {
        let (first, mut end) = self.one(start, content)?;
        let mut parts = vec![first];
        while parts.len() < MAX_PARTS {
            let Some((next, next_end)) = self.connected(end).and_then(|place| self.one(place, content))
            else {
                break;
            };
            parts.push(next);
            end = next_end;
        }
        Some(Formulas { parts, end })
    }

    /// Returns all formulas of the text from left to right, with their places.
    pub(super) fn all(&self, content: Content) -> Vec<(usize, Formulas<'a>)> {
        let mut all = Vec::new();
        let mut place = 0;
        while let Some(offset) = self.text[place..].find(['$', '\\', '[', '-']) {
            let mark = place + offset;
            // An opening bracket counts only behind white space, which belongs to the match.
            let space = self.text[place..mark].chars().next_back().filter(|letter| letter.is_whitespace());
            let bracket = self.text[mark..].starts_with('[');
            let start = if bracket { mark - space.map_or(0, char::len_utf8) } else { mark };
            match self.at(start, content) {
                Some(formulas) => {
                    place = formulas.end.max(mark + 1);
                    all.push((start, formulas));
                }
                None => place = mark + 1,
            }
        }
        all
    }

    /// The place behind `, and`, `or` or a comma after a formula.
    fn connected(&self, end: usize) -> Option<usize> {
        let rest = self.text[end..].trim_start();
        let words = [",and", "and", ",or", "or", ","];
        let after = words.iter().find_map(|word| rest.strip_prefix(word))?;
        Some(self.text.len() - after.trim_start().len())
    }

    /// One formula, and the place behind it and what follows it.
    fn one(&self, start: usize, content: Content) -> Option<(Formula<'a>, usize)> {
        let (text, end) = self.delimited(start).filter(|(text, _)| {
            content == Content::Any
                || text
                    .split_once("\\boxed{")
                    .is_some_and(|(_, inner)| inner.chars().skip(1).any(|end| end == '}'))
        })?;
        let rest = self.text[end..].trim_start();
        let signs = ["\\%", "%", "Percentage", "percentage", "Percent", "percent", "Pct", "pct"];
        let sign = signs.iter().find_map(|sign| rest.strip_prefix(sign));
        let end = self.text.len() - sign.unwrap_or(rest).len();
        Some((Formula { text, percent: sign.is_some() }, end))
    }

    /// The content of the delimiters that begin at a place, and the place behind them.
    fn delimited(&self, start: usize) -> Option<(&'a str, usize)> {
        let rest = &self.text[start..];
        let before = self.text[..start].chars().next_back();
        if before != Some('\\') {
            if rest.starts_with("$$")
                && let Some(found) = self.until(start + 2, 0)
            {
                return Some(found);
            }
            if rest.starts_with("\\[") {
                return self.until(start + 2, 1);
            }
            if rest.starts_with('$') && !before.is_some_and(char::is_numeric) {
                return self.inline_dollar(start + 1);
            }
            if rest.starts_with("\\(") {
                return self.until(start + 2, 2).filter(|(text, _)| !text.contains('\n'));
            }
        }
        let bracket = rest.chars().next().filter(|letter| letter.is_whitespace());
        if let Some(space) = bracket {
            return bracketed(rest, space.len_utf8()).map(|(text, length)| (text, start + length));
        }
        fraction(rest).map(|length| (&rest[..length], start + length))
    }

    /// The text from a place to the next closing mark.
    fn until(&self, from: usize, mark: usize) -> Option<(&'a str, usize)> {
        let close = self.next(mark, from)?;
        (close > from).then(|| (&self.text[from..close], close + 2))
    }

    /// The next place of a mark.
    fn next(&self, mark: usize, from: usize) -> Option<usize> {
        let mut found = self.found.borrow_mut();
        let (searched, place) = found[mark];
        let known = from >= searched && place.is_none_or(|place| place >= from);
        if !known {
            found[mark] = (from, self.text.get(from..)?.find(MARKS[mark]).map(|offset| from + offset));
        }
        found[mark].1
    }

    /// The text up to the next dollar sign in the same line.
    fn inline_dollar(&self, from: usize) -> Option<(&'a str, usize)> {
        let rest = &self.text[from..];
        let mut escaped = false;
        for (index, byte) in rest.bytes().enumerate() {
            match byte {
                b'\n' => return None,
                b'$' if !escaped => return (index > 0).then(|| (&rest[..index], from + index + 1)),
                _ => {}
            }
            escaped = byte == b'\\';
        }
        None
    }
}

/// The content of ` [...] ` in one line, and the length of the whole.
fn bracketed(rest: &str, space: usize) -> Option<(&str, usize)> {
    let inner = rest[space..].strip_prefix('[')?;
    let close = inner.find(['\n', '[', ']']).filter(|close| *close > 0)?;
    let after = inner[close..].strip_prefix(']')?;
    let last = after.chars().next().filter(|letter| letter.is_whitespace())?;
    Some((&inner[..close], space + 1 + close + 1 + last.len_utf8()))
}

/// The length of a fraction of two numbers without delimiters.
fn fraction(rest: &str) -> Option<usize> {
    let mut after = rest.strip_prefix('-').unwrap_or(rest).strip_prefix("\\frac")?;
    for _ in 0..2 {
        after = number(after.strip_prefix('{')?)?.strip_prefix('}')?;
    }
    Some(rest.len() - after.len())
}

/// Returns what follows a number.
fn number(text: &str) -> Option<&str> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let text = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(text);
    if whole == 0 {
        return None;
    }
    let after = &text[whole..];
    let fraction = after.strip_prefix(['.', ',']).map_or(0, digits);
    Some(if fraction > 0 { &after[1 + fraction..] } else { after })
}
