//! The fields that change logits before an id is chosen from them: checked, then [`LogitRules`].

use std::collections::BTreeMap;

use internlm_model::{TokenId, Tokenizer};

use super::bounds::{check, expected, short};
use crate::engine::{LogitRules, RepeatedPattern};
use crate::protocol::RepetitionDetection;
use crate::{Error, Result};

/// Maximum size of a bias, as OpenAI limits it.
const MAX_BIAS: f32 = 100.0;
/// Maximum number of wrong keys that a message names.
const MAX_WRONG_KEYS: usize = 10;
/// Maximum size of the penalties on ids that were generated already, as OpenAI limits them.
const MAX_PENALTY: f32 = 2.0;
/// Maximum number of ids in a pattern whose repetition ends a text: each size is looked at for every generated id.
const MAX_PATTERN: u32 = 4096;
/// Maximum number of bad words in one request: every one of them is looked at for every generated id.
const MAX_BAD_WORDS: usize = 1024;

/// The fields as the client sent them.
pub(super) struct RuleFields<'a> {
    pub(super) presence_penalty: Option<f32>,
    pub(super) frequency_penalty: Option<f32>,
    pub(super) logit_bias: Option<&'a BTreeMap<String, f32>>,
    pub(super) bad_words: Option<&'a [String]>,
    pub(super) allowed: Option<&'a [u32]>,
    pub(super) ngram_size: Option<u32>,
    pub(super) ngram_threshold: Option<u32>,
    pub(super) detection: Option<RepetitionDetection>,
}

impl RuleFields<'_> {
    /// Checks the fields; gives the rules for ids of `tokenizer`.
    pub(super) fn check(&self, tokenizer: &Tokenizer) -> Result<LogitRules> {
        for (name, penalty) in
            [("presence_penalty", self.presence_penalty), ("frequency_penalty", self.frequency_penalty)]
        {
            check(name, penalty, |penalty| penalty.abs() <= MAX_PENALTY, "a number in [-2, 2]")?;
        }
        let (ngram_size, ngram_threshold) = self.ngrams()?;
        Ok(LogitRules {
            bias: self.bias(tokenizer.vocab_size())?,
            bad_words: self.bad_words(tokenizer)?,
            presence_penalty: self.presence_penalty.unwrap_or(0.0),
            frequency_penalty: self.frequency_penalty.unwrap_or(0.0),
            ngram_size,
            ngram_threshold,
            pattern: self.pattern()?,
            ..LogitRules::default().with_allowed(self.allowed(tokenizer.vocab_size())?)
        })
    }

    /// The only ids that may be generated; an empty list of a request would allow none.
    fn allowed(&self, vocab: usize) -> Result<Vec<TokenId>> {
        let Some(ids) = self.allowed else { return Ok(Vec::new()) };
        if ids.is_empty() {
            return Err(expected("allowed_token_ids", Some("none"), "at least one id"));
        }
        match ids.iter().find(|id| **id as usize >= vocab) {
            Some(id) => Err(expected("allowed_token_ids", Some(id), &format!("ids below {vocab}"))),
            None => Ok(ids.iter().copied().map(TokenId).collect()),
        }
    }

    fn bias(&self, vocab: usize) -> Result<Vec<(TokenId, f32)>> {
        let (mut bias, mut wrong) = (Vec::new(), Vec::new());
        for (key, value) in self.logit_bias.into_iter().flatten() {
            // Written in one way, so that an id has one bias.
            let id = key.parse::<u32>().ok().filter(|id| id.to_string() == *key);
            let Some(id) = id.filter(|id| (*id as usize) < vocab) else {
                wrong.push(format!("{key:?}"));
                continue;
            };
            if value.is_nan() || value.abs() > MAX_BIAS {
                let found = format!("{} for {id}", short(*value));
                return Err(expected("logit_bias", Some(found), "numbers in [-100, 100]"));
            }
            bias.push((TokenId(id), *value));
        }
        let range = format!("ids below {vocab} as keys");
        match wrong.as_slice() {
            [] => Ok(bias),
            [key] => Err(expected("logit_bias", Some(format!("the key {key}")), &range)),
            keys => {
                let shown = keys[..keys.len().min(MAX_WRONG_KEYS)].join(", ");
                Err(expected("logit_bias", Some(format!("the keys {shown}")), &range))
            }
        }
    }

    /// The ids of each word, at the beginning of a text and behind a space, where tokenizers spell it in another way.
    fn bad_words(&self, tokenizer: &Tokenizer) -> Result<Vec<Vec<TokenId>>> {
        let words = self.bad_words.unwrap_or_default();
        if words.len() > MAX_BAD_WORDS {
            let range = format!("at most {MAX_BAD_WORDS} words");
            return Err(expected("bad_words", Some(format!("{} words", words.len())), &range));
        }
        let mut spelled = Vec::with_capacity(2 * words.len());
        for (index, word) in words.iter().enumerate() {
            if word.trim().is_empty() {
                return Err(expected(&format!("bad_words.{index}"), Some(format!("{word:?}")), "a word"));
            }
            spelled.push(tokenizer.encode(word));
            spelled.push(tokenizer.encode(&format!(" {}", word.trim_start())));
        }
        spelled.retain(|ids| !ids.is_empty());
        spelled.sort_unstable();
        spelled.dedup();
        Ok(spelled)
    }

    /// Length and number of the runs of ids that end the text; both are 0 when the rule is off.
    fn ngrams(&self) -> Result<(usize, usize)> {
        let (size, threshold) = (self.ngram_size.unwrap_or(0), self.ngram_threshold.unwrap_or(0));
        let missing = |name: &str, found: Option<u32>, other: &str| {
            Err(expected(name, found, &format!("a number above 0 with `{other}`")))
        };
        match (size, threshold) {
            (0, 1..) => missing("repetition_ngram_size", self.ngram_size, "repetition_ngram_threshold"),
            (1.., 0) => missing("repetition_ngram_threshold", self.ngram_threshold, "repetition_ngram_size"),
            (size, threshold) => Ok((size as usize, threshold as usize)),
        }
    }

    /// The patterns whose repetition ends the text; none when the rule is off.
    fn pattern(&self) -> Result<Option<RepeatedPattern>> {
        let Some(asked) = self.detection else { return Ok(None) };
        let [most, least, count] =
            [asked.max_pattern_size, asked.min_pattern_size, asked.min_count].map(Option::unwrap_or_default);
        let wrong = |name: &str, found: Option<u32>, range: &str| {
            Err(expected(&format!("repetition_detection.{name}"), found, range))
        };
        if most > MAX_PATTERN {
            return wrong("max_pattern_size", asked.max_pattern_size, &format!("at most {MAX_PATTERN}"));
        }
        if least > most {
            let range = format!("at most the {most} of `max_pattern_size`");
            return wrong("min_pattern_size", asked.min_pattern_size, &range);
        }
        if most == 0 {
            return Ok(None);
        }
        if count < 2 {
            return wrong("min_count", asked.min_count, "at least 2 with `max_pattern_size`");
        }
        let (min_size, max_size) = (least.max(1) as usize, most as usize);
        Ok(Some(RepeatedPattern { min_size, max_size, count: count as usize }))
    }
}

/// The salt of the prefix cache; an empty one could be meant as none.
pub(super) fn salt(asked: Option<&str>) -> Result<Option<String>> {
    match asked {
        Some("") => Err(Error::field("cache_salt", "found an empty string, expected a salt")),
        salt => Ok(salt.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests;
