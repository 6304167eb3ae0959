//! Replacements of words and commands, tried in their order at every place of a text.

/// What the replacements see of a text: the rest from a place on, and the character before it.
#[derive(Clone, Copy)]
struct Place<'a> {
    rest: &'a str,
    before: Option<char>,
}

/// A replacement: the length of what it replaces, and the new text.
type Replacement = (usize, &'static str);

/// Replaces alternative spellings: `\dfrac`, `\textbf`, ` and `, `percent`, `infinity` and their kin.
pub(super) fn replaced(text: &str) -> String {
    let mut result = String::with_capacity(text.len() + 8);
    let (mut rest, mut before) = (text, None);
    while let Some(letter) = rest.chars().next() {
        match at(Place { rest, before }, letter) {
            Some((length, new)) => {
                result.push_str(new);
                before = rest[..length].chars().next_back();
                rest = &rest[length..];
            }
            None => {
                result.push(letter);
                before = Some(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
    }
    result
}

fn at(place: Place<'_>, letter: char) -> Option<Replacement> {
    let candidate =
        letter.is_whitespace() || matches!(letter, '\\' | '{' | '~' | ',' | 'a' | 'o' | 'i' | 'p');
    if !candidate {
        return None;
    }
    command(place).or_else(|| separator(place)).or_else(|| space_or_dots(place)).or_else(|| word(place))
}

/// Fonts, fractions, decimals without a zero, and `~=`.
fn command(place: Place<'_>) -> Option<Replacement> {
    const COMMANDS: &[(&str, &str)] = &[
        ("\\mathrm", "\\text"),
        ("\\mathit", "\\text"),
        ("\\mathbf", "\\text"),
        ("\\textnormal", "\\text"),
        ("\\textbf", "\\text"),
        ("\\textit", "\\text"),
        ("\\textrm", "\\text"),
        ("\\dfrac", "\\frac"),
        ("\\tfrac", "\\frac"),
        ("\\cfrac", "\\frac"),
        ("{.", "{0."),
        ("~=", "\\approx"),
    ];
    let found = COMMANDS.iter().find(|(old, _)| place.rest.starts_with(old));
    let decimal = || {
        let space = place.rest.chars().next().filter(|letter| letter.is_whitespace())?;
        place.rest[space.len_utf8()..].starts_with('.').then(|| (space.len_utf8() + 1, " 0."))
    };
    found.map(|(old, new)| (old.len(), *new)).or_else(decimal)
}

/// Commas in braces, and the words `and` and `or` between elements.
fn separator(place: Place<'_>) -> Option<Replacement> {
    comma_in_braces(place.rest).or_else(|| and_or(place)).or_else(|| and_or_in_text(place.rest))
}

fn comma_in_braces(rest: &str) -> Option<Replacement> {
    let after = rest.trim_start().strip_prefix('{')?.trim_start().strip_prefix(',')?;
    let after = after.trim_start().strip_prefix('}')?;
    Some((rest.len() - after.len(), ","))
}

fn and_or(place: Place<'_>) -> Option<Replacement> {
    if place.before.is_some_and(|letter| letter.is_ascii_alphabetic()) {
        return None;
    }
    let after = place.rest.strip_prefix(',').unwrap_or(place.rest).trim_start();
    let after = after.strip_prefix("and").or_else(|| after.strip_prefix("or"))?;
    let ends = !after.starts_with(|letter: char| letter.is_ascii_alphabetic());
    ends.then(|| (place.rest.len() - after.len(), ","))
}

fn and_or_in_text(rest: &str) -> Option<Replacement> {
    let after = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    let after = after.strip_prefix("\\text{")?.trim_start();
    let after = after.strip_prefix("and").or_else(|| after.strip_prefix("or"))?.trim_start();
    let after = after.strip_prefix('}')?;
    Some((rest.len() - after.len(), ","))
}

/// A space after a backslash, `infinity`, and dots.
fn space_or_dots(place: Place<'_>) -> Option<Replacement> {
    let rest = place.rest;
    if place.before != Some('\\')
        && let Some(space) = rest.strip_prefix('\\').and_then(|after| after.chars().next())
        && space.is_whitespace()
    {
        return Some((1 + space.len_utf8(), " "));
    }
    if rest.starts_with("infinity") {
        return Some((8, "\\infty"));
    }
    let dots = rest.strip_prefix(',').unwrap_or(rest).strip_prefix("\\ldots")?;
    Some((rest.len() - dots.len(), " "))
}

/// Percent in words, `inf` and ` sqrt`.
fn word(place: Place<'_>) -> Option<Replacement> {
    const WORDS: &[&str] = &["percentage", "percent", "pct"];
    const IN_TEXT: &[&str] = &["\\text{percentage}", "\\text{percent}", "\\text{pct}"];
    let rest = place.rest;
    let after_space = rest.trim_start();
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let spaced = after_space.len() < rest.len();
    if spaced || !place.before.is_some_and(is_word) {
        for word in WORDS {
            if let Some(after) = after_space.strip_prefix(word)
                && !after.starts_with(is_word)
            {
                return Some((rest.len() - after.len(), "\\%"));
            }
        }
    }
    if let Some(text) = IN_TEXT.iter().find(|text| rest.starts_with(**text)) {
        return Some((text.len(), "%"));
    }
    if place.before != Some('\\') && rest.starts_with("inf") && !rest[3..].starts_with("inity") {
        return Some((3, "\\infty"));
    }
    rest.starts_with(" sqrt").then_some((5, "\\sqrt"))
}
