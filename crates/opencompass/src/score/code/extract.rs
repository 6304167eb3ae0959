//! Programs in the text of an answer, as the runners of APPS and LiveCodeBench take them out.

use std::sync::LazyLock;

use regex::Regex;

use crate::score::text::words::built_in;

static BLOCK: LazyLock<Regex> = LazyLock::new(|| built_in("(?s)```(.*?)```"));

/// Where a program is in an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// In the first block, or in the whole text without blocks: `APPSEvaluator.post_process`.
    FirstBlock,
    /// Between the first two lines with a fence; without them there is no program: `extract_code_generation`.
    FirstFences,
}

/// Takes the program out of an answer.
pub(super) fn program(answer: &str, place: Place) -> String {
    match place {
        Place::FirstBlock => first_block(answer).to_owned(),
        Place::FirstFences => first_fences(answer),
    }
}

fn first_block(answer: &str) -> &str {
    let block = BLOCK.captures(answer).and_then(|found| found.get(1));
    match (block, answer.split("```").nth(1)) {
        (Some(block), _) => {
            let block = block.as_str();
            // The rest of the first line is the name of the language.
            let first = if block.starts_with('\n') { 0 } else { block.find('\n').map_or(0, |end| end + 1) };
            &block[first..]
        }
        (None, Some(rest)) => rest,
        (None, None) => answer,
    }
}

fn first_fences(answer: &str) -> String {
    let lines: Vec<&str> = answer.split('\n').collect();
    let mut fences =
        lines.iter().enumerate().filter(|(_, line)| line.contains("```")).map(|(place, _)| place);
    match (fences.next(), fences.next()) {
        (Some(first), Some(second)) => lines[first + 1..second].join("\n"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_as_upstream_finds_them() {
        let text = "So:\n```python\nprint(1)\n```\nand\n```\nprint(2)\n```";
        assert_eq!(program(text, Place::FirstBlock), "print(1)\n");
        assert_eq!(program(text, Place::FirstFences), "print(1)");
        for (text, block, fences) in [
            ("print(1)", "print(1)", ""),
            ("```python\nprint(1)", "python\nprint(1)", ""),
            ("```x```", "x", ""),
            ("```\n\n```", "\n\n", ""),
        ] {
            assert_eq!(program(text, Place::FirstBlock), block, "{text}");
            assert_eq!(program(text, Place::FirstFences), fences, "{text}");
        }
    }
}
