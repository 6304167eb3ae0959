//! Tagged sections: the answer between two tags.

use regex::Regex;

use super::python;

/// Creates the pattern of `<tag>..</tag>`. Returns `None` if `tag` is not a tag.
pub(super) fn tag_pattern(tag: &str) -> Option<Regex> {
    let name = tag.strip_prefix('<')?.strip_suffix('>')?;
    Regex::new(&format!("(?s){tag}(.*?)</{name}>")).ok()
}

/// Returns the content of the last pair of tags.
pub(super) fn last_tag(pattern: &Regex, text: &str) -> String {
    match pattern.captures_iter(text).last().and_then(|found| found.get(1)) {
        Some(inside) => python::strip(inside.as_str()).to_owned(),
        None => "NO ANSWER FOUND".to_owned(),
    }
}
