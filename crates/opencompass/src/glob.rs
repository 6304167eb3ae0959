//! Patterns of names, as for files.

/// Matches a name: `*` stands for any bytes, `?` for any single byte.
pub(crate) fn glob(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.first(), name.first()) {
        (None, None) => true,
        (Some(b'*'), _) => glob(&pattern[1..], name) || (!name.is_empty() && glob(pattern, &name[1..])),
        (Some(b'?'), Some(_)) => glob(&pattern[1..], &name[1..]),
        (Some(a), Some(b)) if a == b => glob(&pattern[1..], &name[1..]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, expected) in [
            ("*professional_law", "lukaemon_mmlu_professional_law", true),
            ("math*", "math", true),
            ("math*", "the math", false),
            ("ARC-?", "ARC-c", true),
            ("ARC-?", "ARC-", false),
            ("a*b*c", "a--b--c", true),
            ("", "", true),
        ] {
            assert_eq!(glob(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} on {name}");
        }
    }
}
