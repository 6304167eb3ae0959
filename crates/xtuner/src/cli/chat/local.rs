//! [`Local`]: a model in this process, one answer at a time.

use std::io;
use std::path::Path;

use internlm_model::chat::{Message, parse_reply};
use internlm_model::decoder::Decoder;
use internlm_model::generate::{Finish, TextStream};
use internlm_model::sampling::SamplingConfig;
use internlm_model::tokenizer::Special;
use internlm_model::{GenerateConfig, Generator, Tokenizer, device};

use super::{Bits, Chat, Partner};
use crate::lora::{Adapter, BaseFormat, pack};
use crate::template::Template;
use crate::{Error, Result};

/// A model with all that talking to it needs.
pub(super) struct Local {
    decoder: Decoder,
    tokenizer: Tokenizer,
    template: Template,
    options: GenerateConfig,
}

impl Local {
    /// Loads the model at `model` with the adapter and in the form that the arguments say.
    pub(super) fn load(chat: &Chat, model: &Path) -> Result<Self> {
        let tokenizer = Tokenizer::load(model)?;
        let template = Template::load(model, chat.prompt_template.as_deref())?;
        let mut decoder = Decoder::load(model, &device::parse(&chat.device)?)?;
        if let Some(bits) = chat.bits {
            decoder = pack(decoder, bits.format());
        }
        if let Some(folder) = &chat.adapter {
            decoder = Adapter::read(folder)?.apply(decoder, folder)?;
        }
        let stop_ids = decoder.config().eos.iter().copied().chain(template.stop_ids(&tokenizer)).collect();
        let options =
            options(chat, &template).with_stop_ids(stop_ids).with_vocabulary(tokenizer.vocab_size());
        Ok(Self { decoder, tokenizer, template, options })
    }
}

impl Bits {
    fn format(self) -> BaseFormat {
        match self {
            Self::Four => BaseFormat::Nf4Double,
            Self::Eight => BaseFormat::Int8,
        }
    }
}

/// How answers are generated; the seed is that of the first one.
fn options(chat: &Chat, template: &Template) -> GenerateConfig {
    let mut sampling = SamplingConfig::greedy()
        .with_temperature(chat.temperature)
        .with_top_p(chat.top_p)
        .with_repetition_penalty(chat.repetition_penalty)
        .with_seed(u64::from(chat.seed));
    if chat.top_k > 0 {
        sampling = sampling.with_top_k(chat.top_k as usize);
    }
    let stop_words = chat.stop_words.iter().chain(template.stop_words()).cloned().collect();
    GenerateConfig::new(chat.max_new_tokens as usize).with_sampling(sampling).with_stop_strings(stop_words)
}

impl Partner for Local {
    fn answer(
        &self,
        messages: &[Message],
        turn: u32,
        show: &mut dyn FnMut(&str) -> io::Result<()>,
    ) -> anyhow::Result<Message> {
        let prompt = self.template.prompt(&self.tokenizer, messages)?;
        let mut options = self.options.clone();
        options.sampling.seed = options.sampling.seed.wrapping_add(u64::from(turn));
        let generator = Generator::new(&self.decoder, &prompt, options).map_err(Error::from)?;
        let mut stream = TextStream::new(generator, &self.tokenizer, Special::Skip);
        let mut text = String::new();
        for piece in stream.by_ref() {
            show(&piece)?;
            text.push_str(&piece);
        }
        let generator = stream.generator();
        if generator.finish() == Some(Finish::StopString) {
            return Ok(Message::assistant(text));
        }
        // Calls are repeated to the model as calls.
        let reply = parse_reply(&self.tokenizer, generator.generated());
        Ok(Message::assistant(reply.content).with_calls(reply.calls))
    }
}
