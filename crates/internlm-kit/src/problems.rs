//! How several problems of one file or folder become one message: one line for one problem, a list for a few, and a
//! count for a flood.

use std::path::Path;

/// Number of problems that one message lists; further ones are counted.
const LISTED: usize = 10;

/// The problems of `path`; `place` says where they are when there are several, for instance `in the config`.
///
/// ```
/// use internlm_kit::problems::listed;
///
/// let problems = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
/// assert_eq!(listed("a.toml", "in the config", &problems(&["x: missing"])), "a.toml: x: missing");
/// assert_eq!(
///     listed("a.toml", "in the config", &problems(&["x: missing", "y: missing"])),
///     "a.toml: 2 problems in the config:\n  - x: missing\n  - y: missing"
/// );
/// ```
#[must_use]
pub fn listed(path: impl AsRef<Path>, place: &str, problems: &[String]) -> String {
    let path = path.as_ref().display();
    match problems {
        [problem] => format!("{path}: {problem}"),
        _ => format!("{path}: {} problems {place}:{}", problems.len(), lines(problems, "\n  - ")),
    }
}

/// The first ten problems, each after `before`, and the number of the others.
#[must_use]
pub fn lines(problems: &[String], before: &str) -> String {
    let mut text: String =
        problems.iter().take(LISTED).flat_map(|problem| [before, problem.as_str()]).collect();
    if let Some(more) = problems.len().checked_sub(LISTED).filter(|more| *more > 0) {
        text.push_str(&format!("{before}and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted() {
        let problems: Vec<String> = (0..198).map(|index| format!("tensor {index}: missing")).collect();
        let flood = listed("m.gguf", "in the weights", &problems);
        assert_eq!(flood.lines().count(), 12, "{flood}");
        assert!(flood.ends_with("tensor 9: missing\n  - and 188 more"), "{flood}");
    }
}
