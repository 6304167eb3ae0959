//! Chat templates in jinja, as transformers' `apply_chat_template` renders them.
//!
//! Settings and functions follow transformers' `chat_template_utils.py`: trimmed blocks, loop controls,
//! Python's string methods, `raise_exception`, `strftime_now`, and `tojson` that writes what `json.dumps` does.

use std::time::{SystemTime, UNIX_EPOCH};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, Error as JinjaError, ErrorKind, Value};
use serde_json::json;

use super::conversation::{Conversation, Form};
use super::python_json::{indented_python_json, python_json};
use super::{Message, Prompt, strftime};
use crate::tokenizer::Part;
use crate::{Error, Result, TokenId, Tokenizer};

/// A jinja chat template with its special tokens.
#[derive(Clone, Debug)]
pub struct JinjaTemplate {
    /// Name and source; `default`, `tool_use`, ...
    templates: Vec<(String, String)>,
    bos: Option<String>,
    eos: Option<String>,
}

impl JinjaTemplate {
    /// One template without a vocabulary: `bos_token` and `eos_token` are what they are called.
    ///
    /// # Errors
    /// The source is not a jinja template.
    pub fn new(source: &str, bos: Option<String>, eos: Option<String>) -> Result<Self> {
        let template = Self { templates: vec![("default".to_owned(), source.to_owned())], bos, eos };
        template.check()?;
        Ok(template)
    }

    /// The templates that came with a vocabulary; `None` when it has none.
    pub(super) fn of(tokenizer: &Tokenizer) -> Result<Option<Self>> {
        if tokenizer.chat_templates().is_empty() {
            return Ok(None);
        }
        let name = |id: Option<TokenId>| id.and_then(|id| tokenizer.token(id));
        let templates = tokenizer.chat_templates().to_vec();
        let template = Self { templates, bos: name(tokenizer.bos()), eos: name(tokenizer.eos()) };
        template.check()?;
        Ok(Some(template))
    }

    fn check(&self) -> Result<()> {
        for (name, source) in &self.templates {
            environment().template_from_named_str(name, source).map_err(|error| fail(&error))?;
        }
        Ok(())
    }

    /// Whether any of the sources holds `text`.
    pub(super) fn mentions(&self, text: &str) -> bool {
        self.templates.iter().any(|(_, source)| source.contains(text))
    }

    /// The conversation as text.
    ///
    /// Templates get messages as transformers passes them: content as it is, arguments of calls as objects. Many
    /// templates cannot take one of both. A rendering counts when it works and shows every call; otherwise null
    /// content becomes empty text and the other way round (SmolLM2 adds strings, DeepSeek knows calls by null), and
    /// arguments become JSON text, as in OpenAI's API (DeepSeek R1, Functionary). Calls that no form shows, and tools
    /// that the template does not mention, are refused: the model would answer without knowing of them.
    pub(super) fn render(&self, messages: &[Message], prompt: Prompt) -> Result<String> {
        let conversation = Conversation::of(messages)?;
        self.render_conversation(&conversation, prompt)
    }

    fn render_conversation(&self, conversation: &Conversation, prompt: Prompt) -> Result<String> {
        let (_, source) = self.source(conversation)?;
        if !conversation.tools.is_null() && !source.contains("tools") {
            return Err(Error::NoPlace { what: "tools" });
        }
        if !conversation.has_calls() {
            // The forms differ in calls alone.
            return self.render_form(conversation, prompt, Form::ALL[0]);
        }
        let (marked, marks) = conversation.with_marked_calls();
        let mut problem = None;
        let mut works = false;
        for form in Form::ALL {
            match self.render_form(conversation, prompt, form) {
                Ok(text) => {
                    works = true;
                    let shown = self.render_form(&marked, prompt, form).unwrap_or_default();
                    if marks.iter().all(|mark| shown.contains(mark)) {
                        return Ok(text);
                    }
                }
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        Err(match problem {
            Some(problem) if !works => problem,
            _ => Error::NoPlace { what: "tool calls" },
        })
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
        let context = json!({
            "messages": conversation.messages(form),
            "tools": conversation.tools,
            "documents": null,
            "bos_token": self.bos.as_deref().unwrap_or(""),
            "eos_token": self.eos.as_deref().unwrap_or(""),
            "add_generation_prompt": prompt == Prompt::Generate,
        });
        environment()
            .render_named_str(name, source, Value::from(Serde(context)))
            .map_err(|error| fail(&error))
    }

    /// Ids of the conversation: special tokens of the template become ids, the same strings inside a message
    /// stay text.
    pub(super) fn encode(
        &self,
        tokenizer: &Tokenizer,
        messages: &[Message],
        prompt: Prompt,
    ) -> Result<Vec<TokenId>> {
        let mut conversation = Conversation::of(messages)?;
        let mark = conversation.hide_specials(tokenizer);
        let text = self.render_conversation(&conversation, prompt)?;
        let parts = tokenizer.cut_special(&text).into_iter();
        Ok(parts
            .flat_map(|part| match part {
                Part::Id(id) => vec![id],
                Part::Text(text) => tokenizer.encode(&text.replace(mark, "")),
            })
            .collect())
    }
}

fn fail(error: &JinjaError) -> Error {
    Error::Chat(format!("{error:#}"))
}

/// The environment of transformers.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the delimiters are jinja's own"));
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function(
        "raise_exception",
        |message: String| -> std::result::Result<Value, JinjaError> {
            Err(JinjaError::new(ErrorKind::InvalidOperation, message))
        },
    );
    environment.add_function("strftime_now", |format: String| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        strftime::utc(now, &format)
    });
    environment.add_filter("tojson", tojson);
    environment
}

/// `json.dumps(value, ensure_ascii=False, indent=indent)`.
fn tojson(value: Value, arguments: Kwargs) -> std::result::Result<Value, JinjaError> {
    let indent: Option<usize> = arguments.get("indent")?;
    // Other arguments of `json.dumps` do not occur in published templates; they change nothing here.
    for name in ["ensure_ascii", "separators", "sort_keys"] {
        let _ignored: Option<Value> = arguments.get(name)?;
    }
    arguments.assert_all_used()?;
    let json = serde_json::to_value(&value)
        .map_err(|error| JinjaError::new(ErrorKind::BadSerialization, error.to_string()))?;
    Ok(Value::from_safe_string(match indent {
        None => python_json(&json),
        Some(indent) => indented_python_json(&json, indent),
    }))
}
