//! Methods of Python's `str` that `minijinja_contrib::pycompat` lacks or has with other results.

use minijinja::value::Tuple;
use minijinja::{Error, ErrorKind, Value};

use super::super::python_text::{repr, text as text_of};
use super::arguments::{bind, integer, is_on, items, optional_text, refused, required_text, width_of};

/// The result of a method; `None` for those that minijinja-contrib answers as Python does.
pub(super) fn call(text: &str, method: &str, arguments: &[Value]) -> Result<Option<Value>, Error> {
    let value = match method {
        "strip" | "lstrip" | "rstrip" => strip(text, method, arguments)?,
        "split" | "rsplit" => split(text, method, arguments)?,
        "partition" | "rpartition" => partition(text, method, arguments)?,
        "splitlines" => {
            let [keep] = bind(arguments, ["keepends"])?;
            let ends = if is_on(keep) { LineEnds::Keep } else { LineEnds::Drop };
            lines(text, ends).map(Value::from).collect()
        }
        "removeprefix" | "removesuffix" => {
            let [part] = bind(arguments, ["part"])?;
            let part = required_text(part, "part")?;
            let rest =
                if method == "removeprefix" { text.strip_prefix(&part) } else { text.strip_suffix(&part) };
            Value::from(rest.unwrap_or(text))
        }
        "find" | "rfind" | "index" | "rindex" | "count" => search(text, method, arguments)?,
        "startswith" | "endswith" => begins_or_ends(text, method, arguments)?,
        "zfill" | "ljust" | "rjust" | "center" => pad(text, method, arguments)?,
        "expandtabs" => expand_tabs(text, arguments)?,
        "join" => join(text, arguments)?,
        "title" | "swapcase" | "casefold" => changed_case(text, method, arguments)?,
        _ => return is_kind(text, method, arguments),
    };
    Ok(Some(value))
}

/// What Python's `str.isspace` says of one character.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// The text without Python's white space around it.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Whether lines keep the characters that end them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LineEnds {
    Keep,
    Drop,
}

/// The lines of a text as `splitlines` cuts them.
pub(super) fn lines(text: &str, ends: LineEnds) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let is_end =
            |c: char| matches!(c, '\n'..='\r' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let at = rest.find(is_end).unwrap_or(rest.len());
        let length = match rest[at..].chars().next() {
            Some('\r') if rest[at..].starts_with("\r\n") => 2,
            Some(end) => end.len_utf8(),
            None => 0,
        };
        let line = &rest[..if ends == LineEnds::Keep { at + length } else { at }];
        rest = &rest[at + length..];
        Some(line)
    })
}

fn strip(text: &str, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let [characters] = bind(arguments, ["chars"])?;
    let characters = optional_text(characters)?;
    let is_stripped = |c: char| characters.as_ref().map_or(is_space(c), |characters| characters.contains(c));
    let left = if method == "rstrip" { text } else { text.trim_start_matches(is_stripped) };
    Ok(Value::from(if method == "lstrip" { left } else { left.trim_end_matches(is_stripped) }))
}

fn split(text: &str, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let [separator, maximum] = bind(arguments, ["sep", "maxsplit"])?;
    let maximum = usize::try_from(integer(maximum, -1)?).unwrap_or(usize::MAX);
    let is_reverse = method == "rsplit";
    let parts: Vec<&str> = match optional_text(separator)? {
        None => split_words(text, maximum, is_reverse),
        Some(separator) if separator.is_empty() => return Err(refused("empty separator")),
        Some(separator) => {
            let pieces = maximum.saturating_add(1);
            if is_reverse {
                let mut parts: Vec<&str> = text.rsplitn(pieces, &separator).collect();
                parts.reverse();
                parts
            } else {
                text.splitn(pieces, &separator).collect()
            }
        }
    };
    Ok(parts.into_iter().map(Value::from).collect())
}

/// Words between white space. What is left after `maximum` of them is one part, with the white space at its far end.
fn split_words(text: &str, maximum: usize, is_reverse: bool) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    loop {
        rest = if is_reverse { rest.trim_end_matches(is_space) } else { rest.trim_start_matches(is_space) };
        let border = if is_reverse { rest.rfind(is_space) } else { rest.find(is_space) };
        match border.filter(|_| words.len() < maximum) {
            Some(at) => {
                let (left, right) = rest.split_at(at);
                let (word, remaining) = if is_reverse { (right, left) } else { (left, right) };
                words.push(word.trim_start_matches(is_space));
                rest = remaining;
            }
            None if rest.is_empty() => break,
            None => words.push(std::mem::take(&mut rest)),
        }
    }
    if is_reverse {
        words.reverse();
    }
    words
}

fn partition(text: &str, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let [separator] = bind(arguments, ["sep"])?;
    let separator = required_text(separator, "separator")?;
    if separator.is_empty() {
        return Err(refused("empty separator"));
    }
    let parts = match method {
        "partition" => {
            text.split_once(&separator).map_or([text, "", ""], |(a, b)| [a, separator.as_str(), b])
        }
        _ => text.rsplit_once(&separator).map_or(["", "", text], |(a, b)| [a, separator.as_str(), b]),
    };
    Ok(Value::from(Tuple::from(parts.map(Value::from))))
}

/// The part of the text between two positions as Python counts them, and how many characters are before it. `None` when
/// it begins behind the text.
fn window(text: &str, start: Option<Value>, end: Option<Value>) -> Result<Option<(&str, usize)>, Error> {
    let given = |value: Option<Value>| value.filter(|value| !value.is_none());
    let (start, end) = (given(start), given(end));
    if start.is_none() && end.is_none() {
        return Ok(Some((text, 0)));
    }
    let count = text.chars().count();
    let place = |at: i64| {
        let distance = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
        if at < 0 { count.saturating_sub(distance) } else { distance }
    };
    let start = place(integer(start, 0)?);
    let end = end.map_or(Ok(count), |end| integer(Some(end), 0).map(place))?.min(count);
    if start > end {
        return Ok(None);
    }
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    Ok(Some((&text[byte(start)..byte(end)], start)))
}

fn search(text: &str, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let [part, start, end] = bind(arguments, ["sub", "start", "end"])?;
    let part = required_text(part, "text to search")?;
    let window = window(text, start, end)?;
    if method == "count" {
        return Ok(Value::from(window.map_or(0, |(text, _)| text.matches(&part).count())));
    }
    let found = window.and_then(|(text, before)| {
        let at = if method.starts_with('r') { text.rfind(&part) } else { text.find(&part) }?;
        Some(before + text[..at].chars().count())
    });
    match found {
        Some(at) => Ok(Value::from(at)),
        None if method.ends_with("index") => Err(refused("substring not found")),
        None => Ok(Value::from(-1)),
    }
}

fn begins_or_ends(text: &str, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let [part, start, end] = bind(arguments, ["part", "start", "end"])?;
    let Some(part) = part else { return Err(ErrorKind::MissingArgument.into()) };
    let parts = match part.as_str() {
        Some(_) => vec![part],
        None if part.is_tuple() => items(&part)?,
        None => return Err(refused(format!("{method}: found {}, expected a text or a tuple", part.kind()))),
    };
    let window = window(text, start, end)?;
    for part in parts {
        let part = required_text(Some(part), "text")?;
        let fits =
            |text: &str| if method == "startswith" { text.starts_with(&part) } else { text.ends_with(&part) };
        if window.is_some_and(|(text, _)| fits(text)) {
            return Ok(Value::from(true));
        }
    }
    Ok(Value::from(false))
}

fn pad(text: &str, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let [width, fill] = bind(arguments, ["width", "fillchar"])?;
    if width.is_none() {
        return Err(ErrorKind::MissingArgument.into());
    }
    let fill = optional_text(fill)?.unwrap_or_else(|| " ".to_owned());
    let mut fills = fill.chars();
    let (Some(fill), None) = (fills.next(), fills.next()) else {
        return Err(refused(format!("found the fill `{fill}`, expected one character")));
    };
    let width = width_of(width, 0)?;
    let missing = width.saturating_sub(text.chars().count());
    Ok(Value::from(match method {
        "ljust" => text.to_owned() + &fill.to_string().repeat(missing),
        "rjust" => fill.to_string().repeat(missing) + text,
        "center" => centered(text, width, fill),
        _ => {
            let signed = usize::from(text.starts_with(['+', '-']));
            format!("{}{}{}", &text[..signed], "0".repeat(missing), &text[signed..])
        }
    }))
}

/// `str.center`: of an odd number of fills, the left side gets more when the width is odd.
pub(super) fn centered(text: &str, width: usize, fill: char) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let left = missing / 2 + (missing & width & 1);
    let fills = |count: usize| fill.to_string().repeat(count);
    format!("{}{text}{}", fills(left), fills(missing - left))
}

fn expand_tabs(text: &str, arguments: &[Value]) -> Result<Value, Error> {
    let [size] = bind(arguments, ["tabsize"])?;
    let size = width_of(size, 8)?;
    let (mut expanded, mut column) = (String::new(), 0);
    for character in text.chars() {
        match character {
            '\t' => {
                let spaces = if size == 0 { 0 } else { size - column % size };
                expanded.push_str(&" ".repeat(spaces));
                column += spaces;
            }
            _ => {
                expanded.push(character);
                column = if matches!(character, '\n' | '\r') { 0 } else { column + 1 };
            }
        }
    }
    Ok(Value::from(expanded))
}

/// `str.join`, which takes texts alone.
fn join(text: &str, arguments: &[Value]) -> Result<Value, Error> {
    let [parts] = bind(arguments, ["iterable"])?;
    let parts = items(&parts.ok_or(ErrorKind::MissingArgument)?)?;
    if let Some(odd) = parts.iter().find(|part| part.as_str().is_none()) {
        return Err(refused(format!("join: found {}, expected a text", repr(odd))));
    }
    Ok(Value::from(parts.iter().map(text_of).collect::<Vec<_>>().join(text)))
}

fn changed_case(text: &str, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let [] = bind(arguments, [])?;
    let is_cased = |c: char| c.is_lowercase() || c.is_uppercase();
    let mut changed = String::new();
    let mut is_inside = false;
    for character in text.chars() {
        match method {
            "casefold" if character == 'ß' => changed.push_str("ss"),
            "casefold" => changed.extend(character.to_lowercase()),
            "swapcase" if character.is_uppercase() => changed.extend(character.to_lowercase()),
            "swapcase" => changed.extend(character.to_uppercase()),
            _ if is_inside => changed.extend(character.to_lowercase()),
            _ => changed.extend(character.to_uppercase()),
        }
        // A word of `title` ends where no letter with a case follows.
        is_inside = is_cased(character);
    }
    Ok(Value::from(changed))
}

/// The questions about characters; `None` for those that minijinja-contrib answers.
fn is_kind(text: &str, method: &str, arguments: &[Value]) -> Result<Option<Value>, Error> {
    let answer = match method {
        "isspace" => !text.is_empty() && text.chars().all(is_space),
        "isdecimal" => !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()),
        "isidentifier" => {
            let is_part = |c: char| c == '_' || c.is_alphanumeric();
            text.chars().all(is_part) && text.starts_with(|c: char| c == '_' || c.is_alphabetic())
        }
        "istitle" => {
            let title = changed_case(text, "title", &[])?;
            title.as_str() == Some(text) && text.chars().any(|c| c.is_lowercase() || c.is_uppercase())
        }
        _ => return Ok(None),
    };
    let [] = bind(arguments, [])?;
    Ok(Some(Value::from(answer)))
}
