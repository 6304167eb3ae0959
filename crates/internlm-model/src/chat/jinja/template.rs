//! [`JinjaTemplate`]: conversations as text and ids.

use std::sync::{Arc, Once};

use minijinja::Value;
use minijinja::value::Serde;
use serde_json::{Map, Value as Json, json};

use super::super::conversation::{Conversation, Form};
use super::super::{Message, Prompt};
use super::continuation::Continuation;
use super::environment::environment;
use super::{reasoning, source};
use crate::{Error, Result, TokenId, Tokenizer};

/// The variables that a conversation sets.
const OF_CONVERSATIONS: [&str; 4] = ["messages", "tools", "documents", "add_generation_prompt"];

/// A jinja chat template with its special tokens.
#[derive(Clone, Debug)]
pub struct JinjaTemplate {
    /// Name and source; `default`, `tool_use`, ... The sources are rewritten for minijinja.
    templates: Vec<(String, String)>,
    /// Texts of the special tokens by key: `bos_token`, `pad_token`, ...; and what a request sets.
    variables: Map<String, Json>,
    /// That the template leaves calls out is said once.
    unshown_calls: Arc<Once>,
}

/// A rendered conversation.
#[derive(Debug)]
pub(in crate::chat) struct Shown {
    pub(in crate::chat) text: String,
    /// Whether every call of the conversation is in the text.
    pub(in crate::chat) has_calls: bool,
}

impl JinjaTemplate {
    /// One template without a vocabulary: `bos_token` and `eos_token` are what they are called.
    ///
    /// # Errors
    /// The source is not a jinja template.
    pub fn new(source: &str, bos: Option<String>, eos: Option<String>) -> Result<Self> {
        Self::read(&[("default".to_owned(), source.to_owned())], &[], bos, eos)
    }

    /// The same with more special tokens by key, such as `pad_token`.
    #[must_use]
    pub fn with_special_tokens(mut self, tokens: &[(String, String)]) -> Self {
        self.variables.extend(tokens.iter().map(|(key, text)| (key.clone(), json!(text))));
        self
    }

    /// The same with variables of a request, which may also replace special tokens.
    pub(in crate::chat) fn with_variables(mut self, variables: &Map<String, Json>) -> Result<Self> {
        for (name, value) in variables {
            if OF_CONVERSATIONS.contains(&name.as_str()) {
                return Err(Error::Chat(format!(
                    "found the variable `{name}`, expected others: the conversation sets it"
                )));
            }
            if !self.uses(name) {
                return Err(unused(name));
            }
            self.variables.insert(name.clone(), value.clone());
        }
        Ok(self)
    }

    /// The templates that came with a vocabulary; `None` when it has none.
    pub(in crate::chat) fn of(tokenizer: &Tokenizer) -> Result<Option<Self>> {
        if tokenizer.chat_templates().is_empty() {
            return Ok(None);
        }
        let name = |id: Option<TokenId>| id.and_then(|id| tokenizer.token(id));
        let (bos, eos) = (name(tokenizer.bos()), name(tokenizer.eos()));
        Self::read(tokenizer.chat_templates(), tokenizer.special_tokens(), bos, eos).map(Some)
    }

    fn read(
        templates: &[(String, String)],
        special_tokens: &[(String, String)],
        bos: Option<String>,
        eos: Option<String>,
    ) -> Result<Self> {
        let mut rewritten = Vec::with_capacity(templates.len());
        for (name, source) in templates {
            let problem = |problem: String| Error::Chat(format!("`{name}` cannot be read: {problem}"));
            let source = source::rewritten(source).map_err(problem)?;
            environment()
                .template_from_named_str(name, &source)
                .map_err(|error| problem(format!("{error:#}")))?;
            rewritten.push((name.clone(), source));
        }
        let always = [("bos_token", bos), ("eos_token", eos)];
        let always = always.map(|(key, text)| (key.to_owned(), json!(text.unwrap_or_default())));
        let variables = Map::from_iter(always);
        let template = Self { templates: rewritten, variables, unshown_calls: Arc::new(Once::new()) };
        Ok(template.with_special_tokens(special_tokens))
    }

    /// Whether any of the sources holds `text`.
    pub(in crate::chat) fn mentions(&self, text: &str) -> bool {
        self.templates.iter().any(|(_, source)| source.contains(text))
    }

    /// Whether any of the sources holds `name` as a word of its own.
    fn uses(&self, name: &str) -> bool {
        let continues = |character: char| character.is_alphanumeric() || character == '_';
        let is_whole = |source: &str, at: usize| {
            !source[..at].ends_with(continues) && !source[at + name.len()..].starts_with(continues)
        };
        let uses = |source: &str| source.match_indices(name).any(|(at, _)| is_whole(source, at));
        !name.is_empty() && self.templates.iter().any(|(_, source)| uses(source))
    }

    /// The conversation as text.
    ///
    /// Templates get messages as transformers passes them: content as it is, arguments of calls as objects. Many
    /// templates cannot take one of both. A rendering counts when it works and shows every call; otherwise null
    /// content becomes empty text and the other way round (SmolLM2 adds strings, DeepSeek knows calls by null), and
    /// arguments become JSON text, as in OpenAI's API (DeepSeek R1, Functionary). Calls that no form shows are left out
    /// with a warning, as in llama.cpp: their results are in the conversation. Tools that the template does not mention
    /// are refused: the model would answer without knowing of them.
    pub(in crate::chat) fn render(&self, messages: &[Message], prompt: Prompt) -> Result<String> {
        let (messages, continuation) = Continuation::of(messages, prompt)?;
        let text = self.render_conversation(&Conversation::of(&messages)?, prompt)?;
        match continuation {
            Some(continuation) => continuation.cut(&text, None),
            None => Ok(text),
        }
    }

    fn render_conversation(&self, conversation: &Conversation, prompt: Prompt) -> Result<String> {
        let shown = self.show(conversation, prompt)?;
        if !shown.has_calls {
            self.unshown_calls.call_once(|| {
                tracing::warn!(
                    "this model's chat template has no place for tool calls: the model does not see them"
                );
            });
        }
        Ok(shown.text)
    }

    fn show(&self, conversation: &Conversation, prompt: Prompt) -> Result<Shown> {
        let (_, source) = self.source(conversation)?;
        if !conversation.tools.is_null() && !source.contains("tools") {
            return Err(Error::NoPlace { what: "tools" });
        }
        if !conversation.has_calls() {
            // The forms differ in calls alone.
            let text = self.render_form(conversation, prompt, Form::ALL[0])?;
            return Ok(Shown { text, has_calls: true });
        }
        let (marked, marks) = conversation.with_marked_calls();
        let (mut unshown, mut problem) = (None, None);
        for form in Form::ALL {
            match self.render_form(conversation, prompt, form) {
                Ok(text) => {
                    let shown = self.render_form(&marked, prompt, form).unwrap_or_default();
                    if marks.iter().all(|mark| shown.contains(mark)) {
                        return Ok(Shown { text, has_calls: true });
                    }
                    unshown = unshown.or(Some(text));
                }
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        match unshown {
            Some(text) => Ok(Shown { text, has_calls: false }),
            None => Err(problem.unwrap_or(Error::NoPlace { what: "tool calls" })),
        }
    }

    /// Name and text of the template for a conversation.
    fn source(&self, conversation: &Conversation) -> Result<(&str, &str)> {
        let wanted = if conversation.tools.is_null() { "default" } else { "tool_use" };
        let named = |wanted: &str| self.templates.iter().find(|(name, _)| name == wanted);
        let found = named(wanted).or_else(|| named("default")).or_else(|| self.templates.first());
        let (name, source) = found.ok_or_else(|| Error::Chat("found no template".to_owned()))?;
        Ok((name.as_str(), source.as_str()))
    }

    fn render_form(&self, conversation: &Conversation, prompt: Prompt, form: Form) -> Result<String> {
        let (name, source) = self.source(conversation)?;
        let messages = conversation.messages(form).into_iter().map(reasoning::named).collect();
        let mut context = self.variables.clone();
        context.extend([
            ("messages".to_owned(), Json::Array(messages)),
            ("tools".to_owned(), conversation.tools.clone()),
            ("documents".to_owned(), Json::Null),
            ("add_generation_prompt".to_owned(), json!(prompt == Prompt::Generate)),
        ]);
        environment()
            .render_named_str(name, source, Value::from(Serde(context)))
            .map_err(|error| Error::Chat(format!("{error:#}")))
    }

    /// Text of the conversation with `mark` inside of the special tokens that messages spell, for reading with
    /// [`Tokenizer::encode_marked`].
    pub(in crate::chat) fn marked_text(
        &self,
        tokenizer: &Tokenizer,
        messages: &[Message],
        prompt: Prompt,
        mark: char,
    ) -> Result<Shown> {
        let mut conversation = Conversation::of(messages)?;
        conversation.hide_specials_with(tokenizer, mark);
        self.show(&conversation, prompt)
    }

    /// Ids of the conversation: special tokens of the template become ids, the same strings inside a message
    /// stay text.
    pub(in crate::chat) fn encode(
        &self,
        tokenizer: &Tokenizer,
        messages: &[Message],
        prompt: Prompt,
    ) -> Result<Vec<TokenId>> {
        let (messages, continuation) = Continuation::of(messages, prompt)?;
        let mut conversation = Conversation::of(&messages)?;
        let mark = conversation.hide_specials(tokenizer);
        let mut text = self.render_conversation(&conversation, prompt)?;
        if let Some(continuation) = continuation {
            text = continuation.cut(&text, Some(mark))?;
        }
        Ok(tokenizer.encode_marked(&text, mark))
    }
}

/// The refusal of a variable that a template does not have.
pub(in crate::chat) fn unused(name: &str) -> Error {
    Error::Chat(format!("found the variable `{name}`, expected only those that this model's template uses"))
}
