//! [`Comparisons`]: the examples of preference learning and of reward models, and what became of all rows.

use std::collections::BTreeMap;

use internlm_model::Tokenizer;
use internlm_train::Row;

use super::Entry;
use crate::preference::{
    Example, ExampleKind, PreferenceConfig, PreferenceStats, load_preferences, pack_examples, row_tokens,
};
use crate::reward::{self, PairStats, RewardConfig, RewardData, load_pairs};
use crate::template::Template;
use crate::{Error, FinetuneConfig};

/// Examples that are learned from, in the order of the data.
pub(in crate::cli) struct Comparisons {
    examples: Vec<Example>,
    /// Whether the sequences are scored at their last token, instead of learned.
    pub(in crate::cli) is_scored: bool,
    /// Names and values of what became of all comparisons.
    pub(in crate::cli) counts: Vec<(String, String)>,
}

impl Comparisons {
    /// The comparisons of preference learning.
    pub(super) fn of_preference(
        config: &FinetuneConfig,
        preference: &PreferenceConfig,
        (tokenizer, template): (&Tokenizer, &Template),
    ) -> Result<Self, Error> {
        let data = load_preferences(config, preference, tokenizer, template)?;
        let PreferenceStats { read, truncated, without_answer, equal, too_long, tokens, longest } =
            data.stats;
        let (examples, valid) = (data.train, data.valid.len());
        let labels = |side: usize| {
            let of_side = examples.iter().chain(&data.valid).map(|example| example.samples[side].labels());
            of_side.sum::<usize>()
        };
        let what = if preference.loss.is_of_single_answers() { "answers" } else { "pairs" };
        let names = names(&examples);
        let learned = format!("{} {}, {} {}", labels(0), names[0], labels(1), names[1]);
        let mut counts = vec![
            ("comparisons", read.to_string()),
            (what, kept(examples.len(), valid)),
            ("tokens", tokens.to_string()),
            ("with loss", learned),
            ("longest", longest.to_string()),
            ("cut", format!("{truncated} (max-length {})", config.dataset.max_length)),
            ("dropped", (without_answer + equal + too_long).to_string()),
            ("no answer", format!("{without_answer} (no token of it within max-length)")),
            ("equal", format!("{equal} (both answers are the same)")),
            ("too long", format!("{too_long} (both answers are more than {} tokens)", row_tokens(config))),
        ];
        counts.push(("rows", rows(config, &examples)?));
        Ok(Self { examples, is_scored: false, counts: owned(counts) })
    }

    /// The pairs of a reward model. Its token and its domains depend on the base model, which is loaded.
    pub(super) fn of_reward(config: &FinetuneConfig, reward: &RewardConfig) -> Result<Self, Error> {
        let (_, setup) = reward::load(config, reward)?;
        let RewardData { train, valid, stats } =
            load_pairs(config, &setup.model, (&setup.tokenizer, &setup.template))?;
        let PairStats { read, truncated, equal, too_long, without_domain, tokens, longest, .. } = stats;
        let mut domains: BTreeMap<String, usize> = BTreeMap::new();
        for domain in train.iter().chain(&valid).filter_map(|pair| pair.domain.clone()) {
            *domains.entry(domain).or_default() += 1;
        }
        let (held_out, examples) = (valid.len(), train.into_iter().map(|pair| pair.example));
        let examples: Vec<Example> = examples.collect();
        let mut counts = owned(vec![
            ("comparisons", read.to_string()),
            ("pairs", kept(examples.len(), held_out)),
            ("tokens", tokens.to_string()),
            ("longest", longest.to_string()),
            ("cut", format!("{truncated} (max-length {})", config.dataset.max_length)),
            ("dropped", (equal + too_long).to_string()),
            ("equal", format!("{equal} (both sequences are the same)")),
            ("too long", format!("{too_long} (both sequences are more than {} tokens)", row_tokens(config))),
        ]);
        counts.push(("rows".to_owned(), rows(config, &examples)?));
        counts.extend(domains.into_iter().map(|(domain, pairs)| (domain, format!("{pairs} pairs"))));
        if without_domain > 0 {
            counts.push(("no domain".to_owned(), format!("{without_domain} without a system prompt")));
        }
        Ok(Self { examples, is_scored: true, counts })
    }

    /// Both samples of each example with what they are.
    pub(super) fn entries(&self) -> Vec<Entry<'_>> {
        let entries = self.examples.iter().map(|example| Entry {
            comparison: Some(example.comparison + 1),
            samples: kind_names(example.kind).into_iter().zip(&example.samples).collect(),
        });
        entries.collect()
    }
}

/// What the samples of an example are.
fn kind_names(kind: ExampleKind) -> [&'static str; 2] {
    match kind {
        ExampleKind::Pair => ["chosen", "rejected"],
        ExampleKind::Desirable => ["liked", "mismatched"],
        ExampleKind::Undesirable => ["disliked", "mismatched"],
    }
}

/// What the first and the second samples of all examples are.
fn names(examples: &[Example]) -> [&'static str; 2] {
    match examples.first().map(|example| example.kind) {
        Some(ExampleKind::Desirable | ExampleKind::Undesirable) => ["of own answers", "of mismatched ones"],
        Some(ExampleKind::Pair) | None => kind_names(ExampleKind::Pair),
    }
}

fn kept(train: usize, held_out: usize) -> String {
    format!("{} ({held_out} held out)", train + held_out)
}

/// Number of rows and how full they are.
fn rows(config: &FinetuneConfig, examples: &[Example]) -> Result<String, Error> {
    let packed = pack_examples(config, examples)?;
    let (rows, tokens) = (packed.rows().len(), packed.rows().iter().map(Row::tokens).sum::<usize>());
    let filled = tokens as f64 / (rows * row_tokens(config)) as f64;
    Ok(format!("{rows} ({:.1} % filled)", 100.0 * filled))
}

fn owned(counts: Vec<(&str, String)>) -> Vec<(String, String)> {
    counts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
