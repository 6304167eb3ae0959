//! [`with_format`]: the many fields that ask for a format of the text -> `response_format` and `grammar`.
//!
//! OpenAI has `response_format`, this server and llama.cpp `grammar`, llama.cpp `json_schema`, and vLLM
//! `structured_outputs` with the older names of its fields. Grammars are in Lark's notation or in GBNF in all of them.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::renamed::{Names, renamed};
use crate::decode::compact;
use crate::protocol::{ChatRequest, CompletionRequest, JsonSchemaFormat, ResponseFormat, StructuredOutputs};
use crate::{Error, Result};

/// vLLM's object of formats.
const STRUCTURED_OUTPUTS: &str = "structured_outputs";
/// Names of the fields of `structured_outputs` and of their older forms, and where their format is put.
const STRUCTURED: [&str; 6] = [
    "structured_outputs.json",
    "structured_outputs.json_object",
    "structured_outputs.regex",
    "structured_outputs.choice",
    "structured_outputs.grammar",
    "structured_outputs.structural_tag",
];
const GUIDED: [&str; 6] =
    ["guided_json", "guided_json", "guided_regex", "guided_choice", "guided_grammar", "structural_tag"];
/// Its field about the white space of JSON.
const WHITESPACE: &str = "structured_outputs.disable_any_whitespace";
const SCHEMA_PLACE: &str = "response_format.json_schema.schema";
const REGEX_PLACE: &str = "response_format.regex_schema";
const CHOICE_PLACE: &str = "response_format.choice";

/// A request that asks for a format in `response_format` or `grammar`, if it asks for one at all.
pub(super) struct WithFormat<'r, R: Clone> {
    pub(super) request: Cow<'r, R>,
    /// The field that the client has used, and the place where its format is now.
    asked: Option<(&'static str, &'static str)>,
}

/// Where a format comes from and what it is.
struct Asked {
    field: &'static str,
    place: &'static str,
    format: Format,
}

enum Format {
    /// It is in `response_format` or `grammar` already.
    InPlace,
    /// A `response_format`.
    Response(ResponseFormat),
    /// A `grammar`.
    Grammar(String),
}

/// The fields as the client sent them.
pub(super) struct Formats {
    response_format: Option<ResponseFormat>,
    grammar: Option<String>,
    json_schema: Option<Value>,
    structured: Option<StructuredOutputs>,
    guided: StructuredOutputs,
}

/// A request with the fields that ask for a format.
pub(super) trait AsksForFormat: Clone {
    fn formats(&self) -> Formats;
    fn set_format(&mut self, response_format: Option<ResponseFormat>, grammar: Option<String>);
}

macro_rules! asks_for_format {
    ($request:ty) => {
        impl AsksForFormat for $request {
            fn formats(&self) -> Formats {
                Formats {
                    response_format: self.response_format.clone(),
                    grammar: self.grammar.clone(),
                    json_schema: self.json_schema.clone(),
                    structured: self.structured_outputs.clone(),
                    guided: StructuredOutputs {
                        json: self.guided_json.clone(),
                        json_object: None,
                        regex: self.guided_regex.clone(),
                        choice: self.guided_choice.clone(),
                        grammar: self.guided_grammar.clone(),
                        structural_tag: self.structural_tag.clone(),
                        disable_any_whitespace: None,
                    },
                }
            }

            fn set_format(&mut self, response_format: Option<ResponseFormat>, grammar: Option<String>) {
                self.response_format = response_format;
                self.grammar = grammar;
            }
        }
    };
}

asks_for_format!(ChatRequest);
asks_for_format!(CompletionRequest);

/// The request with its format in `response_format` or `grammar`.
///
/// # Errors
/// [`Error::Refused`] for several formats, and for one that cannot be read.
pub(super) fn with_format<R: AsksForFormat>(request: &R) -> Result<WithFormat<'_, R>> {
    let formats = request.formats();
    let mut asked = formats.asked()?.into_iter();
    let Some(Asked { field, place, format }) = asked.next() else {
        if formats.grammar.is_none() {
            return Ok(WithFormat { request: Cow::Borrowed(request), asked: None });
        }
        // An empty grammar, llama.cpp's default, asks for nothing.
        let mut request = request.clone();
        request.set_format(formats.response_format, None);
        return Ok(WithFormat { request: Cow::Owned(request), asked: None });
    };
    if let Some(other) = asked.next() {
        let message = format!("found together with `{field}`, expected only one of them");
        return Err(Error::field(other.field, message));
    }
    let (response_format, grammar) = match format {
        Format::InPlace => return Ok(WithFormat { request: Cow::Borrowed(request), asked: None }),
        Format::Grammar(grammar) => (None, Some(grammar)),
        Format::Response(format) => (Some(format), None),
    };
    let mut request = request.clone();
    request.set_format(response_format, grammar);
    Ok(WithFormat { request: Cow::Owned(request), asked: Some((field, place)) })
}

impl<R: Clone> WithFormat<'_, R> {
    /// The same refusal by the name of the field that the client has used.
    pub(super) fn blame(&self, error: Error) -> Error {
        match self.asked {
            Some((field, place)) => renamed(error, Names { starts: &[(place, field)], pieces: &[] }, &[]),
            None => error,
        }
    }
}

impl Formats {
    /// All formats that are asked for.
    fn asked(&self) -> Result<Vec<Asked>> {
        let mut asked = Vec::new();
        let mut add = |field, place, format| asked.push(Asked { field, place, format });
        if let Some(ResponseFormat::Grammar(grammar)) = &self.response_format {
            not_empty("response_format.grammar", grammar)?;
        }
        if self.structured.as_ref().is_some_and(is_empty) {
            let names = STRUCTURED.map(|name| format!("`{}`", &name[STRUCTURED_OUTPUTS.len() + 1..]));
            let message = format!("found an object without a format, expected one of {}", names.join(", "));
            return Err(Error::field(STRUCTURED_OUTPUTS, message));
        }
        if !matches!(self.response_format, None | Some(ResponseFormat::Text)) {
            add("response_format", "response_format", Format::InPlace);
        }
        if self.grammar.as_deref().is_some_and(|grammar| !grammar.is_empty()) {
            add("grammar", "grammar", Format::InPlace);
        }
        if let Some(schema) = &self.json_schema {
            add("json_schema", SCHEMA_PLACE, Format::Response(schema_format("json_schema", schema)?));
        }
        let structured = self.structured.as_ref().map(|outputs| (STRUCTURED, outputs));
        for (names, outputs) in structured.into_iter().chain([(GUIDED, &self.guided)]) {
            let [json, json_object, regex, choice, grammar, structural_tag] = names;
            let is_compact = outputs.disable_any_whitespace == Some(true);
            if is_compact && outputs.structural_tag.is_some() {
                let message = "found true together with `structural_tag`, expected only one of them";
                return Err(Error::field(WHITESPACE, message));
            }
            let spaced = |format| Format::Response(if is_compact { spaceless(format) } else { format });
            if let Some(schema) = &outputs.json {
                add(json, SCHEMA_PLACE, spaced(schema_format(json, schema)?));
            }
            if outputs.json_object == Some(true) {
                add(json_object, "response_format", spaced(ResponseFormat::JsonObject));
            }
            if let Some(pattern) = &outputs.regex {
                add(regex, REGEX_PLACE, Format::Response(ResponseFormat::RegexSchema(pattern.clone())));
            }
            if let Some(texts) = &outputs.choice {
                add(choice, CHOICE_PLACE, Format::Response(choice_format(choice, texts)?));
            }
            if let Some(text) = &outputs.grammar {
                not_empty(grammar, text)?;
                add(grammar, "grammar", Format::Grammar(text.clone()));
            }
            if let Some(tag) = &outputs.structural_tag {
                add(structural_tag, "response_format", Format::Response(tag_format(structural_tag, tag)?));
            }
        }
        Ok(asked)
    }
}

/// Whether `structured_outputs` asks for no format.
fn is_empty(outputs: &StructuredOutputs) -> bool {
    let disable_any_whitespace = outputs.disable_any_whitespace;
    *outputs == StructuredOutputs { disable_any_whitespace, ..StructuredOutputs::default() }
}

/// The format of JSON without white space between its parts.
fn spaceless(format: ResponseFormat) -> ResponseFormat {
    match format {
        ResponseFormat::JsonObject => {
            ResponseFormat::JsonSchema(JsonSchemaFormat::new(compact(json!({"type": "object"}))))
        }
        ResponseFormat::JsonSchema(format) => {
            ResponseFormat::JsonSchema(JsonSchemaFormat { schema: compact(format.schema), ..format })
        }
        other => other,
    }
}

fn schema_format(field: &str, schema: &Value) -> Result<ResponseFormat> {
    Ok(ResponseFormat::JsonSchema(JsonSchemaFormat::new(parsed(field, schema)?)))
}

/// One of some texts.
fn choice_format(field: &str, texts: &[String]) -> Result<ResponseFormat> {
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(Error::field(field, "expected at least one text, none of them empty"));
    }
    Ok(ResponseFormat::Choice(texts.to_vec()))
}

/// A structural tag, which may leave out that it is one.
fn tag_format(field: &str, tag: &Value) -> Result<ResponseFormat> {
    match parsed(field, tag)? {
        Value::Object(mut tag) => {
            tag.entry("type").or_insert_with(|| Value::from("structural_tag"));
            let read = serde_json::from_value(Value::Object(tag));
            read.map_err(|error| Error::field(field, error.to_string()))
        }
        other => Err(Error::field(field, format!("found {other}, expected a JSON object"))),
    }
}

/// A value that may be written as text.
fn parsed(field: &str, value: &Value) -> Result<Value> {
    match value {
        Value::String(text) => serde_json::from_str(text)
            .map_err(|error| Error::field(field, format!("expected JSON in the text: {error}"))),
        value => Ok(value.clone()),
    }
}

/// Refuses a grammar that allows any text; only llama.cpp's `grammar` is empty by default.
fn not_empty(field: &str, grammar: &str) -> Result<()> {
    if grammar.trim().is_empty() {
        return Err(Error::field(field, "found an empty text, expected a grammar"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
