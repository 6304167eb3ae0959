//! Patterns of module names as PEFT reads them: regular expressions of Python.
//!
//! PEFT 0.21, `get_pattern_key`: a module gets the value of the first key with
//! `re.match(rf"(.*\.)?({key})$", module)`. Python's and Rust's regular expressions agree on most of what occurs in
//! such keys; a key that they read differently, or that only Python can read, is refused.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

/// Where the two languages differ: sets inside of sets, repeated and possessive quantifiers, escapes that mean
/// something in Rust alone, and flags in the middle of an expression.
static DIFFERENT: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"\[[^\]]*(?:\[|&&|--|~~)|[*+?}][*+]|\\(?:[<>pP]|b\{)|\(\?[A-Za-z-]+\)";
    Regex::new(text).expect("the expression is valid")
});

/// A map from patterns to values, in the order of the file.
#[derive(Debug)]
pub(super) struct Patterns<T>(Vec<(Regex, T)>);

impl<T: Copy> Patterns<T> {
    /// The pairs that can be understood; [`problems`] names the others.
    pub(super) fn of(map: &Map<String, Value>, read: impl Fn(&Value) -> Option<T>) -> Self {
        let pair = |(key, value): (&String, &Value)| Some((suffix(key).ok()?, read(value)?));
        Self(map.iter().filter_map(pair).collect())
    }

    /// The value of the first pattern that matches `module`.
    pub(super) fn value(&self, module: &str) -> Option<T> {
        self.0.iter().find(|(pattern, _)| pattern.is_match(module)).map(|(_, value)| *value)
    }
}

/// Keys and values of the map called `name` that cannot be understood.
pub(super) fn problems<T>(
    name: &str,
    map: &Map<String, Value>,
    read: impl Fn(&Value) -> Option<T>,
    expected: &str,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (key, value) in map {
        if let Err(found) = suffix(key) {
            problems.push(format!("{name}: found the key `{key}` with {found}, expected {EXPRESSION}"));
        }
        if read(value).is_none() {
            problems.push(format!("{name}: found {value} for `{key}`, expected {expected}"));
        }
    }
    problems
}

/// A rank, as the values of a pattern of ranks.
pub(super) fn rank(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|rank| usize::try_from(rank).ok()).filter(|rank| *rank > 0)
}

/// What the values of a pattern of ranks have to be.
pub(super) const RANK: &str = "a whole number from 1";
/// What a pattern has to be.
pub(super) const EXPRESSION: &str = "a regular expression that Python and Rust read alike";

/// PEFT's `re.match(rf"(.*\.)?({key})$", module)`. The key is put in as text, as there.
fn suffix(key: &str) -> Result<Regex, String> {
    compile(key, &format!(r"^((.*\.)?({key})$)"))
}

/// Python's `re.fullmatch(key, module)`.
pub(super) fn whole(key: &str) -> Result<Regex, String> {
    compile(key, &format!("^(?:{key})$"))
}

/// The regular expression `text`, which holds `key`, or what is wrong with it.
fn compile(key: &str, text: &str) -> Result<Regex, String> {
    if let Some(found) = DIFFERENT.find(key) {
        return Err(format!("`{}`, which Python and Rust read differently", found.as_str()));
    }
    Regex::new(text).map_err(|error| {
        // The last line says what is wrong; the lines before it draw the place.
        let text = error.to_string();
        let last = text.lines().next_back().unwrap_or_default();
        last.trim_start_matches("error: ").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(map: &str, module: &str) -> Option<f64> {
        let map: Map<String, Value> = serde_json::from_str(map).expect("parses");
        Patterns::of(&map, Value::as_f64).value(module)
    }

    #[test]
    fn the_first_key_that_matches_whole_components_decides() {
        let cases = [
            (r#"{"wo": 1}"#, "model.layers.0.attention.wo", Some(1.0)),
            (r#"{"o": 1}"#, "model.layers.0.attention.wo", None),
            (r#"{"attention": 1}"#, "model.layers.0.attention.wo", None),
            (r#"{"layers\\.[01]\\..*": 1, "wo": 2}"#, "model.layers.1.attention.wo", Some(1.0)),
            (r#"{"layers\\.[01]\\..*": 1, "wo": 2}"#, "model.layers.2.attention.wo", Some(2.0)),
            (r#"{"wqkv|wo": 1}"#, "model.layers.2.attention.wo", Some(1.0)),
            (r#"{"^model\\.layers\\.\\d+\\.attention\\.wo$": 1}"#, "model.layers.12.attention.wo", Some(1.0)),
            (r#"{"^layers\\.0.*": 1}"#, "model.layers.0.attention.wo", None),
            (r#"{"w2": 1}"#, "output", None),
        ];
        for (map, module, expected) in cases {
            assert_eq!(value(map, module), expected, "{map} {module}");
        }
    }

    #[test]
    fn keys_and_values_that_cannot_be_understood_are_named() {
        let keys = [
            "(?<!x)wo", "(?=w)wo", r"(a)\2", "w(o", "w++", "(?i)wo", "[a&&b]", "[a[b]]", r"\<wo", r"\pL",
            "(?>w)o",
        ];
        for key in keys {
            let map = Map::from_iter([(key.to_owned(), Value::from(4))]);
            let found = problems("alpha_pattern", &map, Value::as_f64, "a number");
            assert_eq!(found.len(), 1, "{key}: {found:?}");
            assert!(found[0].contains(&format!("alpha_pattern: found the key `{key}`")), "{found:?}");
        }
        let map = Map::from_iter([("wo".to_owned(), Value::from("4"))]);
        let found = problems("alpha_pattern", &map, Value::as_f64, "a number");
        assert_eq!(found, [r#"alpha_pattern: found "4" for `wo`, expected a number"#]);
    }
}
