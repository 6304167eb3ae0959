//! [`Buffer`]: text that has come and has not been read, one [`Symbol`] at a time.

use std::collections::VecDeque;
use std::ops::Range;

/// The smallest part of a reply that formats tell apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Symbol {
    /// A mark of the format.
    Mark(&'static str),
    /// A character of ordinary text.
    Text(char),
    /// A character in the name of a special token that is not a mark here.
    Special(char),
}

/// The marks that are looked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Marks<'a> {
    /// Wherever they are written.
    Written(&'a [&'static str]),
    /// Only those that are special tokens: inside of JSON, text that spells a mark is text.
    Tokens(&'a [&'static str]),
}

impl Symbol {
    /// The character, unless it is a mark.
    pub(super) fn character(self) -> Option<char> {
        match self {
            Self::Mark(_) => None,
            Self::Text(character) | Self::Special(character) => Some(character),
        }
    }

    /// Whether it is white space.
    pub(super) fn is_space(self) -> bool {
        self.character().is_some_and(char::is_whitespace)
    }

    /// Appends it as it is written.
    pub(super) fn write(self, text: &mut String) {
        match self {
            Self::Mark(mark) => text.push_str(mark),
            Self::Text(character) | Self::Special(character) => text.push(character),
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Mark(mark) => mark.len(),
            Self::Text(character) | Self::Special(character) => character.len_utf8(),
        }
    }
}

/// Text that has come and has not been read.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffer {
    text: String,
    /// Where the unread part of `text` begins.
    at: usize,
    /// Where `text` is the name of a special token.
    specials: VecDeque<Range<usize>>,
    /// Marks that count as special tokens only.
    tokens: Vec<&'static str>,
    ended: bool,
}

impl Buffer {
    /// An empty buffer; `tokens` are the marks that are special tokens of the vocabulary.
    pub(super) fn new(tokens: Vec<&'static str>) -> Self {
        Self { tokens, ..Self::default() }
    }

    /// Appends ordinary text.
    pub(super) fn push(&mut self, text: &str) {
        let read = std::mem::take(&mut self.at);
        self.text.drain(..read);
        for span in &mut self.specials {
            *span = span.start.saturating_sub(read)..span.end - read;
        }
        self.text.push_str(text);
    }

    /// Appends a special token.
    pub(super) fn push_special(&mut self, name: &str) {
        let start = self.text.len();
        self.text.push_str(name);
        self.specials.push_back(start..self.text.len());
    }

    /// Says that no text follows: what looks like the beginning of a mark is text.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Whether there is text that may be the beginning of a mark.
    pub(super) fn holds(&self) -> bool {
        self.at < self.text.len()
    }

    /// All that has not been read.
    pub(super) fn take_rest(&mut self) -> String {
        let rest = self.text.split_off(self.at);
        self.at = self.text.len();
        self.specials.clear();
        rest
    }

    /// The next symbol, which stays unread; none while it depends on text that has not come.
    pub(super) fn peek(&self, marks: Marks<'_>) -> Option<Symbol> {
        let rest = &self.text[self.at..];
        let first = rest.chars().next()?;
        let span = self.specials.front();
        let token = span.filter(|span| span.start == self.at).map(|span| &self.text[span.clone()]);
        let (names, is_written) = match marks {
            Marks::Written(names) => (names, true),
            Marks::Tokens(names) => (names, false),
        };
        let mut may_follow = false;
        for &name in names {
            let is_token = self.tokens.contains(&name);
            let is_here = if is_token { token == Some(name) } else { is_written && rest.starts_with(name) };
            if is_here {
                return Some(Symbol::Mark(name));
            }
            may_follow |= !is_token && is_written && name.starts_with(rest);
        }
        if may_follow && !self.ended {
            return None;
        }
        let is_special = span.is_some_and(|span| span.contains(&self.at));
        Some(if is_special { Symbol::Special(first) } else { Symbol::Text(first) })
    }

    /// Reads the symbol that [`Buffer::peek`] gave.
    pub(super) fn advance(&mut self, symbol: Symbol) {
        self.at += symbol.length();
        while self.specials.front().is_some_and(|span| span.end <= self.at) {
            self.specials.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: [&str; 2] = ["<a>", "<|b|>"];

    /// Everything that can be read.
    fn read(buffer: &mut Buffer, marks: Marks<'_>) -> String {
        let mut read = String::new();
        while let Some(symbol) = buffer.peek(marks) {
            buffer.advance(symbol);
            match symbol {
                Symbol::Mark(mark) => read += &format!("[{mark}]"),
                symbol => symbol.write(&mut read),
            }
        }
        read
    }

    #[test]
    fn what_may_be_a_mark_is_held_until_it_is_one_or_not() {
        let mut buffer = Buffer::new(vec!["<|b|>"]);
        for (text, expected) in
            [("x<", "x"), ("a", ""), (">y<", "[<a>]y"), ("b<a>", "<b[<a>]"), ("<|b|>", "<|b|>")]
        {
            buffer.push(text);
            assert_eq!(read(&mut buffer, Marks::Written(&MARKS)), expected, "{text}");
        }
        buffer.push("<a");
        assert_eq!((read(&mut buffer, Marks::Written(&MARKS)).as_str(), buffer.holds()), ("", true));
        buffer.end();
        assert_eq!(read(&mut buffer, Marks::Written(&MARKS)), "<a");
    }

    #[test]
    fn special_tokens_are_marks_where_their_names_are_text() {
        let mut buffer = Buffer::new(vec!["<|b|>"]);
        buffer.push("<|b|>");
        buffer.push_special("<|b|>");
        buffer.push_special("<|c|>");
        assert_eq!(read(&mut buffer, Marks::Tokens(&MARKS)), "<|b|>[<|b|>]<|c|>");
        buffer.push("<a>");
        assert_eq!(read(&mut buffer, Marks::Tokens(&MARKS)), "<a>", "written marks are text inside of JSON");
    }
}
