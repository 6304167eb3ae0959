//! Comparisons -> ids, with loss on the answers.
//!
//! Ids of the prompt are those of the template with its generation prompt; the answer is the rest of the template of
//! prompt and answer. Where the first are not a prefix of the second, the longest common prefix is the prompt. Inside
//! the answer, what the assistant does not say (results of tools) has no loss.

use internlm_model::Tokenizer;
use internlm_model::chat::Message;

use super::config::PreferenceLoss;
use super::example::{Example, ExampleKind};
use super::read::Preference;
use crate::dataset::{Conversation, Sample};
use crate::template::Template;
use crate::{Error, Result};

/// What became of the comparisons.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PreferenceStats {
    /// Number of comparisons that were read.
    pub read: usize,
    /// Number of samples, prompts with an answer, that were cut at the maximum length.
    pub truncated: usize,
    /// Number of comparisons left out because an answer had no token within the maximum length.
    pub without_answer: usize,
    /// Number of pairs left out because both answers are the same.
    pub equal: usize,
    /// Number of comparisons left out because both answers together are longer than a row.
    pub too_long: usize,
    /// Number of ids of the examples that are kept.
    pub tokens: usize,
    /// Length of the longest sample before it was cut, in ids.
    pub longest: usize,
}

/// The examples that a loss learns from, and counts of what became of all comparisons.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncodedPreferences {
    /// Kept examples in the order of their comparisons.
    pub examples: Vec<Example>,
    /// Counts over all comparisons.
    pub stats: PreferenceStats,
}

/// How comparisons become ids.
#[derive(Clone, Copy)]
pub struct PreferenceEncoder<'a> {
    /// Vocabulary that the model was trained with.
    pub tokenizer: &'a Tokenizer,
    /// How messages are written.
    pub template: &'a Template,
    /// The loss, which is of pairs or of single answers.
    pub loss: PreferenceLoss,
    /// Maximum number of ids of a prompt with one answer; longer ones are cut from the right.
    pub max_length: usize,
    /// Maximum number of ids of both answers with their prompts: what one row holds.
    pub row_tokens: usize,
}

/// A prompt with one answer and what it is.
struct Single<'a> {
    /// Index of its comparison.
    comparison: usize,
    prompt: &'a [Message],
    answer: &'a [Message],
    kind: ExampleKind,
}

impl PreferenceEncoder<'_> {
    /// Encodes comparisons. For a loss of single answers a pair is a liked answer and one that is not.
    ///
    /// # Errors
    /// Messages that do not fit the template, single answers for a loss of pairs, one prompt only for a loss of single
    /// answers, and no example at all.
    pub fn encode(&self, preferences: &[Preference]) -> Result<EncodedPreferences> {
        let mut encoded = EncodedPreferences::default();
        encoded.stats.read = preferences.len();
        if self.loss.is_of_single_answers() {
            self.encode_singles(preferences, &mut encoded)?;
        } else {
            self.encode_pairs(preferences, &mut encoded)?;
        }
        if encoded.examples.is_empty() {
            let PreferenceStats { read, without_answer, equal, too_long, .. } = encoded.stats;
            let found = format!(
                "no example to learn from ({read} comparisons: {without_answer} without an answer in their first {} \
                 tokens, {equal} of equal answers, {too_long} longer than a row of {} tokens)",
                self.max_length, self.row_tokens
            );
            return Err(Error::mismatch("dataset.paths", found, "at least one comparison"));
        }
        Ok(encoded)
    }

    fn encode_pairs(&self, preferences: &[Preference], encoded: &mut EncodedPreferences) -> Result<()> {
        for (index, preference) in preferences.iter().enumerate() {
            let Preference::Pair { prompt, chosen, rejected } = preference else {
                let found = format!("a single answer (comparison {})", index + 1);
                let expected = "pairs of answers, or objective.loss = \"kto\"";
                return Err(Error::mismatch("dataset.paths", found, expected));
            };
            if chosen == rejected {
                encoded.stats.equal += 1;
                continue;
            }
            let samples = [self.sample(prompt, chosen, encoded)?, self.sample(prompt, rejected, encoded)?];
            self.push((index, ExampleKind::Pair), samples, encoded);
        }
        Ok(())
    }

    fn encode_singles(&self, preferences: &[Preference], encoded: &mut EncodedPreferences) -> Result<()> {
        let singles: Vec<Single<'_>> = preferences.iter().enumerate().flat_map(singles).collect();
        for (index, single) in singles.iter().enumerate() {
            // An answer to another prompt: what the model thinks of it says how far it is from the reference. It comes
            // from half the data away, so that as many of these answers are liked as there are liked ones.
            let away = (0..singles.len()).map(|step| (index + singles.len() / 2 + step) % singles.len());
            let Some(other) = away.map(|other| &singles[other]).find(|other| other.prompt != single.prompt)
            else {
                let expected = "answers to at least two prompts: each is compared with one to another prompt";
                return Err(Error::mismatch("dataset.paths", "answers to one prompt only", expected));
            };
            let own = self.sample(single.prompt, single.answer, encoded)?;
            let mismatched = self.sample(single.prompt, other.answer, encoded)?;
            self.push((single.comparison, single.kind), [own, mismatched], encoded);
        }
        Ok(())
    }

    /// A prompt with an answer; `None` when no token of the answer is left.
    fn sample(
        &self,
        prompt: &[Message],
        answer: &[Message],
        encoded: &mut EncodedPreferences,
    ) -> Result<Option<Sample>> {
        let prompt_ids = self.template.prompt(self.tokenizer, prompt)?;
        let conversation = Conversation::new([prompt, answer].concat());
        let mut sample = self.template.encode(self.tokenizer, &conversation)?;
        let shared = prompt_ids.iter().zip(&sample.ids).take_while(|(a, b)| a == b).count();
        sample.weights.iter_mut().take(shared).for_each(|weight| *weight = 0.0);
        let length = sample.ids.len();
        encoded.stats.longest = encoded.stats.longest.max(length);
        if length > self.max_length {
            sample.ids.truncate(self.max_length);
            sample.weights.truncate(self.max_length);
            encoded.stats.truncated += 1;
        }
        Ok((sample.labels() > 0).then_some(sample))
    }

    fn push(
        &self,
        (comparison, kind): (usize, ExampleKind),
        samples: [Option<Sample>; 2],
        encoded: &mut EncodedPreferences,
    ) {
        let [Some(first), Some(second)] = samples else {
            encoded.stats.without_answer += 1;
            return;
        };
        let example = Example { comparison, kind, samples: [first, second] };
        let tokens = example.tokens();
        if tokens > self.row_tokens {
            encoded.stats.too_long += 1;
            return;
        }
        encoded.stats.tokens += tokens;
        encoded.examples.push(example);
    }
}

/// The answers of comparison `comparison`, each by itself.
fn singles((comparison, preference): (usize, &Preference)) -> Vec<Single<'_>> {
    let answers: [(&[Message], &[Message], ExampleKind); 2] = match preference {
        Preference::Pair { prompt, chosen, rejected } => {
            [(prompt, chosen, ExampleKind::Desirable), (prompt, rejected, ExampleKind::Undesirable)]
        }
        Preference::Desirable { prompt, answer } => {
            return vec![Single { comparison, prompt, answer, kind: ExampleKind::Desirable }];
        }
        Preference::Undesirable { prompt, answer } => {
            return vec![Single { comparison, prompt, answer, kind: ExampleKind::Undesirable }];
        }
    };
    answers.map(|(prompt, answer, kind)| Single { comparison, prompt, answer, kind }).into()
}
