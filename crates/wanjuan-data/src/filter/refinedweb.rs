//! The stage `refinedweb`: removes lines that are not sentences, and drops a document that loses too many of its
//! words (RefinedWeb, arXiv 2306.01116, appendix G.2).

use serde::{Deserialize, Serialize};

use super::python::{is_digit, is_letter, lines, strip};
use super::words::{ratio, words};
use super::{Decision, RuleSet, View, rule_set};
use crate::{Document, Reason, Stage, Verdict};

/// Settings of `refinedweb`. RefinedWeb names the rules without numbers, except for `max-removed-words`. Chinese text
/// is judged by the same numbers: its units are characters, its digits may be full-width, and its counters are
/// listed too (3 个赞).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct RefinedWebConfig {
    /// Maximum share of capitals among the letters of a line; 1 = off. Ours: 0.6.
    pub max_capitals: f64,
    /// Maximum share of digits among the characters of a line, white space not counted; 1 = off. Ours: 0.6.
    pub max_digits: f64,
    /// Drop lines that only count something, like "3 likes". Default true.
    pub counters: bool,
    /// Maximum share of its words that a document may lose; 1 = off. RefinedWeb: 0.05.
    pub max_removed_words: f64,
}

impl Default for RefinedWebConfig {
    fn default() -> Self {
        Self { max_capitals: 0.6, max_digits: 0.6, counters: true, max_removed_words: 0.05 }
    }
}

/// What counters on pages count, in English and Chinese.
const COUNTED: [&str; 44] = [
    "like",
    "likes",
    "share",
    "shares",
    "view",
    "views",
    "comment",
    "comments",
    "reply",
    "replies",
    "follower",
    "followers",
    "retweet",
    "retweets",
    "vote",
    "votes",
    "point",
    "points",
    "post",
    "posts",
    "read",
    "reads",
    "download",
    "downloads",
    "star",
    "stars",
    "赞",
    "点赞",
    "喜欢",
    "评论",
    "回复",
    "跟帖",
    "浏览",
    "阅读",
    "查看",
    "点击",
    "播放",
    "分享",
    "转发",
    "收藏",
    "关注",
    "粉丝",
    "下载",
    "讚",
];

/// Removes lines that are not sentences; drops texts that lose too much.
#[derive(Clone, Debug, Default)]
pub struct RefinedWeb {
    config: RefinedWebConfig,
}

impl RefinedWeb {
    /// A stage with these settings; they are not checked again.
    #[must_use]
    pub fn new(config: RefinedWebConfig) -> Self {
        Self { config }
    }

    fn drops(&self, line: &str) -> bool {
        let (mut letters, mut capitals, mut digits, mut characters) = (0, 0, 0, 0);
        for c in line.chars().filter(|c| !c.is_whitespace()) {
            characters += 1;
            letters += usize::from(is_letter(c));
            capitals += usize::from(c.is_uppercase());
            digits += usize::from(is_digit(c));
        }
        ratio(capitals, letters) > self.config.max_capitals
            || ratio(digits, characters) > self.config.max_digits
            || (self.config.counters && digits > 0 && is_counter(line))
    }
}

/// Whether a line is a number and what it counts, in either order.
fn is_counter(line: &str) -> bool {
    // The longest counter, "12,345 followers", is far below this.
    if line.len() > 100 {
        return false;
    }
    let mut counted = String::new();
    for word in words(line) {
        if word.contains(is_letter) && !word.contains(is_digit) {
            counted.push_str(&word.to_lowercase());
        }
    }
    let counted =
        counted.trim_start_matches(['个', '個', '次', '条', '條', '人', '位', '篇', '万', '萬', '亿']);
    COUNTED.contains(&counted)
}

impl RuleSet for RefinedWeb {
    fn decide(&self, view: &View<'_>) -> Decision {
        let mut kept = Vec::new();
        let (mut removed, mut dropped) = (0, false);
        for line in lines(view.text()) {
            if !strip(line).is_empty() && self.drops(line) {
                removed += words(line).len();
                dropped = true;
            } else {
                kept.push(line);
            }
        }
        if !dropped {
            return Decision::Keep;
        }
        let share = ratio(removed, view.words().len());
        if share > self.config.max_removed_words {
            let reason = Reason::above("removed-words", share, self.config.max_removed_words);
            return Decision::from_reason(Some(reason));
        }
        Decision::Rewrite(kept.join("\n").trim_matches('\n').to_owned())
    }
}

impl Stage for RefinedWeb {
    fn name(&self) -> &'static str {
        "refinedweb"
    }

    fn apply(&self, document: Document) -> Verdict {
        rule_set::apply(self, document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_sentences_go() {
        let stage = RefinedWeb::default();
        let drops = [
            "MAIN MENU",
            "Home NEWS",
            "12/10/2024 12:30",
            "3 likes",
            "Views: 1,204",
            "123 个赞",
            "阅读(１２)",
            "12.5k followers",
            "1.2万次播放",
        ];
        for line in drops {
            assert!(stage.drops(line), "{line}");
        }
        for line in
            ["I like NASA", "The 3 likes of my life", "likes", "In 2024 there were 12", "今天有3个人来了"]
        {
            assert!(!stage.drops(line), "{line}");
        }
    }

    #[test]
    fn too_many_lines_take_the_document_along() {
        let prose = "A sentence of six words here.\n".repeat(10);
        let decide = |text: &str| RefinedWeb::default().decide(&View::new(text));
        assert_eq!(decide(&prose), Decision::Keep);
        assert_eq!(decide(&format!("{prose}3 likes")), Decision::Rewrite(prose.trim().to_owned()));
        let reason = decide(&format!("{prose}3 likes\n4 shares\n5 views")).reason().cloned().expect("drops");
        assert_eq!((reason.value, reason.threshold), (Some(6.0 / 76.0), Some(0.05)));
    }
}
