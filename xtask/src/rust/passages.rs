//! The prose of a file: runs of comments and string literals of Rust, paragraphs of Markdown.
//!
//! A syntax tree has no plain comments, so the text is read once, character by character, as far as
//! Rust's lexical rules need it: comments nest, raw strings count their `#`, a quote may start a lifetime.

/// What a passage is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// `///`, `//!`, `/** */`: consecutive lines are one passage.
    Doc,
    /// `//`, `/* */`: consecutive lines are one passage.
    Comment,
    /// A string literal, escapes as written.
    Text,
    /// A paragraph, list or table of Markdown.
    Markdown,
}

/// A stretch of prose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Passage {
    /// First line, 1-based.
    pub(crate) line: usize,
    /// Where it was found.
    pub(crate) kind: Kind,
    /// The words without comment marks; a line of the file is a line here.
    pub(crate) text: String,
}

/// The comments and string literals of Rust source, in order.
pub(crate) fn passages(source: &str) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    for token in Scanner::new(source) {
        let (kind, text) = match token.class {
            Class::LineComment => line_comment(token.text),
            Class::BlockComment => block_comment(token.text),
            Class::Text => (Kind::Text, text_body(token.text)),
        };
        // A comment after code is a passage of its own, and so is one after an empty line.
        match passages.last_mut() {
            Some(last)
                if kind != Kind::Text
                    && last.kind == kind
                    && token.starts_line
                    && last.line + last.text.matches('\n').count() + 1 == token.line =>
            {
                last.text.push('\n');
                last.text.push_str(&text);
            }
            _ => passages.push(Passage { line: token.line, kind, text }),
        }
    }
    passages
}

/// The source with every comment and string literal replaced by spaces.
pub(crate) fn code_only(source: &str) -> String {
    let mut code = source.to_owned();
    for token in Scanner::new(source) {
        let blank: String = token.text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        // One space per byte keeps the offsets of what follows.
        let padding = " ".repeat(token.text.len() - blank.len());
        code.replace_range(token.start..token.start + token.text.len(), &(blank + &padding));
    }
    code
}

/// The paragraphs of a Markdown file; fenced code and what is indented as code are left out.
pub(crate) fn markdown(source: &str) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    let mut fenced = false;
    let mut open = false;
    for (index, line) in source.lines().enumerate() {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if fence || fenced || line.trim().is_empty() {
            open = false;
            continue;
        }
        match passages.last_mut() {
            Some(last) if open => {
                last.text.push('\n');
                last.text.push_str(line);
            }
            _ => passages.push(Passage { line: index + 1, kind: Kind::Markdown, text: line.to_owned() }),
        }
        open = true;
    }
    passages
}

fn line_comment(text: &str) -> (Kind, String) {
    for (mark, kind) in
        [("////", Kind::Comment), ("///", Kind::Doc), ("//!", Kind::Doc), ("//", Kind::Comment)]
    {
        if let Some(rest) = text.strip_prefix(mark) {
            return (kind, rest.strip_prefix(' ').unwrap_or(rest).to_owned());
        }
    }
    (Kind::Comment, text.to_owned())
}

fn block_comment(text: &str) -> (Kind, String) {
    let body = text.trim_start_matches("/*").trim_end_matches("*/");
    let doc = (text.starts_with("/**") && text.len() > 4) || text.starts_with("/*!");
    (if doc { Kind::Doc } else { Kind::Comment }, body.trim_matches(['*', '!']).to_owned())
}

/// What is between the quotes; a backslash at the end of a line, which joins it with the next, becomes a space, and so
/// does an escaped line break.
fn text_body(text: &str) -> String {
    let start = text.find('"').map_or(0, |at| at + 1);
    let end = text.rfind('"').unwrap_or(text.len()).max(start);
    text[start..end].replace("\\\n", " \n").replace("\\n", "  ")
}

#[derive(Clone, Copy, Debug)]
enum Class {
    LineComment,
    BlockComment,
    Text,
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    class: Class,
    text: &'a str,
    /// Byte offset of its start.
    start: usize,
    line: usize,
    /// Is there only white space before it on its line?
    starts_line: bool,
}

/// Comments and string literals, in order.
#[derive(Debug)]
struct Scanner<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
}

impl<'a> Scanner<'a> {
    fn new(source: &'a str) -> Self {
        Self { source, at: 0, line: 1, line_start: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    /// Takes `length` bytes as a token and keeps the line count.
    fn token(&mut self, class: Class, length: usize) -> Token<'a> {
        let start = self.at;
        let text = &self.source[start..start + length];
        let starts_line = self.source[self.line_start..start].trim().is_empty();
        let token = Token { class, text, start, line: self.line, starts_line };
        self.skip(length);
        token
    }

    fn skip(&mut self, length: usize) {
        let text = &self.source[self.at..self.at + length];
        if let Some(last) = text.rfind('\n') {
            self.line += text.matches('\n').count();
            self.line_start = self.at + last + 1;
        }
        self.at += length;
    }

    fn after_word(&self) -> bool {
        self.source[..self.at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.rest();
            let first = rest.chars().next()?;
            if rest.starts_with("//") {
                return Some(self.token(Class::LineComment, rest.find('\n').unwrap_or(rest.len())));
            }
            if rest.starts_with("/*") {
                return Some(self.token(Class::BlockComment, block_length(rest)));
            }
            if let Some(length) = string_length(rest).filter(|_| first == '"' || !self.after_word()) {
                return Some(self.token(Class::Text, length));
            }
            self.skip(if first == '\'' { quote_length(rest) } else { first.len_utf8() });
        }
    }
}

/// Length of a block comment, nested ones included.
fn block_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// Length of the string literal that `rest` starts with: plain, raw, byte or C.
fn string_length(rest: &str) -> Option<usize> {
    let prefix = ["\"", "r\"", "r#", "b\"", "br\"", "br#", "c\"", "cr\"", "cr#"];
    prefix.iter().find(|prefix| rest.starts_with(**prefix))?;
    let quote = rest.find('"')?;
    let marks = &rest[..quote];
    if !marks.chars().all(|c| matches!(c, 'r' | 'b' | 'c' | '#')) {
        return None;
    }
    if marks.contains('r') {
        let close = format!("\"{}", "#".repeat(marks.matches('#').count()));
        return Some(rest[quote + 1..].find(&close).map_or(rest.len(), |at| quote + 1 + at + close.len()));
    }
    let mut escaped = false;
    for (at, c) in rest[quote + 1..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(quote + 1 + at + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

/// Length of a character literal, or of the quote alone where it starts a lifetime.
fn quote_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        // The escaped character itself may be a quote.
        Some((_, '\\')) => {
            let after = rest.char_indices().nth(3).map_or(rest.len(), |(at, _)| at);
            rest[after..].find('\'').map_or(rest.len(), |at| after + at + 1)
        }
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

#[cfg(test)]
mod tests;
