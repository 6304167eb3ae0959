//! [`read`]: the text of a grammar -> its rules.
//!
//! A rule ends where the next one begins, as in xgrammar; llama.cpp's ends of lines are among these places.

use std::collections::BTreeMap;

use super::{Grammar, Node, ROOT};

/// Maximum depth of groups.
const MAX_DEPTH: usize = 64;
/// Maximum number of rules.
const MAX_RULES: usize = 1000;

/// The rules of a grammar.
///
/// # Errors
/// What was found and what was expected, with line and column.
pub(super) fn read(text: &str) -> Result<Grammar, String> {
    let mut reader = Reader::new(text);
    while !reader.rest().is_empty() {
        reader.rule()?;
    }
    reader.finish()
}

/// Whether a text begins with a rule.
pub(super) fn begins(text: &str) -> bool {
    Reader::new(text).is_head()
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    /// The place of each name among the rules.
    places: BTreeMap<&'t str, usize>,
    /// None for a rule that has been referred to and not been read yet.
    nodes: Vec<Option<Node>>,
}

impl<'t> Reader<'t> {
    /// A reader in front of the first rule.
    fn new(text: &'t str) -> Self {
        let mut reader = Self { text, at: 0, depth: 0, places: BTreeMap::new(), nodes: Vec::new() };
        reader.space();
        reader
    }

    fn finish(self) -> Result<Grammar, String> {
        let missing = self.places.iter().find(|(_, place)| self.nodes[**place].is_none());
        if let Some((name, _)) = missing {
            return Err(format!("found the name `{name}`, expected a rule `{name} ::= ..`"));
        }
        let root = self.places.get(ROOT).copied();
        let missing = || format!("found no rule `{ROOT}`, expected the one that texts begin with");
        let root = root.ok_or_else(missing)?;
        Ok(Grammar { nodes: self.nodes.into_iter().flatten().collect(), root })
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take(&mut self, text: &str) -> bool {
        let is_there = self.rest().starts_with(text);
        self.at += if is_there { text.len() } else { 0 };
        is_there
    }

    fn wrong<T>(&self, expected: &str) -> Result<T, String> {
        let before = &self.text[..self.at];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let found = self.peek().map_or_else(|| "the end".to_owned(), |c| format!("{c:?}"));
        Err(format!("line {line} column {column}: found {found}, expected {expected}"))
    }

    /// Passes over white space and comments.
    fn space(&mut self) {
        loop {
            let rest = self.rest().trim_start();
            self.at = self.text.len() - rest.len();
            if !rest.starts_with('#') {
                return;
            }
            self.at += rest.find('\n').unwrap_or(rest.len());
        }
    }

    fn name(&self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    }

    /// Whether a rule begins here.
    fn is_head(&self) -> bool {
        let name = self.name();
        !name.is_empty() && self.rest()[name.len()..].trim_start().starts_with("::=")
    }

    fn place(&mut self, name: &'t str) -> usize {
        let (places, nodes) = (&mut self.places, &mut self.nodes);
        *places.entry(name).or_insert_with(|| {
            nodes.push(None);
            nodes.len() - 1
        })
    }

    fn rule(&mut self) -> Result<(), String> {
        if !self.is_head() {
            return self.wrong("a rule, `name ::= ..`");
        }
        let name = self.name();
        let place = self.place(name);
        if self.nodes[place].is_some() {
            return self.wrong(&format!("one rule `{name}`"));
        }
        if self.nodes.len() > MAX_RULES {
            return self.wrong(&format!("at most {MAX_RULES} rules"));
        }
        self.at += name.len();
        self.space();
        self.take("::=");
        self.nodes[place] = Some(self.choice()?);
        Ok(())
    }

    fn choice(&mut self) -> Result<Node, String> {
        let mut options = vec![self.sequence()?];
        while self.take("|") {
            options.push(self.sequence()?);
        }
        Ok(if options.len() == 1 { options.remove(0) } else { Node::Choice(options) })
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let mut items = Vec::new();
        loop {
            self.space();
            if matches!(self.peek(), None | Some('|' | ')')) || self.is_head() {
                return Ok(if items.len() == 1 { items.remove(0) } else { Node::Sequence(items) });
            }
            let item = self.item()?;
            items.push(self.repeated(item)?);
        }
    }

    fn item(&mut self) -> Result<Node, String> {
        if self.take("\"") {
            return self.quoted();
        }
        if self.take("[") {
            return self.class();
        }
        if self.take("(") {
            return self.group();
        }
        if self.take(".") {
            return Ok(Node::Any);
        }
        match self.name() {
            "" => self.wrong("a text, a class, a group or the name of a rule"),
            name => {
                self.at += name.len();
                Ok(Node::Rule(self.place(name)))
            }
        }
    }

    fn group(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.wrong(&format!("at most {MAX_DEPTH} groups inside of each other"));
        }
        let node = self.choice()?;
        self.depth -= 1;
        if self.take(")") { Ok(node) } else { self.wrong("`)`") }
    }

    fn quoted(&mut self) -> Result<Node, String> {
        let mut text = String::new();
        while !self.take("\"") {
            if matches!(self.peek(), None | Some('\n')) {
                return self.wrong("the end of a text, `\"`");
            }
            text.push(self.character()?);
        }
        Ok(Node::Text(text))
    }

    fn class(&mut self) -> Result<Node, String> {
        let (negated, mut ranges) = (self.take("^"), Vec::new());
        while !self.take("]") {
            if self.peek().is_none() {
                return self.wrong("the end of a class, `]`");
            }
            let low = self.character()?;
            let is_range = self.rest().starts_with('-') && !self.rest().starts_with("-]");
            let high = if is_range && self.take("-") { self.character()? } else { low };
            if low > high {
                return self.wrong("a range that rises in front of it");
            }
            ranges.push((low, high));
        }
        Ok(Node::Class { negated, ranges })
    }

    /// A character, which may be written as an escape.
    fn character(&mut self) -> Result<char, String> {
        const EXPECTED: &str = "an escape such as \\n or \\x41";
        let next = self.next();
        if next != Some('\\') {
            return next.map_or_else(|| self.wrong("a character"), Ok);
        }
        let digits = match self.peek() {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            Some(kind @ ('n' | 'r' | 't' | '"' | '\\' | '[' | ']' | '-' | '^' | '/' | '\'')) => {
                self.next();
                return Ok(match kind {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                });
            }
            _ => return self.wrong(EXPECTED),
        };
        let number = self.rest().get(1..=digits).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let found = number.and_then(|text| u32::from_str_radix(text, 16).ok()).and_then(char::from_u32);
        let Some(found) = found else { return self.wrong(EXPECTED) };
        self.at += 1 + digits;
        Ok(found)
    }

    fn repeated(&mut self, mut node: Node) -> Result<Node, String> {
        loop {
            let (min, max) = match self.peek() {
                Some('*') => (0, None),
                Some('+') => (1, None),
                Some('?') => (0, Some(1)),
                Some('{') => {
                    self.next();
                    let times = self.times()?;
                    node = Node::Repeat { node: Box::new(node), min: times.0, max: times.1 };
                    continue;
                }
                _ => return Ok(node),
            };
            self.next();
            node = Node::Repeat { node: Box::new(node), min, max };
        }
    }

    /// How often, behind `{`.
    fn times(&mut self) -> Result<(u32, Option<u32>), String> {
        let min = self.number();
        let max = if self.take(",") { self.number() } else { min };
        let min = min.or(max.map(|_| 0));
        match (min, self.take("}")) {
            (Some(min), true) if max.is_none_or(|max| min <= max) => Ok((min, max)),
            _ => self.wrong("a repetition such as {2}, {2,} or {2,5} in front of it"),
        }
    }

    fn number(&mut self) -> Option<u32> {
        self.space();
        let rest = self.rest();
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        self.at += digits;
        let number = rest[..digits].parse().ok();
        self.space();
        number
    }
}
