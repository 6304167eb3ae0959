//! Programs and outputs of LiveCodeBench and CodeCompass.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::pattern::built_in;
use super::post_entry::{Apply, PostEntry};
use super::python::{before, behind_first, strip};
use crate::dataset::Named;
use crate::score::Reading;
use crate::{Error, Result};

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::configured("livecodebench_code_generation", &["extract_code_generation"], first_block),
    PostEntry::configured("livecodebench_code_generation_v2", &["extract_code_generation_v2"], last_block),
    PostEntry::configured("livecodebench_code_execution", &["extract_code_execution"], execution),
    PostEntry::text("livecodebench_test_output", &["extract_test_output_code"], test_output),
    PostEntry::text("codecompass_cpp", &["extract_cpp_code"], cpp),
];

static PYTHON: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)\[PYTHON\](.*?)\[/PYTHON\]"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelType {
    /// `chat` (default), whose programs are in fences, or `base`.
    #[serde(default)]
    model_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thoughts {
    /// Whether the answer has thoughts in front of `[ANSWER]`. Default: false.
    #[serde(default)]
    cot: Option<bool>,
}

/// The places of the lines with a fence.
fn fences(lines: &[&str]) -> Vec<usize> {
    lines.iter().enumerate().filter(|(_, line)| line.contains("```")).map(|(place, _)| place).collect()
}

/// The lines between two places, without both.
fn between(lines: &[&str], first: usize, last: usize) -> String {
    lines.get(first + 1..last).unwrap_or_default().join("\n")
}

fn of_model(named: &Named, chat: fn(&str) -> String) -> Result<Apply> {
    let ModelType { model_type } = named.arguments()?;
    match model_type.as_deref().unwrap_or("chat") {
        "chat" => Ok(Box::new(move |text| chat(text).into())),
        "base" => Ok(Box::new(|text| strip(text).into())),
        other => Err(Error::Value {
            place: format!("{}.model_type", named.name()),
            found: format!("`{other}`"),
            expected: "`chat` or `base`".to_owned(),
        }),
    }
}

/// The first block; empty without two fences.
fn first_block(named: &Named, _: Reading) -> Result<Apply> {
    of_model(named, |text| {
        let lines: Vec<&str> = text.split('\n').collect();
        match fences(&lines)[..] {
            [first, last, ..] => between(&lines, first, last),
            _ => String::new(),
        }
    })
}

/// What is between the last two fences; empty without two fences.
fn last_block(named: &Named, _: Reading) -> Result<Apply> {
    of_model(named, |text| {
        let lines: Vec<&str> = text.split('\n').collect();
        match fences(&lines)[..] {
            [.., first, last] => between(&lines, first, last),
            _ => String::new(),
        }
    })
}

/// The right side of the assertion, or the first line.
fn execution(named: &Named, _: Reading) -> Result<Apply> {
    let thinks = named.arguments::<Thoughts>()?.cot.unwrap_or(false);
    Ok(Box::new(move |text| {
        let program = PYTHON.captures_iter(text).last().and_then(|found| found.get(1));
        let output = program.map_or(text, |inside| inside.as_str());
        let output = behind_first(output, "[ANSWER]").filter(|_| thinks).map_or(output, strip);
        let output = behind_first(output, "==").map_or(output, strip);
        let end = if output.contains("[/ANSWER]") { "[/ANSWER]" } else { "\n" };
        strip(before(output, end)).into()
    }))
}

/// The last assertion, or the first block, one with the label `python` before others.
fn test_output(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    if let Some(assertion) = lines.iter().rfind(|line| line.starts_with("assert")) {
        return (*assertion).to_owned();
    }
    let labeled = lines.iter().position(|line| line.contains("```python") || line.contains("```Python"));
    let fences = fences(&lines);
    let mut rest = fences.iter().copied().filter(|place| labeled.is_none_or(|start| *place > start));
    match (labeled.or_else(|| rest.next()), rest.next()) {
        (Some(first), Some(last)) => between(&lines, first, last),
        _ => String::new(),
    }
}

/// The first block with the label `cpp`, or everything between the first fence and the last, or a text that looks
/// like a program.
fn cpp(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let fences = fences(&lines);
    if let [first, .., last] = fences[..] {
        let start = lines.iter().position(|line| line.to_lowercase().contains("```cpp"));
        let end = start.and_then(|start| fences.iter().copied().find(|place| *place > start));
        let (first, last) = start.zip(end).unwrap_or((first, last));
        return strip(&between(&lines, first, last)).to_owned();
    }
    let words = ["def ", "class ", "int main", "#include", "using namespace"];
    if words.iter().any(|word| text.contains(word)) { strip(text).to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(named: &Named, text: &str) -> serde_json::Value {
        let entry = ENTRIES.iter().find(|entry| entry.name == named.name()).expect("an entry of this file");
        entry.create(named, Reading::Compat).expect("arguments that fit")(text)
    }

    #[test]
    fn blocks_are_found_by_their_fences() {
        let text = "a\n```python\nx\n```\nb\n```\ny\n```";
        let (first, last) =
            (Named::new("livecodebench_code_generation"), Named::new("livecodebench_code_generation_v2"));
        assert_eq!((read(&first, text), read(&last, text)), ("x".into(), "y".into()));
        assert_eq!(read(&first, "```"), "");
        assert_eq!(read(&first.with("model_type", "base"), " a "), "a");
        assert!(first_block(&last.with("model_type", "x"), Reading::Compat).is_err());
        assert_eq!(test_output("```\nx\n```python\ny\n```"), "y");
        assert_eq!(test_output("```\nx\n```"), "x");
        assert_eq!(test_output("assert a\nassert b\nc"), "assert b");
        assert_eq!(cpp("```\nx\n```cpp\ny\n```"), "y");
        assert_eq!((cpp(" int main() {} "), cpp("none")), ("int main() {}".to_owned(), String::new()));
    }

    #[test]
    fn outputs_are_right_sides() {
        let named = Named::new("livecodebench_code_execution");
        assert_eq!(read(&named, "[PYTHON]assert f(1) == 2[/PYTHON]"), "2");
        assert_eq!(read(&named.with("cot", true), "so [ANSWER]f(1) == [1,\n2][/ANSWER]"), "[1,\n2]");
    }
}
