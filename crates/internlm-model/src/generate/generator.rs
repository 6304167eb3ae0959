//! The loop of feed, sample, append.

use burn::tensor::{Device, Tensor};

use crate::attend::GrowingCache;
use crate::decoder::Decoder;
use crate::parameter::numbers;
use crate::sampling::{SamplingConfig, sample};
use crate::{Error, Result, TokenId};

/// How long to generate and how to choose tokens.
///
/// ```
/// use internlm_model::sampling::SamplingConfig;
/// use internlm_model::{GenerateConfig, TokenId};
///
/// let config = GenerateConfig::new(64).with_stop_ids(vec![TokenId(2)]);
/// assert_eq!(config.sampling, SamplingConfig::greedy());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GenerateConfig {
    /// Maximum number of new tokens. Default 1024, as upstream's `chat()`.
    pub max_tokens: usize,
    /// How the next token is chosen. Default greedy.
    pub sampling: SamplingConfig,
    /// Tokens that end the generation; they are not part of the output.
    pub stop_ids: Vec<TokenId>,
    /// Texts that end the generation, also across token borders; they are not part of the text.
    pub stop_strings: Vec<String>,
    /// Ids from here on are never chosen: the size of the tokenizer, when the model has padding rows.
    pub vocabulary: Option<usize>,
}

impl Default for GenerateConfig {
    fn default() -> Self {
        Self::new(1024)
    }
}

impl GenerateConfig {
    /// Greedy decoding of at most `max_tokens` tokens that nothing else ends.
    #[must_use]
    pub fn new(max_tokens: usize) -> Self {
        Self {
            max_tokens,
            sampling: SamplingConfig::greedy(),
            stop_ids: Vec::new(),
            stop_strings: Vec::new(),
            vocabulary: None,
        }
    }

    /// Chooses tokens as `sampling` says.
    #[must_use]
    pub fn with_sampling(mut self, sampling: SamplingConfig) -> Self {
        self.sampling = sampling;
        self
    }

    /// Ends the generation before any of these tokens.
    #[must_use]
    pub fn with_stop_ids(mut self, stop_ids: Vec<TokenId>) -> Self {
        self.stop_ids = stop_ids;
        self
    }

    /// Ends the text before any of these strings.
    #[must_use]
    pub fn with_stop_strings(mut self, stop_strings: Vec<String>) -> Self {
        self.stop_strings = stop_strings;
        self
    }

    /// Never chooses ids from `vocabulary` on.
    #[must_use]
    pub fn with_vocabulary(mut self, vocabulary: usize) -> Self {
        self.vocabulary = Some(vocabulary);
        self
    }
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Finish {
    /// A stop token was chosen.
    StopId,
    /// A stop string appeared.
    StopString,
    /// `max_tokens` tokens were generated.
    Length,
}

impl Finish {
    /// `stop` or `length`, the words of the `OpenAI` API.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::StopId | Self::StopString => "stop",
            Self::Length => "length",
        }
    }
}

/// An iterator over generated ids.
///
/// ```
/// use burn::tensor::Device;
/// use internlm_model::{Decoder, GenerateConfig, Generator, ModelConfig, ModelSize, TokenId};
///
/// let size = ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 40 };
/// let decoder = Decoder::init(&ModelConfig::new(size), 42, &Device::flex());
/// let ids: Vec<TokenId> = Generator::new(&decoder, &[TokenId(1)], GenerateConfig::new(5))?.collect();
/// assert_eq!(ids.len(), 5);
/// # Ok::<(), internlm_model::Error>(())
/// ```
#[derive(Debug)]
pub struct Generator<'a> {
    decoder: &'a Decoder,
    config: GenerateConfig,
    device: Device,
    cache: GrowingCache,
    /// Prompt and generated tokens.
    history: Vec<TokenId>,
    prompt: usize,
    finish: Option<Finish>,
}

impl<'a> Generator<'a> {
    /// Prepares a generation after `prompt`; nothing is computed before the first id is asked for.
    ///
    /// # Errors
    /// An empty prompt, an id beyond the vocabulary, or sampling values out of their range.
    pub fn new(decoder: &'a Decoder, prompt: &[TokenId], config: GenerateConfig) -> Result<Self> {
        let mut problems = config.sampling.problems();
        if prompt.is_empty() {
            problems.push("prompt: found no tokens, expected at least one".to_owned());
        }
        if !problems.is_empty() {
            return Err(Error::Generation { problems });
        }
        let device = decoder.tok_embeddings.weight.device().inner();
        decoder.ids(prompt, &device)?;
        let finish = (config.max_tokens == 0).then_some(Finish::Length);
        let cache = GrowingCache::new();
        Ok(Self { decoder, config, device, cache, history: prompt.to_vec(), prompt: prompt.len(), finish })
    }

    /// The ids generated so far.
    #[must_use]
    pub fn generated(&self) -> &[TokenId] {
        &self.history[self.prompt..]
    }

    /// Why the generation ended, once it has.
    #[must_use]
    pub fn finish(&self) -> Option<Finish> {
        self.finish
    }

    pub(super) fn config(&self) -> &GenerateConfig {
        &self.config
    }

    pub(super) fn end(&mut self, finish: Finish) {
        self.finish = Some(finish);
    }

    /// Feeds what is not cached yet and gives the logits after the last token.
    fn logits(&mut self) -> Vec<f32> {
        let fresh = &self.history[self.cache.len()..];
        let count = fresh.len();
        let ids =
            self.decoder.ids(fresh, &self.device).expect("prompt and sampled ids are below the vocabulary");
        self.cache.extend(count);
        let hidden = self.decoder.forward(ids, &mut self.cache).inner();
        let last: Tensor<2> = hidden.narrow(0, count - 1, 1);
        numbers(self.decoder.logits(last))
    }
}

impl Iterator for Generator<'_> {
    type Item = TokenId;

    fn next(&mut self) -> Option<TokenId> {
        if self.finish.is_some() {
            return None;
        }
        let logits = self.logits();
        let choices = self.config.vocabulary.unwrap_or(logits.len()).min(logits.len());
        let position = self.generated().len() as u64;
        let id = sample(&logits[..choices], &self.history, &self.config.sampling, position);
        if self.config.stop_ids.contains(&id) {
            self.finish = Some(Finish::StopId);
            return None;
        }
        self.history.push(id);
        if self.generated().len() == self.config.max_tokens {
            self.finish = Some(Finish::Length);
        }
        Some(id)
    }
}
