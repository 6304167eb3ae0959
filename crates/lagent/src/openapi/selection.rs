//! Patterns that select operations: a name, `METHOD /path` or `tag:NAME`, where `*` is any text.

use super::operation::Operation;

/// Whether a pattern selects an operation.
pub(super) fn selects(pattern: &str, operation: &Operation) -> bool {
    if let Some(tag) = pattern.strip_prefix("tag:") {
        return operation.tags.iter().any(|known| matches(tag, known));
    }
    match pattern.split_once(' ') {
        Some((method, path)) => {
            matches(&method.to_ascii_uppercase(), &operation.method) && matches(path.trim(), &operation.path)
        }
        None => matches(pattern, &operation.name),
    }
}

/// Whether a text fits a pattern with `*`.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(found) = rest.find(part) else { return false };
        rest = &rest[found + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_are_any_text() {
        for (pattern, text, expected) in [
            ("listPets", "listPets", true),
            ("list", "listPets", false),
            ("list*", "listPets", true),
            ("*Pets", "listPets", true),
            ("l*P*s", "listPets", true),
            ("*", "", true),
            ("a*a", "a", false),
            ("/pets/*/x", "/pets/{id}/x", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
