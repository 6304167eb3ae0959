//! The encoded data of a config, as `check-dataset` and `log-dataset` show it.

mod comparisons;

use std::ops::Range;
use std::path::Path;

use internlm_kit::rng::CounterRng;
use internlm_model::Tokenizer;

use self::comparisons::Comparisons;
use crate::dataset::{EncodeStats, Sample, SampleSet};
use crate::template::Template;
use crate::{Error, FinetuneConfig, ObjectiveConfig, load_dataset};

/// A config with what is learned from.
pub(super) struct EncodedData {
    pub(super) config: FinetuneConfig,
    pub(super) tokenizer: Tokenizer,
    /// Name of the chat template.
    pub(super) template: String,
    pub(super) learned: LearnedData,
}

/// What the objective of a config learns from.
pub(super) enum LearnedData {
    /// Conversations, one set for each source of the config.
    Samples { sets: Vec<SampleSet>, stats: EncodeStats },
    /// Two answers at a time, of preference learning or of a reward model.
    Comparisons(Comparisons),
}

/// Samples that are learned from together.
pub(super) struct Entry<'a> {
    /// Number of the comparison in the data, from 1; `None` for conversations.
    pub(super) comparison: Option<usize>,
    /// What each sample is, in words, and the sample.
    pub(super) samples: Vec<(&'static str, &'a Sample)>,
}

impl EncodedData {
    /// Reads the config at `path` with overrides, and encodes its data.
    pub(super) fn load(path: &Path, set: &[String]) -> Result<Self, Error> {
        let config = FinetuneConfig::load_with(path, set)?;
        let tokenizer = Tokenizer::load(&config.model.path)?;
        let template = Template::load(&config.model.path, config.dataset.template.as_deref())?;
        let learned = match &config.objective {
            ObjectiveConfig::Sft => {
                let data = load_dataset(&config, &tokenizer, &template)?;
                LearnedData::Samples { sets: data.train, stats: data.stats }
            }
            ObjectiveConfig::Preference(preference) => {
                let read = (&tokenizer, &template);
                LearnedData::Comparisons(Comparisons::of_preference(&config, preference, read)?)
            }
            ObjectiveConfig::Reward(reward) => {
                LearnedData::Comparisons(Comparisons::of_reward(&config, reward)?)
            }
            ObjectiveConfig::Grpo(_) => return Err(prompts("grpo")),
            ObjectiveConfig::Ppo(_) => return Err(prompts("ppo")),
        };
        let template = template.name().to_owned();
        Ok(Self { config, tokenizer, template, learned })
    }

    /// Everything that is learned from, in the order of the data.
    pub(super) fn entries(&self) -> Vec<Entry<'_>> {
        match &self.learned {
            LearnedData::Samples { sets, .. } => {
                let samples = sets.iter().flat_map(|set| &set.samples);
                samples.map(|sample| Entry { comparison: None, samples: vec![("", sample)] }).collect()
            }
            LearnedData::Comparisons(comparisons) => comparisons.entries(),
        }
    }

    /// The same in the order in which it is shown, which the seed of the config decides.
    pub(super) fn shuffled(&self) -> Vec<Entry<'_>> {
        let mut entries: Vec<Option<Entry<'_>>> = self.entries().into_iter().map(Some).collect();
        let order = CounterRng::new(self.config.run.seed, "check").permutation(entries.len());
        order.into_iter().filter_map(|index| entries[index].take()).collect()
    }

    /// Whether sequences are scored at their last token, instead of learned.
    pub(super) fn is_scored(&self) -> bool {
        matches!(&self.learned, LearnedData::Comparisons(comparisons) if comparisons.is_scored)
    }
}

/// An error about files that hold questions only.
fn prompts(kind: &str) -> Error {
    let expected = "sft, preference or reward: prompts have no labels to show";
    Error::mismatch("objective.kind", kind, expected)
}

/// Runs of ids that weigh the same, with their weight.
pub(super) fn runs(sample: &Sample) -> Vec<(Range<usize>, f32)> {
    let mut start = 0;
    let runs = sample.weights.chunk_by(|left, right| left == right).map(|run| {
        let range = start..start + run.len();
        start = range.end;
        (range, run[0])
    });
    runs.collect()
}
