//! Answers in one line, or in the text in front of a mark.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::built_in;
use super::post_entry::PostEntry;
use super::python::{before, strip};
use crate::score::text::words::{normalize_answer, normalize_chinese};

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::text("Xsum", &["Xsum_postprocess"], stripped),
    PostEntry::text("ReCoRD", &["ReCoRD_postprocess"], record),
    PostEntry::text("flores", &["flores_postprocess"], flores),
    PostEntry::text("lcsts", &["lcsts_postprocess"], lcsts),
    PostEntry::text("triviaqa_postprocess", &[], behind_newlines),
    PostEntry::text("lsht_postprocess", &[], behind_newlines),
    PostEntry::text("samsum_postprocess", &[], behind_newlines),
    PostEntry::text("trec_postprocess", &[], behind_newlines),
    PostEntry::text("longbench_normalize_answer", &["normalize_answer"], normalize_answer),
    PostEntry::text("longbench_normalize_zh_answer", &["normalize_zh_answer"], normalize_chinese),
    PostEntry::text("chinese_simpleqa_preprocess", &[], chinese_simpleqa),
    PostEntry::text("game24_postprocess", &[], game24),
    PostEntry::text("cruxeval_o_postprocess", &[], cruxeval),
    PostEntry::text("teval", &["teval_postprocess"], teval),
    PostEntry::text("srbench", &["mydataset_postprocess"], srbench),
];

static NOT_IN_FORMULAS: LazyLock<Regex> = LazyLock::new(|| built_in(r"[^\p{L}\p{N}_\s+\-*/^=.()]"));

/// The first line of the stripped text.
fn first(text: &str) -> &str {
    before(strip(text), "\n")
}

fn flores(text: &str) -> String {
    first(text).to_owned()
}

fn stripped(text: &str) -> String {
    strip(first(text)).to_owned()
}

fn record(text: &str) -> String {
    strip(&first(text).replace("Answer: ", "")).to_owned()
}

/// The first line without a mark of lists and Chinese punctuation around it.
fn lcsts(text: &str) -> String {
    // Upstream removes this Russian word, which some models begin with.
    let line = first(text).replace("своей", "");
    let mut line = strip(&line).to_owned();
    for mark in ["1. ", "- "] {
        if line.starts_with(mark) {
            line = line.replace(mark, "");
        }
    }
    line.trim_matches(['“', '，', '。', '！', '”']).to_owned()
}

fn behind_newlines(text: &str) -> String {
    before(text.trim_start_matches('\n'), "\n").to_owned()
}

fn chinese_simpleqa(text: &str) -> String {
    strip(before(text, "问题：")).to_owned()
}

/// The left side of the equation in the last line.
fn game24(text: &str) -> String {
    let last = strip(text).rsplit('\n').next().unwrap_or_default().to_lowercase();
    before(&last.replace("answer: ", ""), "=").to_owned()
}

fn cruxeval(text: &str) -> String {
    strip(first(before(text, "# done"))).to_owned()
}

/// A JSON value without marks of templates and fences.
fn teval(text: &str) -> String {
    let marks = ["<eoa>", "<TOKENS_UNUSED_1>", "<|im_end|>", "\nuser", "\nUSER", "[INST]"];
    let text = strip(marks.into_iter().fold(text, before));
    let text = strip(text.strip_prefix("```json").unwrap_or(text).trim_matches('`'));
    match text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
        // Templates that double their braces leave them doubled.
        Some(inner) if text.starts_with("{{") && text.ends_with("}}") => inner.to_owned(),
        _ => text.to_owned(),
    }
}

/// A formula in the notation of Python.
fn srbench(text: &str) -> String {
    let marks = [("×", "*"), ("·", "*"), ("÷", "/"), ("−", "-"), ("^", "**"), ("`", ""), ("$", "")];
    let formula = marks.into_iter().fold(text.to_owned(), |text, (mark, other)| text.replace(mark, other));
    strip(&NOT_IN_FORMULAS.replace_all(strip(first(&formula)), "")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_left() {
        type Case = (fn(&str) -> String, &'static str, &'static str);
        let cases: [Case; 10] = [
            (stripped, "\n a \nb", "a"),
            (record, "Answer: it\nb", "it"),
            (lcsts, "1. “好。”\nb", "好"),
            (behind_newlines, "\n\n a \nb", " a "),
            (chinese_simpleqa, "甲 问题：乙", "甲"),
            (game24, "x\nAnswer: (1+2)*8 = 24", "(1+2)*8 "),
            (cruxeval, " [1]\nb # done", "[1]"),
            (teval, "```json{{\"a\": 1}}```<eoa>b", "{\"a\": 1}"),
            (teval, "{{}", "{{}"),
            (srbench, "`y = x^2 × 3`, where\nb", "y = x**2 * 3 where"),
        ];
        for (read, text, line) in cases {
            assert_eq!(read(text), line, "{text}");
        }
    }
}
