//! [`Compat`]: whose decisions a rule set reproduces, and under which names.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{View, Writing};
use crate::Reason;

/// Whose decisions a rule set reproduces.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compat {
    /// Chinese text is measured by Chinese rules; reasons have our names.
    #[default]
    None,
    /// All text is measured as datatrove 0.10 does; reasons have its names.
    Datatrove,
}

/// datatrove's name of each reason, by rule set.
const DATATROVE: [(&str, &str, &str); 24] = [
    ("gopher-quality", "too-few-words", "gopher_short_doc"),
    ("gopher-quality", "too-many-words", "gopher_long_doc"),
    ("gopher-quality", "short-words", "gopher_below_avg_threshold"),
    ("gopher-quality", "long-words", "gopher_above_avg_threshold"),
    ("gopher-quality", "hash-signs", "gopher_too_many_hashes"),
    ("gopher-quality", "ellipses", "gopher_too_many_ellipsis"),
    ("gopher-quality", "bullet-lines", "gopher_too_many_bullets"),
    ("gopher-quality", "ellipsis-lines", "gopher_too_many_end_ellipsis"),
    ("gopher-quality", "words-without-letters", "gopher_below_alpha_threshold"),
    ("gopher-quality", "stop-words", "gopher_enough_stop_words"),
    ("gopher-repetition", "duplicate-paragraphs", "dup_para_frac"),
    ("gopher-repetition", "duplicate-paragraph-chars", "dup_para_char_frac"),
    ("gopher-repetition", "duplicate-lines", "dup_line_frac"),
    ("gopher-repetition", "duplicate-line-chars", "dup_line_char_frac"),
    ("c4", "lorem-ipsum", "lorem_ipsum"),
    ("c4", "curly-bracket", "curly_bracket"),
    ("c4", "too-few-sentences", "too_few_sentences"),
    ("c4-paragraphs", "short-paragraphs", "< 3 paragraphs"),
    ("c4-bad-words", "bad-words", "document_removed_with_badwords"),
    ("fineweb", "empty", "empty"),
    ("fineweb", "punctuated-lines", "line_punct_ratio"),
    ("fineweb", "short-lines", "short_line_ratio"),
    ("fineweb", "duplicate-line-chars", "char_dup_ratio"),
    ("fineweb", "line-feeds", "list_ratio"),
];

impl Compat {
    /// The writing by which the text of `view` is measured.
    pub(super) fn writing(self, view: &View<'_>) -> Writing {
        match self {
            Self::None => view.writing(),
            Self::Datatrove => Writing::Spaced,
        }
    }

    /// The text of `view` that is judged: as it is where another program's decisions are reproduced.
    pub(super) fn text<'v>(self, view: &'v View<'_>) -> &'v str {
        match self {
            Self::None => view.plain_text(),
            Self::Datatrove => view.text(),
        }
    }

    /// Length of the text that is judged, in code points.
    pub(super) fn characters(self, view: &View<'_>) -> usize {
        match self {
            Self::None => view.plain_characters(),
            Self::Datatrove => view.characters(),
        }
    }

    /// Gives `reason` of the rule set `set` the name that it has in this mode.
    pub(super) fn name(self, set: &str, reason: Reason) -> Reason {
        if self == Self::None {
            return reason;
        }
        let listed = DATATROVE.iter().find(|(of, ours, _)| *of == set && *ours == reason.rule);
        let rule = match listed {
            Some((_, _, theirs)) => Cow::Borrowed(*theirs),
            None => n_gram_name(reason.rule),
        };
        Reason { rule, ..reason }
    }
}

/// `top-2-gram` is `top_2_gram`, `duplicate-5-grams` is `duplicated_5_n_grams`.
fn n_gram_name(rule: Cow<'static, str>) -> Cow<'static, str> {
    if let Some(n) = rule.strip_prefix("top-").and_then(|rest| rest.strip_suffix("-gram")) {
        return Cow::Owned(format!("top_{n}_gram"));
    }
    match rule.strip_prefix("duplicate-").and_then(|rest| rest.strip_suffix("-grams")) {
        Some(n) => Cow::Owned(format!("duplicated_{n}_n_grams")),
        None => rule,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_datatroves() {
        let name = |set, rule: &'static str| Compat::Datatrove.name(set, Reason::new(rule)).rule.into_owned();
        assert_eq!(name("fineweb", "duplicate-line-chars"), "char_dup_ratio");
        assert_eq!(name("gopher-repetition", "duplicate-line-chars"), "dup_line_char_frac");
        assert_eq!(name("gopher-repetition", "top-2-gram"), "top_2_gram");
        assert_eq!(name("gopher-repetition", "duplicate-10-grams"), "duplicated_10_n_grams");
        assert_eq!(Compat::None.name("c4", Reason::new("lorem-ipsum")).rule, "lorem-ipsum");
    }
}
