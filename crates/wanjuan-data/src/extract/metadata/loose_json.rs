//! [`read_all`]: the JSON values in a script, as far as they can be read.
//!
//! Publishers write JSON-LD by hand or paste texts into it. One slip must not cost the whole block, so what is not JSON
//! is repaired where only one reading makes sense, and passed over elsewhere: surplus and missing commas and brackets,
//! raw line breaks and quotes in strings, unknown escapes, other quotes, bare names, numbers that JSON does not know,
//! comments, and the marks that hide scripts from old browsers.

use serde_json::{Map, Number, Value};

/// Levels of nesting after which reading ends. Real scripts are a few levels deep.
const MAX_DEPTH: usize = 64;

/// Marks around a script that hide it from old browsers.
const MARKS: [&str; 4] = ["<![CDATA[", "<!--", "-->", "]]>"];

/// The values of a script in their order: the one value of valid JSON, else all objects and arrays that are found.
pub(super) fn read_all(script: &str) -> Vec<Value> {
    let script = script.trim_start_matches('\u{feff}');
    match serde_json::from_str(script) {
        Ok(value) => vec![value],
        Err(_) => Reader { rest: script, open: Vec::new(), found: Vec::new() }.read(),
    }
}

/// Reads token by token. What does not fit is passed over.
struct Reader<'a> {
    rest: &'a str,
    /// Containers that are not closed yet, the innermost last.
    open: Vec<Open>,
    found: Vec<Value>,
}

/// A container that is not closed yet.
enum Open {
    Object(Map<String, Value>, Member),
    Array(Vec<Value>),
}

/// How far a member of an object was read.
enum Member {
    /// Nothing yet.
    Start,
    /// The name, without the colon.
    Name(String),
    /// The name and the colon.
    Value(String),
}

impl Reader<'_> {
    fn read(mut self) -> Vec<Value> {
        while let Some(next) = self.skip_to_token() {
            match next {
                '{' | '[' if self.open.len() == MAX_DEPTH => break,
                '{' | '}' | '[' | ']' | ':' | ',' => {
                    self.rest = &self.rest[1..];
                    self.punctuation(next);
                }
                '"' | '\'' | '“' | '”' if !self.open.is_empty() => self.string(next),
                _ => self.word(next),
            }
        }
        while let Some(open) = self.open.pop() {
            self.put(open.into_value());
        }
        self.found
    }

    fn punctuation(&mut self, mark: char) {
        match mark {
            '{' => self.open.push(Open::Object(Map::new(), Member::Start)),
            '[' => self.open.push(Open::Array(Vec::new())),
            ':' => self.colon(),
            ',' => self.comma(),
            bracket => self.close(bracket),
        }
    }

    /// Passes over white space, comments and marks; the first character after them.
    fn skip_to_token(&mut self) -> Option<char> {
        loop {
            self.rest = self.rest.trim_start_matches(is_blank);
            let (comment, end) = if let Some(mark) = MARKS.iter().find(|mark| self.rest.starts_with(**mark)) {
                (*mark, "")
            } else if self.rest.starts_with("/*") {
                ("/*", "*/")
            } else if let Some(after) = self.rest.strip_prefix("//") {
                // The rest of the line is a comment, unless it is a mark and the script has only one line.
                let marked = MARKS.iter().any(|mark| after.trim_start().starts_with(mark));
                ("//", if marked { "" } else { "\n" })
            } else {
                return self.rest.chars().next();
            };
            let rest = &self.rest[comment.len()..];
            self.rest = rest.find(end).map_or("", |place| &rest[place + end.len()..]);
        }
    }

    fn colon(&mut self) {
        if let Some(Open::Object(_, member)) = self.open.last_mut() {
            *member = match std::mem::replace(member, Member::Start) {
                Member::Name(name) => Member::Value(name),
                other => other,
            };
        }
    }

    fn comma(&mut self) {
        if let Some(Open::Object(_, member)) = self.open.last_mut() {
            *member = Member::Start;
        }
    }

    /// Closes the innermost container of the kind of the bracket, and those inside it, whose brackets are missing.
    fn close(&mut self, bracket: char) {
        let fits = |open: &Open| matches!(open, Open::Object(..)) == (bracket == '}');
        let Some(place) = self.open.iter().rposition(fits) else { return };
        while self.open.len() > place {
            if let Some(open) = self.open.pop() {
                self.put(open.into_value());
            }
        }
    }

    /// Adds a value to the innermost container. Outside of all only containers count.
    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(Open::Array(items)) => items.push(value),
            Some(Open::Object(members, member)) => {
                if let Member::Value(name) = std::mem::replace(member, Member::Start) {
                    members.insert(name, value);
                }
            }
            None if value.is_object() || value.is_array() => self.found.push(value),
            None => {}
        }
    }

    /// Whether a text that is read now is the name of a member.
    fn at_name(&self) -> bool {
        matches!(self.open.last(), Some(Open::Object(_, Member::Start | Member::Name(_))))
    }

    fn put_text(&mut self, text: String) {
        match self.open.last_mut() {
            Some(Open::Object(_, member @ (Member::Start | Member::Name(_)))) => *member = Member::Name(text),
            _ => self.put(Value::String(text)),
        }
    }

    /// Reads a name, number or literal without quotes. A value that is none of these is null.
    fn word(&mut self, first: char) {
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | '{' | '}' | '[' | ']' | '"');
        let size = first.len_utf8();
        let size = self.rest[size..].find(ends).map_or(self.rest.len(), |more| size + more);
        let (word, rest) = self.rest.split_at(size);
        self.rest = rest;
        if self.at_name() {
            return self.put_text(word.to_owned());
        }
        self.put(match word {
            "true" | "false" => Value::Bool(word == "true"),
            word => number(word).map_or(Value::Null, Value::Number),
        });
    }

    /// Reads a string. A string whose end is missing is dropped, because nobody knows where it ends.
    fn string(&mut self, quote: char) {
        let follows: &[char] = if self.at_name() { &[':'] } else { &[',', '}', ']'] };
        let mut text = String::new();
        let mut chars = self.rest[quote.len_utf8()..].chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => chars = escape(chars.as_str(), &mut text).chars(),
                c if (c == quote || quote == '“' && c == '”') && is_end(chars.as_str(), follows) => {
                    self.rest = chars.as_str();
                    return self.put_text(text);
                }
                c => text.push(c),
            }
        }
        self.rest = "";
    }
}

impl Open {
    fn into_value(self) -> Value {
        match self {
            Self::Object(members, _) => Value::Object(members),
            Self::Array(items) => Value::Array(items),
        }
    }
}

/// Whether a character separates tokens and says nothing.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || c == '\u{feff}'
}

/// Reads also numbers that JSON does not know, such as `+1`, `.5` and `01`. `NaN` and infinity are not numbers here.
fn number(word: &str) -> Option<Number> {
    let whole = word.parse::<i64>().ok().map(Number::from);
    whole.or_else(|| word.parse().ok().and_then(Number::from_f64))
}

/// Whether a quote before `rest` ends a string: what may follow a string follows, or the next string after a gap, where
/// a comma is missing. Other quotes belong to the text.
fn is_end(rest: &str, follows: &[char]) -> bool {
    let next = rest.trim_start_matches(is_blank);
    let comment =
        next.starts_with("//") || next.starts_with("/*") || MARKS.iter().any(|mark| next.starts_with(mark));
    next.is_empty()
        || comment
        || next.starts_with(follows)
        || (next.len() < rest.len() && next.starts_with('"'))
}

/// Reads what follows a backslash; returns the rest. An unknown escape stands for its character, as in browsers.
fn escape<'a>(rest: &'a str, text: &mut String) -> &'a str {
    let Some(kind) = rest.chars().next() else { return rest };
    let rest = &rest[kind.len_utf8()..];
    text.push(match kind {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'u' => return unicode(rest, text),
        other => other,
    });
    rest
}

/// Reads the four digits of `\u`, and the second half of a surrogate pair. Half a pair becomes U+FFFD.
fn unicode<'a>(rest: &'a str, text: &mut String) -> &'a str {
    let Some((first, mut rest)) = four_digits(rest) else {
        text.push('u');
        return rest;
    };
    let mut units = vec![first];
    if let Some((second, after)) = rest.strip_prefix("\\u").and_then(four_digits)
        && (0xd800..0xdc00).contains(&first)
        && (0xdc00..0xe000).contains(&second)
    {
        units.push(second);
        rest = after;
    }
    text.push_str(&String::from_utf16_lossy(&units));
    rest
}

fn four_digits(rest: &str) -> Option<(u16, &str)> {
    let digits = rest.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some((u16::from_str_radix(digits, 16).ok()?, &rest[4..]))
}

#[cfg(test)]
mod tests;
