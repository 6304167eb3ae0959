//! [`Judge`]: rewards that are computed from the text of an answer alone.
//!
//! `gsm8k` follows XTuner's judge: `#### number` in the last 300 characters, commas removed; numbers are compared as
//! numbers, so that 18 and 18.0 are equal.

use internlm_model::answer::{Number, final_number};
use regex::Regex;

use super::super::prompt::Prompt;
use super::{Answered, RewardSourceConfig};
use crate::{Error, Result};

/// Number of characters at the end of an answer in which `gsm8k` looks.
const TAIL: usize = 300;
/// What is in front of GSM8K's final number.
const MARK: &str = "####";
/// What a pattern says for the reference.
const REFERENCE: &str = "{reference}";

/// A rule that an answer follows (1) or does not (0).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Judge {
    /// The number behind `####`; see [`RewardSourceConfig::Gsm8k`].
    Gsm8k,
    /// The number that an answer gives; see [`RewardSourceConfig::Number`].
    Number,
    /// The reference and nothing else; see [`RewardSourceConfig::ExactMatch`].
    ExactMatch,
    /// The reference somewhere in the answer; see [`RewardSourceConfig::Contains`].
    Contains,
    /// An expression without a reference in it.
    Regex(Regex),
    /// An expression with `{reference}` in it.
    RegexOfReference(String),
}

impl Judge {
    /// The judge of `config`; `None` for commands and models.
    ///
    /// # Errors
    /// A pattern that is not a regular expression.
    pub fn of(config: &RewardSourceConfig) -> Result<Option<Self>> {
        Ok(Some(match config {
            RewardSourceConfig::Gsm8k { .. } => Self::Gsm8k,
            RewardSourceConfig::Number { .. } => Self::Number,
            RewardSourceConfig::ExactMatch { .. } => Self::ExactMatch,
            RewardSourceConfig::Contains { .. } => Self::Contains,
            RewardSourceConfig::Regex { pattern, .. } if pattern.contains(REFERENCE) => {
                expression(&pattern.replace(REFERENCE, "x"))?;
                Self::RegexOfReference(pattern.clone())
            }
            RewardSourceConfig::Regex { pattern, .. } => Self::Regex(expression(pattern)?),
            RewardSourceConfig::Command { .. } | RewardSourceConfig::Model { .. } => return Ok(None),
        }))
    }

    /// Refuses a prompt without the reference that this judge compares with, and one that offers tools to a judge of
    /// final numbers: nobody runs the calls of a rollout, so that an answer that calls a tool never gets to its number.
    ///
    /// # Errors
    /// The prompt, by file and line.
    pub fn check(&self, prompt: &Prompt) -> Result<()> {
        if matches!(self, Self::Gsm8k | Self::Number) && prompt.offers_tools() {
            let expected = "no tools, whose calls are not run, or a judge of the call such as `contains`";
            return Err(prompt.error("`tools` with a judge of final numbers", expected));
        }
        let Some(reference) = &prompt.reference else {
            return match self {
                Self::Regex(_) => Ok(()),
                _ => Err(prompt.error("no reference", "one of the keys reference, answer, output")),
            };
        };
        let numeric = match self {
            Self::Gsm8k => gsm8k_number(reference).or_else(|| final_number(reference)).is_some(),
            Self::Number => final_number(reference).is_some(),
            _ => true,
        };
        if numeric {
            Ok(())
        } else {
            Err(prompt.error(&format!("the reference `{reference}`"), "a number in it"))
        }
    }

    /// 1 for a right answer, else 0.
    #[must_use]
    pub fn score(&self, answer: &Answered<'_>) -> f64 {
        let reference = answer.prompt.reference.as_deref().unwrap_or_default();
        let right = match self {
            Self::Gsm8k => {
                let expected = gsm8k_number(reference).or_else(|| final_number(reference));
                expected.is_some() && gsm8k_number(tail(answer.text)) == expected
            }
            Self::Number => {
                let expected = final_number(reference);
                expected.is_some() && final_number(answer.text) == expected
            }
            Self::ExactMatch => answer.text.trim() == reference.trim(),
            Self::Contains => answer.text.contains(reference.trim()),
            Self::Regex(expression) => expression.is_match(answer.text),
            Self::RegexOfReference(pattern) => {
                let literal = pattern.replace(REFERENCE, &regex::escape(reference));
                expression(&literal).is_ok_and(|expression| expression.is_match(answer.text))
            }
        };
        if right { 1.0 } else { 0.0 }
    }
}

fn expression(pattern: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|error| {
        let expected = format!("a regular expression: {error}");
        Error::mismatch("objective.rewards.regex.pattern", format!("`{pattern}`"), expected)
    })
}

/// The last characters of a text.
fn tail(text: &str) -> &str {
    let skipped = text.chars().count().saturating_sub(TAIL);
    text.char_indices().nth(skipped).map_or("", |(start, _)| &text[start..])
}

/// The number behind the last `####`.
fn gsm8k_number(text: &str) -> Option<Number> {
    let (_, behind) = text.rsplit_once(MARK)?;
    let is_part = |character: char| character.is_ascii_digit() || "-.,".contains(character);
    let behind = behind.trim_start().trim_start_matches('$');
    let end = behind.find(|character| !is_part(character)).unwrap_or(behind.len());
    Number::parse(behind[..end].replace(',', "").trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(kind: &str, reference: &str, text: &str) -> f64 {
        let config: RewardSourceConfig = toml::from_str(kind).expect("keys that exist");
        let judge = Judge::of(&config).expect("opens").expect("a judge");
        let prompt = Prompt::new("q").with_reference(reference);
        judge.check(&prompt).expect("has a reference");
        judge.score(&Answered { prompt: &prompt, text })
    }

    #[test]
    fn gsm8k_reads_the_number_behind_the_last_mark_near_the_end() {
        let long = format!("#### 18 {}", "x".repeat(300));
        let cases = [
            ("5 + 13 = 18\n#### 18", "so\n#### 18", 1.0),
            ("#### 1,018", "#### 1018.", 1.0),
            ("18", "#### $18.0", 1.0),
            ("#### -3", "#### 3", 0.0),
            ("#### 18", "the answer is 18", 0.0),
            ("#### 18", "#### 17 no, #### 18", 1.0),
            ("#### 18", long.as_str(), 0.0),
            ("#### 18", "####", 0.0),
        ];
        for (reference, text, expected) in cases {
            assert_eq!(score("kind = 'gsm8k'", reference, text), expected, "{reference:?} {text:?}");
        }
    }

    #[test]
    fn the_other_judges_follow_their_rules() {
        let cases = [
            ("kind = 'number'", "408", "12*34 = 408.", 1.0),
            ("kind = 'number'", "408", "40", 0.0),
            ("kind = 'exact-match'", "yes", " yes\n", 1.0),
            ("kind = 'exact-match'", "yes", "yes!", 0.0),
            ("kind = 'contains'", "12*34", "{\"expression\": \"12*34\"}", 1.0),
            ("kind = 'contains'", "12*34", "12*35", 0.0),
            ("kind = 'regex'\npattern = '^a+$'", "", "aaa", 1.0),
            ("kind = 'regex'\npattern = 'is \\b{reference}\\b'", "1+1", "is 1+1", 1.0),
            ("kind = 'regex'\npattern = 'is \\b{reference}\\b'", "1+1", "is 111", 0.0),
        ];
        for (kind, reference, text, expected) in cases {
            assert_eq!(score(kind, reference, text), expected, "{kind} {reference:?} {text:?}");
        }
    }

    #[test]
    fn prompts_without_what_is_compared_are_refused() {
        let refused = |judge: Judge, prompt: Prompt| judge.check(&prompt).is_err();
        assert!(refused(Judge::ExactMatch, Prompt::new("q")));
        assert!(refused(Judge::Gsm8k, Prompt::new("q").with_reference("none")));
        assert!(refused(Judge::Number, Prompt::new("q").with_reference("none")));
        assert!(!refused(Judge::Regex(Regex::new("a").expect("an expression")), Prompt::new("q")));
    }

    #[test]
    fn an_answer_that_calls_a_tool_never_gets_to_a_final_number() {
        let offering = |tools: serde_json::Value| {
            let mut prompt = Prompt::new("12*34?").with_reference("408");
            prompt.fields.insert("tools".to_owned(), tools);
            prompt
        };
        let tools = serde_json::json!([{"type": "function", "function": {"name": "Calculator"}}]);
        for judge in [Judge::Gsm8k, Judge::Number] {
            let error = judge.check(&offering(tools.clone())).expect_err("calls are not run").to_string();
            assert!(error.contains("found `tools` with a judge of final numbers"), "{error}");
            assert!(judge.check(&offering(serde_json::json!([]))).is_ok());
        }
        assert!(Judge::Contains.check(&offering(tools)).is_ok());
    }
}
