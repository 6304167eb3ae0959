//! Python code of MBPP and DS-1000: what is between marks or fences.
//!
//! Patterns of MBPP: OpenCompass 0.5.4, `datasets/mbpp.py` (Apache-2.0).

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::built_in;
use super::post_entry::PostEntry;
use super::python::{before, strip};

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::readings("mbpp_answer", &[], mbpp, fixed_mbpp),
    PostEntry::text("mbpp_answer_2", &[], mbpp_2),
    PostEntry::text("ds1000", &["ds1000_postprocess"], ds1000),
    PostEntry::text("ds1000_completion", &["ds1000_completion_postprocess"], ds1000_completion),
    PostEntry::text("ds1000_matplotlib", &["ds1000_matplotlib_postprocess"], ds1000_matplotlib),
];

/// The marks around programs of MBPP, in the order in which they are tried. `.` matches newlines.
static MBPP: LazyLock<[Regex; 20]> = LazyLock::new(|| {
    [
        r"\[BEGIN\]\s*'(.*)'\s*\[DONE\]",
        r"BEGIN\s*'(.*)'\s*\[DONE\]",
        r"\[BEGIN\]\s*'(.*)'\s*DONE",
        r"BEGIN\s*'(.*)'\s*DONE",
        r"\[BEGIN\]\s*'(.*)\s*\[DONE\]",
        r"BEGIN\s*'(.*)\s*\[DONE\]",
        r"\[BEGIN\]\s*'(.*)\s*DONE",
        r"BEGIN\s*'(.*)\s*DONE",
        r"\[BEGIN\]\s*(.*)\s*\[DONE\]",
        r"BEGIN\s*(.*)\s*\[DONE\]",
        r"\[BEGIN\]\s*(.*)\s*DONE",
        r"BEGIN\s*(.*)\s*DONE",
        r"```python\s*(.*)\s*```",
        r"```\s*(.*)\s*```",
        r"```python\s*(.*)\s*$",
        r"```\s*(.*)\s*$",
        r"(.*)\s*```.*",
        r"\[BEGIN\]\s*'(.*)",
        r"\[BEGIN\](.*)",
        r"'(.*)'\s*\[DONE\]",
    ]
    .map(|pattern| built_in(&format!("(?s){pattern}")))
});
static DONE: LazyLock<Regex> = LazyLock::new(|| built_in(r"'?\s*\[?DONE\]?"));
static BLOCK: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)```(.*?)```"));
static LABELED_BLOCK: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"(?s)```[\w+-]*[ \t]*\r?\n(.*?)(?:```|\z)"));
static HERE: LazyLock<Regex> = LazyLock::new(|| built_in(r"Here(.*?)\n"));
static QUOTED_DONE: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?:'\s*|)(?:\[DONE\]|DONE)"));
static QUOTED_BEGIN: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?:\[BEGIN\]|BEGIN)(?:'\s*|)"));
static CODE: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)<code>(.*?)</code>"));
static PYTHON_BLOCK: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)```python(.*?)```"));
static SOLUTION: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)BEGIN SOLUTION(.*?)END SOLUTION"));

/// The group of the first pattern that matches, without what follows the program.
fn mbpp(text: &str) -> String {
    let found = MBPP.iter().find_map(|pattern| pattern.captures(text)?.get(1));
    let program = before(found.map_or(text, |group| group.as_str()), "```");
    let program = DONE.split(program).next().unwrap_or_default();
    strip(&program.replace("\\_", "_")).to_owned()
}

/// [`mbpp`], but a fenced block comes first, whatever language it names: upstream leaves `py` in front of the program,
/// and takes everything from the first fence to the last.
fn fixed_mbpp(text: &str) -> String {
    match LABELED_BLOCK.captures(text) {
        Some(found) if !found[1].contains("BEGIN") => found[1].trim_end().to_owned(),
        _ => mbpp(text),
    }
}

/// The content of the first fenced block, or of an open one, without the line that names the language.
pub(super) fn first_block(text: &str) -> &str {
    match BLOCK.captures(text).and_then(|found| found.get(1)) {
        Some(inside) if inside.as_str().starts_with('\n') => inside.as_str(),
        Some(inside) => inside.as_str().split_once('\n').map_or(inside.as_str(), |(_, rest)| rest),
        None => text.split("```").nth(1).unwrap_or(text),
    }
}

/// The first fenced block, or the text without its introduction; tests and marks are cut off.
fn mbpp_2(text: &str) -> String {
    let plain = HERE.replace(text, "");
    let program: &str = if text.contains("```") { first_block(text) } else { &plain };
    let tests = ["# Test", "#Test", "#test", "# test"];
    let program = strip(tests.into_iter().fold(program, before));
    let program = QUOTED_DONE.find(program).map_or(program, |done| &program[..done.start()]);
    let program = QUOTED_BEGIN.find(program).map_or(program, |begin| &program[begin.end()..]);
    let program = strip(program);
    program.strip_prefix('\'').unwrap_or(program).to_owned()
}

fn ds1000(text: &str) -> String {
    let program = [&CODE, &PYTHON_BLOCK, &BLOCK, &SOLUTION].into_iter().fold(text, |text, pattern| {
        pattern.captures(text).and_then(|found| found.get(1)).map_or(text, |group| group.as_str())
    });
    program.to_owned()
}

fn ds1000_completion(text: &str) -> String {
    before(text, "</code>").to_owned()
}

/// [`ds1000`] without the lines that would clear or write the figure.
fn ds1000_matplotlib(text: &str) -> String {
    let program = ds1000(text);
    let clears = |line: &&str| {
        ["plt.show()", "plt.clf()", "plt.close()", "savefig"].iter().any(|call| line.contains(call))
    };
    program.split('\n').filter(|line| !clears(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_between_marks() {
        for (text, compat, fixed) in [
            ("[BEGIN]\n'def f(): pass'\n[DONE] more", "def f(): pass", "def f(): pass"),
            ("```python\nx\\_y = 1\n```\nmore", "x_y = 1", "x\\_y = 1"),
            ("```py\nx = 1\n```\nmore\n```\ny\n```", "py\nx = 1", "x = 1"),
            ("```python\nx = 1", "x = 1", "x = 1"),
            ("x = 1", "x = 1", "x = 1"),
        ] {
            assert_eq!((mbpp(text).as_str(), fixed_mbpp(text).as_str()), (compat, fixed), "{text}");
        }
        assert_eq!(mbpp_2("Here it is:\nx = 1\n# Test\nassert x"), "x = 1");
        assert_eq!(mbpp_2("```python\nx = 1\n```"), "x = 1");
        assert_eq!(ds1000_matplotlib("<code>a\nplt.show()\nb</code>"), "a\nb");
    }
}
