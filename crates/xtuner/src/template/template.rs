//! [`Template`]: how conversations become ids, and which of them are learned.

use std::path::Path;

use internlm_kit::file;
use internlm_model::chat::{Answered, ChatTemplate, JinjaTemplate, Message, Prompt, Role};
use internlm_model::{TokenId, Tokenizer};

use super::named::NamedTemplate;
use super::table;
use crate::dataset::{Conversation, Sample, check_weights};
use crate::{Error, Result};

/// How conversations become ids.
///
/// ```
/// use internlm_model::chat::Message;
/// use internlm_model::tokenizer::{BpeTrainConfig, Special, train_bpe};
/// use xtuner::dataset::Conversation;
/// use xtuner::template::Template;
///
/// let tokenizer = train_bpe(["hello".to_owned()].into_iter(), &BpeTrainConfig::new(265))?;
/// let template = Template::named("internlm2_chat", &tokenizer)?;
/// let messages = vec![Message::user("hello"), Message::assistant("hi")];
/// let sample = template.encode(&tokenizer, &Conversation::new(messages))?;
/// let learned = sample.ids.iter().zip(&sample.weights).filter(|(_, weight)| **weight > 0.0);
/// let learned: Vec<_> = learned.map(|(id, _)| *id).collect();
/// assert_eq!(tokenizer.decode(&learned, Special::Keep), "hi<|im_end|>");
/// # Ok::<(), xtuner::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Template {
    /// The model's own, or a jinja file: what is trained is what a server of that template gives the model.
    Model(ChatTemplate),
    /// A row of the table of templates, or of a TOML file.
    Named(Box<NamedTemplate>),
}

impl Template {
    /// The template `name` for the model in the folder or GGUF file `model`; without a name the model's own.
    ///
    /// A name is a row of the table ([`template_names`](super::template_names)), a TOML file with one template, one of
    /// several as `file.toml#name`, or a file in jinja.
    ///
    /// # Errors
    /// Names that nothing has, files that cannot be read or are malformed, and a model without a template.
    pub fn load(model: impl AsRef<Path>, name: Option<&str>) -> Result<Self> {
        match name {
            None => Ok(Self::Model(ChatTemplate::load(model)?)),
            Some(name) => Self::named(name, &Tokenizer::load(model)?),
        }
    }

    /// The template `name` for a vocabulary; see [`Self::load`]. Stop words that the vocabulary lacks are logged as
    /// warnings: they are several tokens then.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn named(name: &str, tokenizer: &Tokenizer) -> Result<Self> {
        let path = name.split_once('#').map_or(name, |(path, _)| path);
        let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
        let template = match extension {
            Some("jinja" | "j2" | "jinja2") => return Self::of_jinja(Path::new(path), tokenizer),
            Some("toml") => table::of_file(name)?,
            _ => table::named(name)?,
        };
        for word in template.stop_words.iter().filter(|word| tokenizer.special(word).is_none()) {
            tracing::warn!(
                "the vocabulary has no token `{word}`, which ends answers of the template `{name}`"
            );
        }
        Ok(Self::Named(Box::new(template)))
    }

    fn of_jinja(path: &Path, tokenizer: &Tokenizer) -> Result<Self> {
        let text = |id: Option<TokenId>| id.and_then(|id| tokenizer.token(id));
        let source = file::read_to_string(path)?;
        let template = JinjaTemplate::new(&source, text(tokenizer.bos()), text(tokenizer.eos()))?
            .with_special_tokens(tokenizer.special_tokens());
        Ok(Self::Model(ChatTemplate::Jinja(Box::new(template))))
    }

    /// The template's name, for reports.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Model(template) => template.kind(),
            Self::Named(template) => &template.name,
        }
    }

    /// The conversation as one sample: the ids up to its last learned answer as they are served, or the whole
    /// conversation when the template shows earlier messages the same way.
    ///
    /// Earlier answers have weight only where they are as they would be served; [`Self::samples`] has them all.
    ///
    /// # Errors
    /// Messages that do not fit the template, and weights that are not numbers from 0.
    pub fn encode(&self, tokenizer: &Tokenizer, conversation: &Conversation) -> Result<Sample> {
        let last = |sequence: &Answered| sequence.answers.last().map(|(index, _)| *index);
        match self {
            Self::Model(template) => {
                let sequences = sequences(template, tokenizer, conversation)?;
                let sequence = sequences.into_iter().max_by_key(last).unwrap_or_default();
                Ok(sample(sequence, conversation))
            }
            Self::Named(template) => encode_named(template, tokenizer, conversation),
        }
    }

    /// The samples to learn every answer of a conversation from, each behind exactly what would be served. There are
    /// several when the template shows earlier messages otherwise as the conversation continues, for instance without
    /// their reasoning.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn samples(&self, tokenizer: &Tokenizer, conversation: &Conversation) -> Result<Vec<Sample>> {
        match self {
            Self::Model(template) => {
                let mut sequences = sequences(template, tokenizer, conversation)?;
                if sequences.len() > 1 {
                    sequences.retain(|sequence| !sequence.answers.is_empty());
                }
                Ok(sequences.into_iter().map(|sequence| sample(sequence, conversation)).collect())
            }
            Self::Named(template) => Ok(vec![encode_named(template, tokenizer, conversation)?]),
        }
    }

    /// Ids that the model continues with its answer to `messages`.
    ///
    /// # Errors
    /// Messages that do not fit the template, or that leave nothing to answer.
    pub fn prompt(&self, tokenizer: &Tokenizer, messages: &[Message]) -> Result<Vec<TokenId>> {
        match self {
            Self::Model(template) => Ok(template.encode(tokenizer, messages, Prompt::Generate)?),
            Self::Named(template) => Ok(template.prompt(tokenizer, messages)?.ids),
        }
    }

    /// Ids of the last message, an answer of the assistant, as the model has to write them behind the prompt of the
    /// messages before it: its words, its calls and its end.
    ///
    /// # Errors
    /// As [`Self::encode`]; a last message that is not the assistant's.
    pub fn answer_ids(&self, tokenizer: &Tokenizer, messages: &[Message]) -> Result<Vec<TokenId>> {
        if messages.last().is_none_or(|last| last.role != Role::Assistant) {
            return Err(Error::mismatch(
                "messages",
                "no answer at their end",
                "a last message of the assistant",
            ));
        }
        let mut conversation = Conversation::new(messages.to_vec());
        let earlier = messages.len() - 1;
        conversation.turns[..earlier].iter_mut().for_each(|turn| turn.weight = 0.0);
        let Sample { ids, weights } = self.encode(tokenizer, &conversation)?;
        Ok(ids.into_iter().zip(weights).filter_map(|(id, weight)| (weight != 0.0).then_some(id)).collect())
    }

    /// The conversation as text, special tokens by name.
    ///
    /// # Errors
    /// Messages that do not fit the template.
    pub fn render(&self, messages: &[Message]) -> Result<String> {
        match self {
            Self::Model(template) => Ok(template.render(messages, Prompt::None)?),
            Self::Named(template) => template.render(messages),
        }
    }

    /// The jinja to write into the folder of a model that was trained with this template; `None` for the model's own,
    /// which is there already.
    #[must_use]
    pub fn jinja(&self) -> Option<String> {
        match self {
            Self::Model(_) => None,
            Self::Named(template) => Some(template.jinja()),
        }
    }

    /// Texts that end an answer, besides the tokens of [`Self::stop_ids`].
    #[must_use]
    pub fn stop_words(&self) -> &[String] {
        match self {
            Self::Model(_) => &[],
            Self::Named(template) => &template.stop_words,
        }
    }

    /// Tokens that end an answer.
    #[must_use]
    pub fn stop_ids(&self, tokenizer: &Tokenizer) -> Vec<TokenId> {
        let mut ids = tokenizer.turn_ends();
        ids.extend(self.stop_words().iter().filter_map(|word| tokenizer.special(word)));
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

fn sequences(
    template: &ChatTemplate,
    tokenizer: &Tokenizer,
    conversation: &Conversation,
) -> Result<Vec<Answered>> {
    check_weights(conversation.turns.iter().map(|turn| &turn.weight))?;
    let is_learned = |index: usize| conversation.turns[index].is_learned();
    Ok(template.encode_answers(tokenizer, &conversation.messages(), is_learned)?)
}

/// A sequence with the weights of its answers.
fn sample(sequence: Answered, conversation: &Conversation) -> Sample {
    let mut weights = vec![0.0; sequence.ids.len()];
    for (index, range) in sequence.answers {
        weights[range].fill(conversation.turns[index].weight);
    }
    Sample { ids: sequence.ids, weights }
}

fn encode_named(
    template: &NamedTemplate,
    tokenizer: &Tokenizer,
    conversation: &Conversation,
) -> Result<Sample> {
    check_weights(conversation.turns.iter().map(|turn| &turn.weight))?;
    template.encode(tokenizer, &conversation.messages(), |index| conversation.turns[index].weight)
}
