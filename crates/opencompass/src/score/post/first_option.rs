//! `first_option_postprocess`: finds the option letter of an answer with an ordered list of patterns.
//!
//! The list is that of OpenCompass 0.5.4 (`utils/text_postprocessors.py`), bug for bug, because published
//! scores depend on it: entry 13 is two patterns fused by a missing comma, so neither works, and `1.` has an
//! unescaped full stop. `compat = false` chooses the reading without these faults instead.

use regex::Regex;

use super::pattern::built_in;

/// The patterns in order; `{}` stands for the option letters.
const PATTERNS: [&str; 50] = [
    r"答案是?\s*([{}])",
    r"答案是?\s*：\s*([{}])",
    r"答案是?\s*:\s*([{}])",
    r"答案选项应?该?是\s*([{}])",
    r"答案选项应?该?为\s*([{}])",
    r"答案应该?是\s*([{}])",
    r"答案应该?选\s*([{}])",
    r"答案选项为?\s*：\s*([{}])",
    r"答案选项为?\s+\(?\*?\*?([{}])\*?\*?\)?",
    r"答案选项是?\s*:\s*([{}])",
    r"答案为\s*([{}])",
    r"答案选\s*([{}])",
    r"选择?\s*([{}])",
    r"故选?\s*([{}])只有选?项?\s?([{}])\s?是?对",
    r"只有选?项?\s?([{}])\s?是?错",
    r"只有选?项?\s?([{}])\s?不?正确",
    r"只有选?项?\s?([{}])\s?错误",
    r"说法不?对选?项?的?是\s?([{}])",
    r"说法不?正确选?项?的?是\s?([{}])",
    r"说法错误选?项?的?是\s?([{}])",
    r"([{}])\s?是正确的",
    r"([{}])\s?是正确答案",
    r"选项\s?([{}])\s?正确",
    r"所以答\s?([{}])",
    r"所以\s?([{}][.。$]?$)",
    r"所有\s?([{}][.。$]?$)",
    r"[\s，：:,]([{}])[。，,\.]?$",
    r"[\s，,：:][故即]([{}])[。\.]?$",
    r"[\s，,：:]因此([{}])[。\.]?$",
    r"[是为。]\s?([{}])[。\.]?$",
    r"因此\s?([{}])[。\.]?$",
    r"显然\s?([{}])[。\.]?$",
    r"答案是\s?(\S+)(?:。|$)",
    r"答案应该是\s?(\S+)(?:。|$)",
    r"答案为\s?(\S+)(?:。|$)",
    r"(?i)ANSWER\s*:\s*([{}])",
    r"[Tt]he answer is:?\s+\(?([{}])\)?",
    r"[Tt]he answer is:?\s+\(?\*?\*?([{}])\*?\*?\)?",
    r"[Tt]he answer is option:?\s+\(?([{}])\)?",
    r"[Tt]he correct answer is:?\s+\(?([{}])\)?",
    r"[Tt]he correct answer is option:?\s+\(?([{}])\)?",
    r"[Tt]he correct answer is:?.*?boxed\{([{}])\}",
    r"[Tt]he correct option is:?.*?boxed\{([{}])\}",
    r"[Tt]he correct answer option is:?.*?boxed\{([{}])\}",
    r"[Tt]he answer to the question is:?\s+\(?([{}])\)?",
    r"^选项\s?([{}])",
    r"^([{}])\s?选?项",
    r"(\s|^)[{}][\s。，,：:\.$]",
    r"1.\s?(.*?)$",
    r"1.\s?([{}])[.。$]?$",
];
/// Tried last if the caller prefers any letter to no answer.
const CUSHION: [&str; 2] = ["([{}]):", "([{}])"];

/// The patterns compiled for one set of option letters.
#[derive(Clone, Debug)]
pub(super) struct FirstOption {
    options: Vec<char>,
    patterns: Vec<Regex>,
}

impl FirstOption {
    /// Compiles the patterns for `options`. `cushion` adds the two that accept any letter.
    pub(super) fn new(options: &str, cushion: bool) -> Self {
        let class = regex::escape(options);
        let patterns = PATTERNS.iter().chain(CUSHION.iter().filter(|_| cushion));
        // `.` matches newlines (DOTALL). Python's `$` also matches before a final newline, but the text is
        // stripped first, so the difference does not show.
        let compile = |pattern: &&str| built_in(&format!("(?s){}", pattern.replace("{}", &class)));
        Self { options: options.chars().collect(), patterns: patterns.map(compile).collect() }
    }

    /// Returns the first option letter, in the order of the options, inside the match of the first pattern
    /// that matches. If that match contains no option letter, the next pattern is tried.
    pub(super) fn apply(&self, text: &str) -> String {
        let text = text.trim();
        for pattern in &self.patterns {
            let Some(found) = pattern.captures(text) else { continue };
            let inside = found.get(1).map(|group| group.as_str()).filter(|group| !group.is_empty());
            let inside = inside.unwrap_or(&found[0]);
            if let Some(letter) = self.options.iter().find(|letter| inside.contains(**letter)) {
                return letter.to_string();
            }
        }
        String::new()
    }
}
