//! Comparisons -> ids that end in the reward token.
//!
//! A sequence is the chat template's text of the whole conversation and the reward token, as `get_score` of upstream's
//! reward models makes it; the system prompt of the domain is its first message. Sequences are cut from the right so
//! that the reward token still fits into the maximum length; XTuner appends it afterwards, one token too far.

use std::collections::BTreeMap;

use internlm_model::chat::{Message, Prompt};
use internlm_model::{TokenId, Tokenizer};

use super::read::Comparison;
use crate::dataset::{Conversation, Sample};
use crate::preference::{Example, ExampleKind};
use crate::template::Template;
use crate::{Error, Result};

/// What became of the comparisons.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PairStats {
    /// Number of comparisons that were read.
    pub read: usize,
    /// Number of sequences that were cut at the maximum length.
    pub truncated: usize,
    /// Number of pairs left out because both sequences are the same, as they were or after the cut.
    pub equal: usize,
    /// Number of pairs left out because both sequences together are longer than a row.
    pub too_long: usize,
    /// Number of pairs without the system prompt of a domain, although there are such prompts.
    pub without_domain: usize,
    /// Number of ids of the pairs that are kept.
    pub tokens: usize,
    /// Length of the longest sequence before it was cut, in ids.
    pub longest: usize,
}

/// Two encoded conversations of which the first is the better one.
#[derive(Clone, Debug, PartialEq)]
pub struct RewardPair {
    /// The domain of the comparison.
    pub domain: Option<String>,
    /// Both sequences, which carry no labels.
    pub example: Example,
}

/// The pairs that are kept, and counts of what became of all comparisons.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncodedPairs {
    /// Kept pairs in the order of their comparisons.
    pub pairs: Vec<RewardPair>,
    /// Counts over all comparisons.
    pub stats: PairStats,
}

/// How comparisons become ids.
#[derive(Clone, Copy)]
pub struct RewardEncoder<'a> {
    /// Vocabulary of the model that scores.
    pub tokenizer: &'a Tokenizer,
    /// How messages are written.
    pub template: &'a Template,
    /// The token at whose position the score is read.
    pub token: TokenId,
    /// System prompt of each domain; empty for an unconditional model.
    pub domains: &'a BTreeMap<String, String>,
    /// Maximum number of ids of a sequence, the reward token included.
    pub max_length: usize,
    /// Maximum number of ids of both sequences of a pair: what one row holds.
    pub row_tokens: usize,
}

impl RewardEncoder<'_> {
    /// Encodes comparisons as pairs of samples.
    ///
    /// # Errors
    /// Messages that do not fit the template, domains that have no system prompt while others have, and no pair at all.
    pub fn encode(&self, comparisons: &[Comparison]) -> Result<EncodedPairs> {
        let mut encoded = EncodedPairs::default();
        encoded.stats.read = comparisons.len();
        for (index, comparison) in comparisons.iter().enumerate() {
            let prompt = self.domain_prompt(comparison)?;
            let stats = &mut encoded.stats;
            let mut sequence = |answer: &[Message]| {
                let messages = prompt.iter().chain(&comparison.prompt).chain(answer).cloned();
                let sample = self.sequence(&messages.collect::<Vec<Message>>(), stats);
                let expected = "a conversation that the chat template takes";
                sample.map_err(|error| comparison.error(error.to_string(), expected))
            };
            let samples = [sequence(&comparison.chosen)?, sequence(&comparison.rejected)?];
            let unprompted = prompt.is_none() && !self.domains.is_empty();
            encoded.stats.without_domain += usize::from(unprompted);
            self.push((index, comparison.domain.clone()), samples, &mut encoded);
        }
        if encoded.pairs.is_empty() {
            let PairStats { read, equal, too_long, .. } = encoded.stats;
            let found = format!(
                "no pair to learn from ({read} comparisons: {equal} whose first {} tokens are the same, {too_long} \
                 longer than a row of {} tokens)",
                self.max_length, self.row_tokens
            );
            return Err(Error::mismatch("dataset.paths", found, "at least one comparison"));
        }
        Ok(encoded)
    }

    /// The system message of a comparison's domain.
    fn domain_prompt(&self, comparison: &Comparison) -> Result<Option<Message>> {
        let domain = comparison.domain.as_deref();
        let Some(domain) = domain.filter(|_| !self.domains.is_empty()) else { return Ok(None) };
        match self.domains.get(domain) {
            Some(prompt) => Ok(Some(Message::system(prompt))),
            None => {
                let known: Vec<&str> = self.domains.keys().map(String::as_str).collect();
                let found = format!("the domain `{domain}` without a system prompt");
                Err(comparison.error(found, format!("one of {}", known.join(", "))))
            }
        }
    }

    /// The ids of a conversation, cut so that the reward token fits.
    fn sequence(&self, messages: &[Message], stats: &mut PairStats) -> Result<Sample> {
        let mut ids = conversation_ids(self.template, self.tokenizer, messages)?;
        if ids.last() == Some(&self.token) {
            ids.pop();
        }
        let length = ids.len() + 1;
        stats.longest = stats.longest.max(length);
        stats.truncated += usize::from(length > self.max_length);
        ids.truncate(self.max_length.saturating_sub(1));
        ids.push(self.token);
        let weights = vec![0.0; ids.len()];
        Ok(Sample { ids, weights })
    }

    fn push(
        &self,
        (comparison, domain): (usize, Option<String>),
        samples: [Sample; 2],
        encoded: &mut EncodedPairs,
    ) {
        if samples[0].ids == samples[1].ids {
            encoded.stats.equal += 1;
            return;
        }
        let example = Example { comparison, kind: ExampleKind::Pair, samples };
        let tokens = example.tokens();
        if tokens > self.row_tokens {
            encoded.stats.too_long += 1;
            return;
        }
        encoded.stats.tokens += tokens;
        encoded.pairs.push(RewardPair { domain, example });
    }
}

/// The ids of a whole conversation, without the beginning of another answer.
///
/// # Errors
/// Messages that do not fit the template.
pub fn conversation_ids(
    template: &Template,
    tokenizer: &Tokenizer,
    messages: &[Message],
) -> Result<Vec<TokenId>> {
    match template {
        Template::Model(template) => Ok(template.encode(tokenizer, messages, Prompt::None)?),
        Template::Named(_) => Ok(template.encode(tokenizer, &Conversation::new(messages.to_vec()))?.ids),
    }
}
