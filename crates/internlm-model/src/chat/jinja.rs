//! Chat templates in jinja, as transformers' `apply_chat_template` renders them.
//!
//! Settings and functions follow transformers' `chat_template_utils.py`: trimmed blocks, loop controls,
//! Python's string methods, `raise_exception`, `strftime_now`, and `tojson` that writes what `json.dumps` does.

use std::time::{SystemTime, UNIX_EPOCH};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, Error as JinjaError, ErrorKind, Value};
use serde_json::json;

use super::template::Prompt;
use super::{Channel, Message, Role, python_json, strftime};
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

    /// The conversation as text. Arguments of calls are objects, as in transformers; a template that cannot take
    /// them gets JSON text, as in OpenAI's API (DeepSeek R1, Functionary).
    pub(super) fn render(&self, messages: &[Message], prompt: Prompt) -> Result<String> {
        let calls = messages.iter().any(|message| !message.calls.is_empty());
        match self.render_with(messages, prompt, Arguments::Object) {
            Err(error) if calls => {
                self.render_with(messages, prompt, Arguments::Text).map_err(|_second| error)
            }
            rendered => rendered,
        }
    }

    fn render_with(&self, messages: &[Message], prompt: Prompt, arguments: Arguments) -> Result<String> {
        let tools = tools(messages)?;
        let messages: Vec<_> = messages
            .iter()
            .filter(|message| !offers_tools(message))
            .map(|one| message(one, arguments))
            .collect();
        let wanted = if tools.is_some() { "tool_use" } else { "default" };
        let (name, source) = self
            .templates
            .iter()
            .find(|(name, _)| name == wanted)
            .or_else(|| self.templates.iter().find(|(name, _)| name == "default"))
            .or_else(|| self.templates.first())
            .ok_or_else(|| Error::Chat("found no template".to_owned()))?;
        let context = json!({
            "messages": messages,
            "tools": tools,
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
        let (hidden, mark) = hide_specials(tokenizer, messages);
        let text = self.render(&hidden, prompt)?;
        let parts = tokenizer.cut_special(&text).into_iter();
        Ok(parts
            .flat_map(|part| match part {
                Part::Id(id) => vec![id],
                Part::Text(text) => tokenizer.encode(&text.replace(mark, "")),
            })
            .collect())
    }
}

/// Puts a mark inside of every special token's name that a message spells, so that only the template's own
/// are found in the rendered text. The mark is a noncharacter that no message holds.
fn hide_specials(tokenizer: &Tokenizer, messages: &[Message]) -> (Vec<Message>, char) {
    let texts =
        || messages.iter().flat_map(|one| one.calls.iter().map(|call| &call.body).chain([&one.content]));
    let mark = ('\u{fdd0}'..='\u{fdef}')
        .find(|mark| texts().all(|text| !text.contains(*mark)))
        .unwrap_or('\u{fdd0}');
    let hide = |text: &str| -> String {
        let parts = tokenizer.cut_special(text).into_iter();
        parts
            .map(|part| match part {
                Part::Text(text) => text.to_owned(),
                Part::Id(id) => {
                    let name = tokenizer.token(id).unwrap_or_default();
                    let first = name.chars().next().map_or(0, char::len_utf8);
                    format!("{}{mark}{}", &name[..first], &name[first..])
                }
            })
            .collect()
    };
    let mut hidden = messages.to_vec();
    for message in &mut hidden {
        message.content = hide(&message.content);
        for call in &mut message.calls {
            call.body = hide(&call.body);
        }
    }
    (hidden, mark)
}

/// Whether a message is one of [`super::tools_message`].
fn offers_tools(message: &Message) -> bool {
    message.role == Role::System && message.channel == Some(Channel::Plugin)
}

/// The tools as OpenAI lists them, `None` without any.
fn tools(messages: &[Message]) -> Result<Option<Vec<serde_json::Value>>> {
    let mut tools = Vec::new();
    for message in messages.iter().filter(|message| offers_tools(message)) {
        let list: Vec<serde_json::Value> = serde_json::from_str(&message.content)
            .map_err(|error| Error::Chat(format!("the tools message is not a JSON list: {error}")))?;
        tools.extend(list.into_iter().map(|tool| json!({"type": "function", "function": tool})));
    }
    Ok((!tools.is_empty()).then_some(tools))
}

/// How templates see the arguments of a call.
#[derive(Clone, Copy)]
enum Arguments {
    Object,
    Text,
}

/// A message as transformers passes it to templates.
fn message(message: &Message, form: Arguments) -> serde_json::Value {
    let role = match message.role {
        Role::Environment => "tool",
        role => role.name(),
    };
    // As OpenAI: a message that only calls has no content. Templates of DeepSeek know calls by that.
    let content = (!message.content.is_empty() || message.calls.is_empty()).then_some(&message.content);
    let mut object = json!({"role": role, "content": content});
    if !message.calls.is_empty() {
        let calls = message.calls.iter().map(|call| {
            let parsed: serde_json::Value = serde_json::from_str(&call.body).unwrap_or_default();
            let arguments = parsed.get("parameters").or_else(|| parsed.get("arguments"));
            let arguments = arguments.cloned().unwrap_or_else(|| json!({}));
            let arguments = match form {
                Arguments::Object => arguments,
                Arguments::Text => python_json(&arguments).into(),
            };
            json!({"type": "function", "function": {"name": parsed.get("name"), "arguments": arguments}})
        });
        object["tool_calls"] = calls.collect();
    }
    object
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
    let text = match indent {
        None => python_json(&json),
        Some(indent) => pretty(&json, indent)?,
    };
    Ok(Value::from_safe_string(text))
}

fn pretty(json: &serde_json::Value, indent: usize) -> std::result::Result<String, JinjaError> {
    use serde::Serialize;
    let spaces = vec![b' '; indent];
    let formatter = serde_json::ser::PrettyFormatter::with_indent(&spaces);
    let mut bytes = Vec::new();
    json.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))
        .map_err(|error| JinjaError::new(ErrorKind::BadSerialization, error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
