//! [`ChatTemplate`]: messages -> text and ids.

use std::path::Path;

use serde_json::{Map, Value};

use super::answers::{self, Answered};
use super::conversation::{hide, unwritten};
use super::jinja::unused;
use super::marks::{ACTION_START, BOS, IM_START};
use super::segments::{self, Answer, Segment};
use super::{JinjaTemplate, Loss, Message, Prompt};
use crate::{Error, Result, TokenId, Tokenizer};

/// How messages become one sequence.
///
/// ```
/// use internlm_model::chat::{ChatTemplate, Message, Prompt};
///
/// let messages = [Message::system("Be brief."), Message::user("Hi")];
/// assert_eq!(
///     ChatTemplate::InternLm2.render(&messages, Prompt::Generate)?,
///     "<s><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
/// );
/// # Ok::<(), internlm_model::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ChatTemplate {
    /// InternLM2's ChatML, rendered in Rust; special tokens in message texts stay plain text.
    InternLm2,
    /// The model's own template.
    Jinja(Box<JinjaTemplate>),
}

impl ChatTemplate {
    /// The template of a model folder or GGUF file; see [`Self::of`].
    ///
    /// # Errors
    /// The files are missing or malformed, or there is no template.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::of(&Tokenizer::load(path.as_ref())?)
    }

    /// The template that fits a vocabulary: InternLM2's when it has the chat tokens and no jinja that speaks
    /// another format, else its jinja.
    ///
    /// # Errors
    /// Neither is there, or the jinja is malformed.
    pub fn of(tokenizer: &Tokenizer) -> Result<Self> {
        let has = |name: &str| tokenizer.special(name).is_some();
        let jinja = JinjaTemplate::of(tokenizer)?;
        match (kind(has, jinja.as_ref().map(|jinja| jinja.mentions(IM_START))), jinja) {
            (Some(Kind::Jinja), Some(jinja)) => Ok(Self::Jinja(Box::new(jinja))),
            (Some(_), _) => Ok(Self::InternLm2),
            (None, _) => {
                let name = CHAT_TOKENS.into_iter().find(|name| !has(name)).unwrap_or(IM_START);
                Err(Error::Chat(format!(
                    "found none, and the vocabulary lacks {name}, expected InternLM2's chat tokens or a jinja template"
                )))
            }
        }
    }

    /// The same template with variables of one request: the further arguments of transformers' `apply_chat_template`,
    /// such as `enable_thinking`.
    ///
    /// # Errors
    /// A variable that the template does not use, or that the conversation sets. InternLM2's format uses none.
    pub fn with_variables(&self, variables: &Map<String, Value>) -> Result<Self> {
        match (self, variables.keys().next()) {
            (_, None) => Ok(self.clone()),
            (Self::InternLm2, Some(name)) => Err(unused(name)),
            (Self::Jinja(template), Some(_)) => {
                let template = JinjaTemplate::clone(template).with_variables(variables)?;
                Ok(Self::Jinja(Box::new(template)))
            }
        }
    }

    /// Whether the source of the template has `text`, for instance a mark or the name of a variable. InternLM2's format
    /// has no source.
    #[must_use]
    pub fn mentions(&self, text: &str) -> bool {
        match self {
            Self::InternLm2 => false,
            Self::Jinja(template) => template.mentions(text),
        }
    }

    /// The template's name, for reports.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InternLm2 => Kind::InternLm2.name(),
            Self::Jinja(_) => Kind::Jinja.name(),
        }
    }

    /// Ids of a conversation: `<s>` once, then the turns. Content never yields special ids; the format's own marks are
    /// special in every vocabulary that has them as added tokens.
    ///
    /// # Errors
    /// The vocabulary lacks a token of the template, or the messages do not fit it.
    pub fn encode(
        &self,
        tokenizer: &Tokenizer,
        messages: &[Message],
        prompt: Prompt,
    ) -> Result<Vec<TokenId>> {
        match self {
            Self::InternLm2 => {
                let tokens = encode_segments(tokenizer, segments::internlm2(messages, prompt)?)?;
                Ok(tokens.into_iter().map(|(id, _)| id).collect())
            }
            Self::Jinja(template) => template.encode(tokenizer, messages, prompt),
        }
    }

    /// Ids with their part in the loss: content, calls and the closing `<|im_end|>` of the assistant's messages for
    /// which `loss(index)` says [`Loss::Keep`]; nothing else. `index` counts `messages` from 0.
    ///
    /// Answers that the template shows otherwise when the conversation continues have no loss here; see
    /// [`Self::encode_answers`].
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_with_loss(
        &self,
        tokenizer: &Tokenizer,
        messages: &[Message],
        loss: impl Fn(usize) -> Loss,
    ) -> Result<Vec<(TokenId, Loss)>> {
        let sequences = self.encode_answers(tokenizer, messages, |index| loss(index) == Loss::Keep)?;
        let whole = sequences.into_iter().next().unwrap_or_default();
        let mut tokens: Vec<_> = whole.ids.into_iter().map(|id| (id, Loss::Skip)).collect();
        for (_, range) in whole.answers {
            tokens[range].iter_mut().for_each(|token| token.1 = Loss::Keep);
        }
        Ok(tokens)
    }

    /// The sequences to learn a conversation from: the ids that are served, and where in them the assistant's messages
    /// are for which `learned(index)` is true: their text, their calls and what ends the turn.
    ///
    /// The first sequence is the whole conversation. Some templates show earlier messages otherwise when the
    /// conversation continues, for instance without their reasoning; an answer that is not in the whole conversation as
    /// it is served is in one of the further sequences, behind its own prompt.
    ///
    /// ```
    /// use internlm_model::chat::{ChatTemplate, Message};
    /// use internlm_model::tokenizer::{BpeTrainConfig, Special, train_bpe};
    ///
    /// let tokenizer = train_bpe(["hello".to_owned()].into_iter(), &BpeTrainConfig::new(265))?;
    /// let messages = [Message::user("hello"), Message::assistant("hi")];
    /// let sequences = ChatTemplate::InternLm2.encode_answers(&tokenizer, &messages, |_| true)?;
    /// let (index, range) = sequences[0].answers[0].clone();
    /// assert_eq!((index, &*tokenizer.decode(&sequences[0].ids[range], Special::Keep)), (1, "hi<|im_end|>"));
    /// # Ok::<(), internlm_model::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::encode`]; calls to learn that the template does not show.
    pub fn encode_answers(
        &self,
        tokenizer: &Tokenizer,
        messages: &[Message],
        learned: impl Fn(usize) -> bool,
    ) -> Result<Vec<Answered>> {
        match self {
            Self::InternLm2 => {
                let tokens = encode_segments(tokenizer, segments::internlm2(messages, Prompt::None)?)?;
                Ok(vec![answered(&tokens, learned)])
            }
            Self::Jinja(template) => answers::of_jinja(template, tokenizer, messages, learned),
        }
    }

    /// The conversation as text, special tokens by name.
    ///
    /// # Errors
    /// The messages do not fit the template.
    pub fn render(&self, messages: &[Message], prompt: Prompt) -> Result<String> {
        match self {
            Self::InternLm2 => {
                let segments = segments::internlm2(messages, prompt)?;
                let turns: String = segments.iter().map(Segment::text).collect();
                Ok(format!("{BOS}{turns}"))
            }
            Self::Jinja(template) => template.render(messages, prompt),
        }
    }
}

/// The special tokens by which a vocabulary of InternLM2 is known.
const CHAT_TOKENS: [&str; 2] = [IM_START, ACTION_START];

/// The two kinds of templates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    InternLm2,
    Jinja,
}

impl Kind {
    /// The name in reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::InternLm2 => "internlm2",
            Self::Jinja => "jinja",
        }
    }
}

/// The kind of template that fits a vocabulary with the special tokens of `has`; `jinja` is whether its jinja template,
/// if there is one, mentions `<|im_start|>`. `None` when nothing fits.
pub(crate) fn kind(has: impl Fn(&str) -> bool, jinja: Option<bool>) -> Option<Kind> {
    let internlm2 = CHAT_TOKENS.into_iter().all(has);
    match jinja {
        Some(chatml) if !internlm2 || !chatml => Some(Kind::Jinja),
        None if !internlm2 => None,
        _ => Some(Kind::InternLm2),
    }
}

/// The ids and where among them the learned answers are.
fn answered(tokens: &[(TokenId, Answer)], learned: impl Fn(usize) -> bool) -> Answered {
    let mut answers = Vec::new();
    let mut start = 0;
    for run in tokens.chunk_by(|left, right| left.1 == right.1) {
        let range = start..start + run.len();
        start = range.end;
        if let Some(index) = run[0].1.filter(|&index| learned(index)) {
            answers.push((index, range));
        }
    }
    Answered { ids: tokens.iter().map(|(id, _)| *id).collect(), answers }
}

/// Reads the whole conversation at once, so that every id is that of the rendered text, and gives each its segment's
/// answer.
fn encode_segments(tokenizer: &Tokenizer, segments: Vec<Segment>) -> Result<Vec<(TokenId, Answer)>> {
    let bos = match tokenizer.bos() {
        Some(bos) => bos,
        None => special(tokenizer, BOS)?,
    };
    let mut tokens = vec![(bos, None)];
    let hidden = unwritten(&segments.iter().map(Segment::text).collect::<String>());
    let text = segments.iter().map(|segment| match segment {
        Segment::Special(name, _) => (*name).to_owned(),
        Segment::Text(text, _) => hide(text, tokenizer, hidden),
    });
    let ids = tokenizer.encode_marked(&text.collect::<String>(), hidden);
    let mut rest = &ids[..];
    let mut run: Vec<(String, Answer)> = Vec::new();
    for segment in segments {
        match segment {
            Segment::Text(text, answer) => run.push((text, answer)),
            Segment::Special(name, answer) => {
                let id = special(tokenizer, name)?;
                let at = rest.iter().position(|&other| other == id);
                let at =
                    at.ok_or_else(|| Error::Chat(format!("{name}: not found where the format has it")))?;
                spread(tokenizer, &std::mem::take(&mut run), &rest[..at], &mut tokens);
                tokens.push((id, answer));
                rest = &rest[at + 1..];
            }
        }
    }
    spread(tokenizer, &run, rest, &mut tokens);
    Ok(tokens)
}

fn special(tokenizer: &Tokenizer, name: &str) -> Result<TokenId> {
    tokenizer
        .special(name)
        .ok_or_else(|| Error::Chat(format!("the vocabulary lacks {name}, expected InternLM2's chat tokens")))
}

/// Gives the ids of adjacent texts the answers of these. A token that spans two of them belongs to the later one: the
/// model has to produce it when any of its bytes counts.
fn spread(
    tokenizer: &Tokenizer,
    run: &[(String, Answer)],
    ids: &[TokenId],
    tokens: &mut Vec<(TokenId, Answer)>,
) {
    let length: usize = run.iter().map(|(text, _)| text.len()).sum();
    let spelled: usize = ids.iter().map(|&id| tokenizer.token_bytes(id).len()).sum();
    // Encoding may put a space in front: it belongs to the first text.
    let mut end = spelled.saturating_sub(length);
    let mut ends = run.iter().map(|(text, answer)| {
        end += text.len();
        (end, *answer)
    });
    let mut current = ends.next();
    let mut position = 0;
    for &id in ids {
        position += tokenizer.token_bytes(id).len();
        while let Some((end, _)) = current
            && end < position
        {
            match ends.next() {
                Some(next) => current = Some(next),
                None => break,
            }
        }
        tokens.push((id, current.and_then(|(_, answer)| answer)));
    }
}
