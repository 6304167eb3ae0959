//! Tagged sections: thoughts to remove, answers to take.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::built_in;

static THINK: LazyLock<Regex> = LazyLock::new(|| built_in("(?s)<think>(.*?)</think>"));

/// Removes `<think>..</think>`. With only a closing tag, returns what follows the last one: some chat templates
/// put the opening tag into the prompt.
pub(super) fn strip(text: &str) -> String {
    if !text.contains("<think>")
        && let Some((_, rest)) = text.rsplit_once("</think>")
    {
        return rest.trim().to_owned();
    }
    THINK.replace_all(text, "").trim().to_owned()
}

/// Creates the pattern of `<tag>..</tag>`. Returns `None` if `tag` is not a tag.
pub(super) fn tag_pattern(tag: &str) -> Option<Regex> {
    let name = tag.strip_prefix('<')?.strip_suffix('>')?;
    Regex::new(&format!("(?s){tag}(.*?)</{name}>")).ok()
}

/// Returns the content of the last pair of tags.
pub(super) fn last_tag(pattern: &Regex, text: &str) -> String {
    match pattern.captures_iter(text).last().and_then(|found| found.get(1)) {
        Some(inside) => inside.as_str().trim().to_owned(),
        None => "NO ANSWER FOUND".to_owned(),
    }
}
