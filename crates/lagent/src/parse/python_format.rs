//! Python's `str.format` with names only: `{name}` is replaced, `{{` and `}}` are braces.

use super::ParseError;

/// Number of characters that an error shows of a template.
const SHOWN: usize = 24;

/// A piece of a template.
enum Piece<'a> {
    Text(&'a str),
    Field(&'a str),
}

/// Fills in the fields; `value` gives their values by name.
pub(super) fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, ParseError> {
    let mut text = String::new();
    let mut missing: Vec<String> = Vec::new();
    for piece in pieces(template)? {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Field(name) => match value(name) {
                Some(value) => text.push_str(&value),
                None if missing.iter().any(|known| known == name) => {}
                None => missing.push(name.to_owned()),
            },
        }
    }
    if missing.is_empty() { Ok(text) } else { Err(ParseError::MissingFields { fields: missing }) }
}

fn pieces(template: &str) -> Result<Vec<Piece<'_>>, ParseError> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(offset) = template[at..].find(['{', '}']) {
        let brace = at + offset;
        pieces.push(Piece::Text(&template[at..brace]));
        let rest = &template[brace + 1..];
        if rest.as_bytes().first() == template.as_bytes().get(brace) {
            pieces.push(Piece::Text(&template[brace..=brace]));
            at = brace + 2;
            continue;
        }
        let name = rest.split_once('}').map(|(name, _)| name).filter(|name| {
            let is_name = |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_');
            template[brace..].starts_with('{') && !name.is_empty() && is_name(name)
        });
        let Some(name) = name else {
            let found = template[brace..].chars().take(SHOWN).collect();
            return Err(ParseError::Template { at: brace, found });
        };
        pieces.push(Piece::Field(name));
        at = brace + 1 + name.len() + 1;
    }
    pieces.push(Piece::Text(&template[at..]));
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill_one(template: &str) -> Result<String, ParseError> {
        fill(template, |name| (name == "a").then(|| "1".to_owned()))
    }

    #[test]
    fn names_are_filled_and_doubled_braces_are_braces() {
        assert_eq!(fill_one("x{a}{{a}}ü{a}").as_deref(), Ok("x1{a}ü1"));
        assert_eq!(fill_one("{{{a}}}").as_deref(), Ok("{1}"));
        let missing = ParseError::MissingFields { fields: vec!["b".to_owned()] };
        assert_eq!(fill_one("{b}{a}{b}"), Err(missing));
    }

    #[test]
    fn everything_else_of_pythons_format_is_refused() {
        for (template, at) in [("{", 0), ("a}", 1), ("{}", 0), ("{a!r}", 0), ("ü{a:>3}", 2), ("{a.b}", 0)] {
            let error = fill_one(template).expect_err(template);
            assert!(
                matches!(error, ParseError::Template { at: found, .. } if found == at),
                "{template}: {error}"
            );
        }
    }
}
