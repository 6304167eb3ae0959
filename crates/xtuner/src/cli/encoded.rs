//! The encoded data of a config, as `check-dataset` and `log-dataset` show it.

use std::ops::Range;
use std::path::Path;

use internlm_kit::rng::CounterRng;
use internlm_model::Tokenizer;

use crate::dataset::{EncodeStats, Sample, SampleSet};
use crate::template::Template;
use crate::{Error, FinetuneConfig, load_dataset};

/// A config with the samples that are learned from.
pub(super) struct EncodedData {
    pub(super) config: FinetuneConfig,
    pub(super) tokenizer: Tokenizer,
    /// Name of the chat template.
    pub(super) template: String,
    pub(super) sets: Vec<SampleSet>,
    pub(super) stats: EncodeStats,
}

impl EncodedData {
    /// Reads the config at `path` with overrides, and encodes its data.
    pub(super) fn load(path: &Path, set: &[String]) -> Result<Self, Error> {
        let config = FinetuneConfig::load_with(path, set)?;
        let tokenizer = Tokenizer::load(&config.model.path)?;
        let template = Template::load(&config.model.path, config.dataset.template.as_deref())?;
        let data = load_dataset(&config, &tokenizer, &template)?;
        let template = template.name().to_owned();
        Ok(Self { config, tokenizer, template, sets: data.train, stats: data.stats })
    }

    /// All samples, set by set.
    pub(super) fn samples(&self) -> Vec<&Sample> {
        self.sets.iter().flat_map(|set| &set.samples).collect()
    }

    /// The samples in the order in which they are shown, which the seed of the config decides.
    pub(super) fn shuffled(&self) -> Vec<&Sample> {
        let samples = self.samples();
        let order = CounterRng::new(self.config.run.seed, "check").permutation(samples.len());
        order.into_iter().map(|index| samples[index]).collect()
    }
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
