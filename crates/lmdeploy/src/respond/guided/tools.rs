//! The grammar of tool calls, in the format of each model.

use serde_json::{Value, json};

use super::format::Asked;
use super::marks::Marks;
use crate::decode::{GrammarRules, GrammarSource, quoted};
use crate::parse::ToolFormat;
use crate::protocol::ChatRequest;
use crate::{Error, Result};

/// Keywords of strings that raw text cannot keep.
const TEXT_LIMITS: [&str; 4] = ["pattern", "format", "minLength", "maxLength"];

/// Maximum number of calls in one answer that has to keep a grammar: weak models would not stop calling by themselves.
const MAX_CALLS: usize = 8;

/// Whether the answer must call a tool.
pub(super) fn forced(request: &ChatRequest) -> Result<bool> {
    match &request.tool_choice {
        None | Some(Value::Null) => Ok(false),
        Some(Value::String(choice)) if choice == "auto" || choice == "none" => Ok(false),
        Some(Value::String(choice)) if choice == "required" => Ok(true),
        Some(choice) if named(choice).is_some() => Ok(true),
        Some(other) => Err(Error::field(
            "tool_choice",
            format!("found {other}, expected `auto`, `none`, `required` or an object that names a function"),
        )),
    }
}

/// The name in `{"type": "function", "function": {"name": ..}}`.
fn named(choice: &Value) -> Option<&str> {
    choice.get("function")?.get("name")?.as_str()
}

/// The calls that a request leaves to the model; none when it offers no tools.
pub(super) fn possible(request: &ChatRequest, format: ToolFormat, marks: Marks<'_>) -> Result<Option<Asked>> {
    let hidden = request.tool_choice.as_ref().is_some_and(|choice| choice == "none");
    if hidden || format == ToolFormat::None || request.tools.as_deref().unwrap_or_default().is_empty() {
        return Ok(None);
    }
    calls(request, format, marks).map(Some)
}

/// One call or more of the tools that a request offers, or exactly one of the tool that it names, as OpenAI has it.
pub(super) fn calls(request: &ChatRequest, format: ToolFormat, marks: Marks<'_>) -> Result<Asked> {
    let only = request.tool_choice.as_ref().and_then(named);
    let mut writer = Writer { marks, format, rules: String::new(), parts: Vec::new() };
    let mut calls = Vec::new();
    for (index, tool) in request.tools.iter().flatten().enumerate() {
        let name = tool.function.name();
        if only.is_none_or(|only| only == name) {
            let place = format!("tools.{index}.function.parameters");
            calls.push(writer.call(name, tool.function.parameters(), &place)?);
        }
    }
    if calls.is_empty() {
        let message = "expected tools, of which one can be called";
        return Err(Error::field("tool_choice", message));
    }
    let (before, between, after) = writer.around()?;
    let more = match (only, request.parallel_tool_calls) {
        (Some(_), _) | (None, Some(false)) => String::new(),
        (None, _) => format!("({between} call){{0,{}}}", MAX_CALLS - 1),
    };
    let start = format!("start: {before} call {more} {after}\ncall: {}\n", calls.join(" | "));
    let source = GrammarSource::Rules(GrammarRules::new(start + &writer.rules, writer.parts));
    Ok(Asked { place: "tools".to_owned(), source })
}

/// Writes the rules of calls and collects the schemas of their arguments.
struct Writer<'a> {
    marks: Marks<'a>,
    format: ToolFormat,
    rules: String,
    parts: Vec<(String, GrammarSource)>,
}

impl Writer<'_> {
    /// What is before, between and after calls, in Lark's notation.
    fn around(&self) -> Result<(String, String, String)> {
        let mark = |text: &str| self.marks.mark(text);
        let none = String::new;
        Ok(match self.format {
            ToolFormat::Internlm => (none(), none(), none()),
            ToolFormat::Qwen | ToolFormat::Qwen3Coder | ToolFormat::Glm47 | ToolFormat::Json => {
                (none(), quoted("\n"), none())
            }
            ToolFormat::Llama3 => (none(), quoted("; "), none()),
            ToolFormat::KimiK2 => {
                (mark("<|tool_calls_section_begin|>"), none(), mark("<|tool_calls_section_end|>"))
            }
            ToolFormat::DeepseekV32 => (
                format!("{} {}", mark("<｜DSML｜function_calls>"), quoted("\n")),
                none(),
                mark("</｜DSML｜function_calls>"),
            ),
            ToolFormat::None => {
                let message = "this model has no format for tool calls, expected `auto` or `none`";
                return Err(Error::field("tool_choice", message));
            }
        })
    }

    /// One call of the function `name`.
    fn call(&mut self, name: &str, schema: Option<&Value>, place: &str) -> Result<String> {
        let schema = schema.unwrap_or(&Value::Null);
        let mark = |text: &str| self.marks.mark(text);
        Ok(match self.format {
            ToolFormat::Internlm => {
                let marks = (mark("<|action_start|>"), mark("<|plugin|>"), mark("<|action_end|>"));
                let call = self.object(name, "parameters", schema, place);
                format!("{} {} {} {call} {}", marks.0, marks.1, quoted("\n"), marks.2)
            }
            ToolFormat::Qwen => {
                let (open, close, line) = (mark("<tool_call>"), mark("</tool_call>"), quoted("\n"));
                format!("{open} {line} {} {line} {close}", self.object(name, "arguments", schema, place))
            }
            ToolFormat::Llama3 => self.object(name, "parameters", schema, place),
            ToolFormat::Json => self.object(name, "arguments", schema, place),
            ToolFormat::KimiK2 => {
                let marks =
                    ["<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"].map(mark);
                let id = format!("{} /[0-9]{{1,3}}/", quoted(&format!("functions.{name}:")));
                format!("{} {id} {} {} {}", marks[0], marks[1], self.arguments(schema, place), marks[2])
            }
            ToolFormat::Qwen3Coder => {
                let (open, close) = (mark("<tool_call>"), mark("</tool_call>"));
                let (head, tail) = (quoted(&format!("\n<function={name}>\n")), quoted("</function>\n"));
                format!("{open} {head} {} {tail} {close}", self.pairs(schema, place)?)
            }
            ToolFormat::Glm47 => {
                let (open, close) = (mark("<tool_call>"), mark("</tool_call>"));
                format!("{open} {} {} {close}", quoted(&format!("{name}\n")), self.pairs(schema, place)?)
            }
            ToolFormat::DeepseekV32 => {
                let head = quoted(&format!("<｜DSML｜invoke name=\"{name}\">\n"));
                format!("{head} {} {}", self.pairs(schema, place)?, quoted("</｜DSML｜invoke>\n"))
            }
            ToolFormat::None => String::new(),
        })
    }

    /// `{"name": .., "arguments": ..}` as models are trained to write it.
    fn object(&mut self, name: &str, key: &str, schema: &Value, place: &str) -> String {
        let head = format!("{{\"name\": {}, \"{key}\": ", quoted(name));
        format!("{} {} {}", quoted(&head), self.arguments(schema, place), quoted("}"))
    }

    /// All arguments as one JSON object.
    fn arguments(&mut self, schema: &Value, place: &str) -> String {
        let source = match schema {
            Value::Null => GrammarSource::JsonObject,
            Value::Object(fields) => {
                let mut fields = fields.clone();
                fields.entry("type").or_insert_with(|| json!("object"));
                GrammarSource::JsonSchema(Value::Object(fields))
            }
            other => GrammarSource::JsonSchema(other.clone()),
        };
        self.part(place, source)
    }

    /// Arguments one after the other, those that are not required optional, in the order of the schema.
    fn pairs(&mut self, schema: &Value, place: &str) -> Result<String> {
        let mut pairs = Vec::new();
        for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let names = schema.get("required").and_then(Value::as_array);
            let required = names.is_some_and(|names| names.iter().any(|name| name == key));
            let place = format!("{place}/properties/{key}");
            let pair = self.pair(key, &with_definitions(property, schema), &place)?;
            pairs.push(if required { pair } else { format!("({pair})?") });
        }
        Ok(pairs.join(" "))
    }

    /// One argument with its marks; strings are raw text, everything else JSON.
    fn pair(&mut self, key: &str, property: &Value, place: &str) -> Result<String> {
        let (is_text, choice) = (property.get("type") == Some(&json!("string")), choice(property));
        if let Some(limit) = TEXT_LIMITS.iter().find(|limit| is_text && property.get(*limit).is_some()) {
            let message =
                format!("found `{limit}`, which this model's format of tool calls does not support");
            return Err(Error::field(place, message));
        }
        let (before, after) = match self.format {
            ToolFormat::Qwen3Coder => {
                (quoted(&format!("<parameter={key}>\n")), ("\n</parameter>".to_owned(), "\n"))
            }
            ToolFormat::Glm47 => {
                let [open, close, value] =
                    ["<arg_key>", "</arg_key>", "<arg_value>"].map(|mark| self.marks.mark(mark));
                let head = format!("{open} {} {close} {} {value}", quoted(key), quoted("\n"));
                (head, ("</arg_value>".to_owned(), "\n"))
            }
            _ => {
                let head = format!("<｜DSML｜parameter name=\"{key}\" string=\"{is_text}\">");
                (quoted(&head), ("</｜DSML｜parameter>".to_owned(), "\n"))
            }
        };
        let ((close, line), text) = (after, is_text && choice.is_none());
        let value = match choice.filter(|_| is_text) {
            Some(texts) => {
                format!("{} {}", self.part(place, GrammarSource::Choice(texts)), self.marks.mark(&close))
            }
            None if text => self.text_until(&close),
            None => {
                let source = GrammarSource::JsonSchema(property.clone());
                format!("{} {}", self.part(place, source), self.marks.mark(&close))
            }
        };
        Ok(format!("{before} {value} {}", quoted(line)))
    }

    /// Any text up to a mark; the rule is written once.
    fn text_until(&mut self, close: &str) -> String {
        if !self.rules.contains("raw") {
            self.rules += &self.marks.text_until("raw", close);
        }
        "raw".to_owned()
    }

    /// A part of the rules, as they refer to it.
    fn part(&mut self, place: &str, source: GrammarSource) -> String {
        self.parts.push((place.to_owned(), source));
        format!("@[{}]", self.parts.len() - 1)
    }
}

/// The texts that a property lists, when it lists texts only.
fn choice(property: &Value) -> Option<Vec<String>> {
    let texts = match (property.get("const"), property.get("enum")) {
        (Some(text), _) => vec![text.as_str()?.to_owned()],
        (None, Some(Value::Array(texts))) => {
            texts.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<_>>()?
        }
        _ => return None,
    };
    Some(texts).filter(|texts: &Vec<String>| !texts.is_empty())
}

/// A property with the definitions of the whole schema, to which its references lead.
fn with_definitions(property: &Value, schema: &Value) -> Value {
    let mut property = property.clone();
    for key in ["$defs", "definitions"] {
        if let (Value::Object(fields), Some(definitions)) = (&mut property, schema.get(key)) {
            fields.entry(key).or_insert_with(|| definitions.clone());
        }
    }
    property
}
