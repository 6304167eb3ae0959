//! Lists that a file has as Python literals, such as `['Paris', "the city of light"]`.

use serde::Deserialize;
use serde_json::Value;

use super::cell::{arguments, each, list, text};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry {
        name: "python_list",
        upstream: &["NaturalQuestionDataset", "TriviaQADataset"],
        load: python_list,
    },
    LoaderEntry { name: "first", upstream: &["NQOpenDataset", "NaturalQuestionDatasetCN"], load: first },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    columns: Vec<String>,
}

/// `python_list`: reads texts that are Python lists of strings.
fn python_list(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    let Names { columns: names } = arguments(named)?;
    each(rows, |columns| {
        for name in &names {
            let whole = text(columns, name)?;
            let parsed = strings(whole)
                .ok_or_else(|| format!("{name}: found `{whole}`, expected a Python list of strings"))?;
            columns.insert(name.clone(), Value::from(parsed));
        }
        Ok(())
    })
}

/// `first`: the first element of lists.
fn first(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    let Names { columns: names } = arguments(named)?;
    each(rows, |columns| {
        for name in &names {
            let element = list(columns, name)?.first().cloned();
            let element = element.ok_or_else(|| format!("{name}: found an empty list"))?;
            columns.insert(name.clone(), element);
        }
        Ok(())
    })
}

/// Parses a list of string literals with Python's escapes. `None` for anything else.
fn strings(literal: &str) -> Option<Vec<String>> {
    let mut rest = literal.trim().strip_prefix('[')?.strip_suffix(']')?.trim_start();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (string, tail) = string(rest)?;
        found.push(string);
        rest = match tail.trim_start() {
            "" => "",
            more => more.strip_prefix(',')?.trim_start(),
        };
    }
    Some(found)
}

/// Parses one string literal and returns what follows it.
fn string(literal: &str) -> Option<(String, &str)> {
    let mut letters = literal.chars();
    let quote = letters.next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let mut text = String::new();
    loop {
        match letters.next()? {
            end if end == quote => return Some((text, letters.as_str())),
            '\\' => {
                let escape = letters.next()?;
                let digits = match escape {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                if digits > 0 {
                    let code = letters.as_str().get(..digits)?;
                    text.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
                    letters = letters.as_str()[digits..].chars();
                } else {
                    match escape {
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        'r' => text.push('\r'),
                        '\\' | '\'' | '"' => text.push(escape),
                        other => text.extend(['\\', other]),
                    }
                }
            }
            letter => text.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_strings_are_read_as_python_reads_them() {
        for (literal, expected) in [
            (r#"['a', "it's", 'x\'y']"#, Some(vec!["a", "it's", "x'y"])),
            (r"['caf\xe9', '\u4e2d\n']", Some(vec!["café", "中\n"])),
            ("[]", Some(vec![])),
            ("['a',]", Some(vec!["a"])),
            ("['a' 'b']", None),
            ("['a", None),
            ("[1]", None),
            (r"['\x9']", None),
        ] {
            let expected = expected.map(|texts| texts.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(strings(literal), expected, "{literal}");
        }
    }
}
