//! Instructions about the form of an answer.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::arguments::Arguments;
use crate::score::text::words::built_in;

/// The answers of the instruction `constrained_response`.
const CONSTRAINED: [&str; 3] = ["My answer is yes.", "My answer is no.", "My answer is maybe."];
/// What is between two responses.
const BETWEEN_RESPONSES: &str = "******";

static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| built_in(r"\[.*?\]"));
static STAR_BULLET: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?m)^\s*\*[^*].*$"));
static DASH_BULLET: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?m)^\s*-.*$"));
static HIGHLIGHT: LazyLock<Regex> = LazyLock::new(|| built_in(r"\*[^\n*]*\*"));
static DOUBLE_HIGHLIGHT: LazyLock<Regex> = LazyLock::new(|| built_in(r"\*\*[^\n*]*\*\*"));
static TITLE: LazyLock<Regex> = LazyLock::new(|| built_in(r"<<[^\n]+>>"));

/// Number of placeholders in square brackets.
pub(super) fn placeholders(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    Ok(PLACEHOLDER.find_iter(text).count() >= arguments.number("num_placeholders")?)
}

/// Number of lines that begin with an asterisk or a dash.
pub(super) fn bullets(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    let found = STAR_BULLET.find_iter(text).count() + DASH_BULLET.find_iter(text).count();
    Ok(found == arguments.number("num_bullets")?)
}

/// One of three answers occurs.
pub(super) fn constrained(text: &str) -> bool {
    CONSTRAINED.iter().any(|answer| text.contains(answer))
}

/// Number of parts between asterisks.
pub(super) fn highlights(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    let single = HIGHLIGHT.find_iter(text).map(|found| found.as_str().trim_matches('*'));
    let double = DOUBLE_HIGHLIGHT.find_iter(text).map(|found| {
        let inner = found.as_str();
        inner.get(2..inner.len() - 2).unwrap_or_default()
    });
    let found = single.chain(double).filter(|inner| !inner.trim().is_empty()).count();
    Ok(found >= arguments.number("num_highlights")?)
}

/// Number of numbered sections.
pub(super) fn sections(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    let word = arguments.text("section_spliter")?.trim();
    let pattern = Regex::new(&format!(r"\s?{word}\s?\d+\s?"));
    let pattern = pattern.map_err(|_| format!("kwargs.section_spliter: found `{word}`, expected a word"))?;
    Ok(pattern.find_iter(text).count() >= arguments.number("num_sections")?)
}

/// A postscript occurs.
pub(super) fn postscript(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    let marker = arguments.text("postscript_marker")?.trim();
    let word = match marker {
        "P.P.S" => r"p\.\s?p\.\s?s".to_owned(),
        "P.S." => r"p\.\s?s\.".to_owned(),
        other => other.to_lowercase(),
    };
    let pattern = Regex::new(&word);
    let pattern =
        pattern.map_err(|_| format!("kwargs.postscript_marker: found `{marker}`, expected a word"))?;
    Ok(pattern.is_match(&text.to_lowercase()))
}

/// The whole answer is JSON, possibly in a fenced block.
pub(super) fn json(text: &str) -> bool {
    let mut inner = text.trim();
    for fence in ["```json", "```Json", "```JSON", "```"] {
        inner = inner.strip_prefix(fence).unwrap_or(inner);
    }
    let inner = inner.strip_suffix("```").unwrap_or(inner);
    serde_json::from_str::<Value>(inner.trim()).is_ok()
}

/// A title in double angular brackets occurs.
pub(super) fn title(text: &str) -> bool {
    let mut titles = TITLE.find_iter(text).map(|title| title.as_str());
    titles.any(|title| !title.trim_start_matches('<').trim_end_matches('>').trim().is_empty())
}

/// Two different responses with six asterisks in between.
pub(super) fn two_responses(text: &str) -> bool {
    let parts: Vec<&str> = text.split(BETWEEN_RESPONSES).map(str::trim).collect();
    let inner = parts.get(1..parts.len() - 1).unwrap_or_default();
    let filled: Vec<&&str> = parts.iter().filter(|part| !part.is_empty()).collect();
    !inner.contains(&"") && filled.len() == 2 && filled[0] != filled[1]
}

/// The answer begins with the prompt.
pub(super) fn repeats_prompt(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    let prompt = arguments.text("prompt_to_repeat")?.trim().to_lowercase();
    Ok(text.trim().to_lowercase().starts_with(&prompt))
}

/// The answer ends with a phrase.
pub(super) fn end(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    let phrase = arguments.text("end_phrase")?.trim().to_lowercase();
    Ok(text.trim().trim_matches('"').to_lowercase().ends_with(&phrase))
}

/// The answer is in double quotation marks.
pub(super) fn quoted(text: &str) -> bool {
    let text = text.trim();
    text.chars().count() > 1 && text.starts_with('"') && text.ends_with('"')
}
