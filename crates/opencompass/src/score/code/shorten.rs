//! Cuts the answer of a chat model down to the continuation of a prompt: `MultiplEEvaluator` of OpenCompass.

use std::sync::LazyLock;

use regex::Regex;

use crate::score::text::sequence_matcher::ratio;
use crate::score::text::words::built_in;

/// From this likeness on, a line of the answer counts as the last line of the prompt.
const SAME_LINE: f64 = 0.95;

static FENCE: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)```\w*\n(.*?)```"));

/// Takes the first fenced block, drops what repeats the prompt, and cuts at the first stop text.
pub(super) fn continuation(prompt: &str, answer: &str, stops: &[&str]) -> String {
    let block = FENCE.captures(answer).and_then(|found| found.get(1));
    let code = block.map_or(answer, |block| block.as_str());
    let code = without_prompt(prompt, code);
    let end = stops.iter().filter_map(|stop| code.find(stop)).min().unwrap_or(code.len());
    code[..end].to_owned()
}

/// Drops everything up to the line that is like the last line of the prompt, if there is one.
fn without_prompt(prompt: &str, code: &str) -> String {
    let Some(last) = prompt.lines().last() else { return code.to_owned() };
    let lines: Vec<&str> = code.lines().collect();
    match lines.iter().position(|line| ratio(last, line) >= SAME_LINE) {
        Some(place) => lines[place + 1..].join("\n"),
        None => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_continuation_is_left() {
        let prompt = "/// Adds.\nfn add(a: isize, b: isize) -> isize {\n";
        let answer = "Sure:\n```rust\n/// Adds.\nfn add(a: isize, b: isize) -> isize {\n    a + b\n}\nfn x() {}\n```\n";
        assert_eq!(continuation(prompt, answer, &["\n}"]), "    a + b");
        assert_eq!(continuation(prompt, "    a + b\n}\n", &["\n}", "z"]), "    a + b");
        assert_eq!(continuation("", "x", &[]), "x");
    }
}
