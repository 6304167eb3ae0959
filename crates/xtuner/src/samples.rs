//! [`Samples`]: what a model answers to the questions of `[samples]`.

use internlm_kit::visible::visible;
use internlm_model::chat::{Message, parse_reply};
use internlm_model::decoder::Decoder;
use internlm_model::{GenerateConfig, Generator, TokenId, Tokenizer};

use crate::Result;
use crate::config::{FinetuneConfig, SamplesConfig};
use crate::template::Template;

/// The questions of a run, and what asking them needs.
#[derive(Clone, Copy)]
pub(crate) struct Samples<'a> {
    pub(crate) config: &'a SamplesConfig,
    pub(crate) tokenizer: &'a Tokenizer,
    pub(crate) template: &'a Template,
}

impl<'a> Samples<'a> {
    /// The questions of `config`; `None` when it has no table `[samples]`.
    pub(crate) fn of(
        config: &'a FinetuneConfig,
        tokenizer: &'a Tokenizer,
        template: &'a Template,
    ) -> Option<Self> {
        config.samples.as_ref().map(|config| Samples { config, tokenizer, template })
    }
}

impl Samples<'_> {
    /// The answers of `decoder`, which is without autodiff, in the order of the questions; decoded greedily.
    pub(crate) fn answers(&self, decoder: &Decoder) -> Result<Vec<String>> {
        self.config.prompts.iter().map(|prompt| self.answer(decoder, prompt)).collect()
    }

    /// Logs the answers after `step` steps. A question that cannot be asked is reported; training continues.
    pub(crate) fn log(&self, step: u64, decoder: &Decoder) {
        match self.answers(decoder) {
            Ok(answers) => {
                for (prompt, answer) in self.config.prompts.iter().zip(answers) {
                    tracing::info!("step {step:>6}  {} -> {}", visible(prompt), visible(&answer));
                }
            }
            Err(error) => tracing::warn!("samples: no answers after step {step}: {error}"),
        }
    }

    fn answer(&self, decoder: &Decoder, prompt: &str) -> Result<String> {
        let system = self.config.system.iter().map(|text| Message::system(text.as_str()));
        let messages: Vec<Message> = system.chain([Message::user(prompt)]).collect();
        let prompt = self.template.prompt(self.tokenizer, &messages)?;
        let mut stops = self.template.stop_ids(self.tokenizer);
        stops.extend(&decoder.config().eos);
        let options = GenerateConfig::new(self.config.max_tokens)
            .with_stop_ids(stops)
            .with_vocabulary(self.tokenizer.vocab_size());
        let ids: Vec<TokenId> = Generator::new(decoder, &prompt, options)?.collect();
        Ok(parse_reply(self.tokenizer, &ids).content)
    }
}
