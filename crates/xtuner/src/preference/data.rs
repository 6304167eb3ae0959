//! The comparisons of a config: read, encoded, split and packed.

use internlm_kit::rng::CounterRng;
use internlm_model::Tokenizer;

use super::config::PreferenceConfig;
use super::encode::{EncodedPreferences, PreferenceEncoder, PreferenceStats};
use super::example::Example;
use super::read::{Preference, read_with_fields};
use super::rows::PackedExamples;
use crate::config::FinetuneConfig;
use crate::dataset::{PackingConfig, Reduction, UnreadKeys, pack_soft, plain_paths};
use crate::template::Template;
use crate::{Error, Result};

/// The encoded comparisons of a run, split by a seeded permutation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PreferenceData {
    /// The examples that are learned from.
    pub train: Vec<Example>,
    /// The examples that accuracy and margin are measured on.
    pub valid: Vec<Example>,
    /// Counts over all comparisons, before the split.
    pub stats: PreferenceStats,
}

/// Reads and encodes every file of `config` and splits the held-out comparisons off: `dataset.valid-conversations` of
/// them, at most a tenth. Keys that reach no token are logged as warnings, one for each key.
///
/// # Errors
/// Files that cannot be read or parsed, data without an example, and settings that comparisons have no use for.
pub fn load_preferences(
    config: &FinetuneConfig,
    preference: &PreferenceConfig,
    tokenizer: &Tokenizer,
    template: &Template,
) -> Result<PreferenceData> {
    if config.dataset.pretrain.is_some() {
        let expected = "no text of pre-training in preference learning";
        return Err(Error::mismatch("dataset.pretrain", "a table", expected));
    }
    let (mut preferences, mut unread) = (Vec::new(), UnreadKeys::default());
    for path in plain_paths(&config.dataset, "comparisons")? {
        for (preference, fields) in read_with_fields(path)? {
            unread.count_fields(&fields);
            count_messages(&mut unread, &preference, template);
            preferences.push(preference);
        }
    }
    unread.warn();
    let encoder = PreferenceEncoder {
        tokenizer,
        template,
        loss: preference.loss,
        max_length: config.dataset.max_length,
        row_tokens: row_tokens(config),
    };
    let EncodedPreferences { examples, stats } = encoder.encode(&preferences)?;
    let count = config.dataset.valid_conversations.min(preferences.len() / 10);
    let order = CounterRng::new(config.run.seed, "validation").permutation(preferences.len());
    let mut held_out = vec![false; preferences.len()];
    order.into_iter().take(count).for_each(|comparison| held_out[comparison] = true);
    let (valid, train): (Vec<Example>, Vec<Example>) =
        examples.into_iter().partition(|example| held_out[example.comparison]);
    if train.is_empty() {
        let found = format!("only held-out examples ({})", valid.len());
        return Err(Error::mismatch("dataset.valid-conversations", found, "fewer than there are examples"));
    }
    Ok(PreferenceData { train, valid, stats })
}

/// Counts the keys of messages that the template leaves out; a prompt with two answers counts once.
fn count_messages(unread: &mut UnreadKeys, preference: &Preference, template: &Template) {
    let (prompt, answer) = match preference {
        Preference::Pair { prompt, chosen, rejected } => {
            unread.count_messages(&[prompt.as_slice(), rejected.as_slice()].concat(), prompt.len(), template);
            (prompt, chosen)
        }
        Preference::Desirable { prompt, answer } | Preference::Undesirable { prompt, answer } => {
            (prompt, answer)
        }
    };
    unread.count_messages(&[prompt.as_slice(), answer.as_slice()].concat(), 0, template);
}

/// Maximum number of tokens of a row: two samples of the maximum length, unless the config says otherwise.
pub(crate) fn row_tokens(config: &FinetuneConfig) -> usize {
    config.dataset.row_tokens.unwrap_or(2 * config.dataset.max_length)
}

/// Packs examples into rows as the config says.
///
/// # Errors
/// Settings of rows that examples have no use for.
pub(crate) fn pack_examples(config: &FinetuneConfig, examples: &[Example]) -> Result<PackedExamples> {
    let rows = config.rows_config();
    if rows.reduction != Reduction::Token {
        let expected = "no reduction: what counts is the answer as a whole";
        return Err(Error::mismatch("dataset.reduction", format!("{:?}", rows.reduction), expected));
    }
    if rows.group_by_length {
        let expected = "false: comparisons are drawn in random order";
        return Err(Error::mismatch("dataset.group-by-length", "true", expected));
    }
    match rows.packing {
        PackingConfig::None => Ok(PackedExamples::one_by_one(examples)),
        PackingConfig::Soft => {
            let lengths: Vec<usize> = examples.iter().map(Example::tokens).collect();
            Ok(PackedExamples::new(examples, &pack_soft(&lengths, row_tokens(config), rows.seed)))
        }
        PackingConfig::Hard => {
            let expected = "soft or none: an answer that is cut cannot be compared";
            Err(Error::mismatch("dataset.packing", "hard", expected))
        }
    }
}
