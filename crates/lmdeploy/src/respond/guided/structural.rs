//! [`structural`]: the nested formats of a structural tag, as xgrammar, and with it vLLM and SGLang, write them.
//!
//! ```text
//! {"type": "sequence", "elements": [
//!     {"type": "tag", "begin": "<think>", "content": {"type": "any_text"}, "end": "</think>"},
//!     {"type": "json_schema", "json_schema": {..}}]}
//! ```
//!
//! Free text has to know what ends it. So it may be the content of a tag with one end, or the end of the whole text;
//! elsewhere it is refused. <https://github.com/mlc-ai/xgrammar/blob/main/python/xgrammar/structural_tag.py>

mod triggered;

use serde_json::Value;

use super::super::raw_object::RawObject;
use crate::decode::{GrammarRules, GrammarSource, quoted};
use crate::{Error, Result};

/// The kinds of formats that exist here, for messages.
const KINDS: &str = "`const_string`, `json_schema`, `regex`, `grammar`, `any_text`, `sequence`, `or`, `optional`, \
`plus`, `star`, `tag`, `triggered_tags` or `tags_with_separator`";

/// The rules of the format at `place`.
///
/// # Errors
/// The first part that is wrong or not supported, with its place.
pub(super) fn structural(format: &Value, place: &str) -> Result<GrammarRules> {
    let Value::Object(fields) = format else {
        return Err(Error::field(place, format!("found {format}, expected an object with a `type`")));
    };
    let mut writer = Writer::default();
    let start = writer.format(&RawObject::new(fields, place), Position::Last)?;
    Ok(GrammarRules::new(format!("start: {start}\n{}", writer.rules), writer.parts))
}

/// Whether the whole text ends with a part of it.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Position {
    Inner,
    Last,
}

/// Writes rules in Lark's notation and collects what is inside of them.
#[derive(Default)]
struct Writer {
    rules: String,
    parts: Vec<(String, GrammarSource)>,
    /// Number of names that were given.
    names: usize,
}

impl Writer {
    /// What stands for a format in a rule.
    fn format(&mut self, format: &RawObject<'_>, position: Position) -> Result<String> {
        match format.kind() {
            "const_string" => Ok(quoted(format.text("value")?)),
            "json_schema" => self.json_schema(format),
            "regex" => {
                let pattern = GrammarSource::Regex(format.text("pattern")?.to_owned());
                unset(format, &["excludes"])?;
                Ok(self.part(format.inside("pattern"), pattern))
            }
            "grammar" => {
                let grammar = GrammarSource::Lark(format.text("grammar")?.to_owned());
                Ok(self.part(format.inside("grammar"), grammar))
            }
            "any_text" => {
                unset(format, &["max_tokens", "max_chars"])?;
                last(format, position)?;
                let excludes = texts(format, "excludes")?;
                Ok(self.free(&excludes))
            }
            "sequence" => self.sequence(format, position),
            "or" => {
                let elements = objects(format, "elements")?;
                let options = elements.iter().map(|element| self.format(element, position));
                Ok(format!("({})", options.collect::<Result<Vec<_>>>()?.join(" | ")))
            }
            "optional" => Ok(format!("({})?", self.content(format, position)?)),
            "plus" => Ok(format!("({})+", self.content(format, Position::Inner)?)),
            "star" => Ok(format!("({})*", self.content(format, Position::Inner)?)),
            "tag" => Ok(self.tag(format)?.whole()),
            "triggered_tags" => {
                last(format, position)?;
                self.triggered(format)
            }
            "tags_with_separator" => self.separated(format),
            _ => Err(format.wrong("type", KINDS)),
        }
    }

    fn json_schema(&mut self, format: &RawObject<'_>) -> Result<String> {
        if format.optional_text("style")?.is_some_and(|style| style != "json") {
            return Err(format.wrong("style", "`json`"));
        }
        unset(format, &["any_order", "excludes", "max_whitespace_cnt"])?;
        let schema = format.get("json_schema");
        let schema = schema.ok_or_else(|| format.wrong("json_schema", "a JSON schema"))?;
        Ok(self.part(format.inside("json_schema"), GrammarSource::JsonSchema(schema.clone())))
    }

    /// Only the last element of the last sequence ends the text.
    fn sequence(&mut self, format: &RawObject<'_>, position: Position) -> Result<String> {
        let elements = objects(format, "elements")?;
        let mut written = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let is_last = index + 1 == elements.len();
            written.push(self.format(element, if is_last { position } else { Position::Inner })?);
        }
        Ok(format!("({})", written.join(" ")))
    }

    fn content(&mut self, format: &RawObject<'_>, position: Position) -> Result<String> {
        let content = RawObject::new(format.object("content")?, format.inside("content"));
        self.format(&content, position)
    }

    fn separated(&mut self, format: &RawObject<'_>) -> Result<String> {
        let separator = quoted(format.text("separator")?);
        let tags = objects(format, "tags")?;
        let tags = tags.iter().map(|tag| Ok(self.tag(tag)?.whole())).collect::<Result<Vec<_>>>()?;
        let tag = self.rule(&tags.join(" | "));
        let several =
            if format.is_true("stop_after_first")? { tag } else { format!("{tag} ({separator} {tag})*") };
        Ok(if format.is_true("at_least_one")? { format!("({several})") } else { format!("({several})?") })
    }

    /// A tag, which may leave out that it is one.
    fn tag(&mut self, tag: &RawObject<'_>) -> Result<Tag> {
        if !["", "tag"].contains(&tag.kind()) {
            return Err(tag.wrong("type", "`tag`"));
        }
        let content = RawObject::new(tag.object("content")?, tag.inside("content"));
        let ends = match tag.get("end") {
            Some(Value::String(end)) => vec![end.clone()],
            _ => texts(tag, "end")?,
        };
        let rest = match (content.kind(), ends.as_slice()) {
            ("any_text", [end]) if !end.is_empty() => {
                unset(&content, &["max_tokens", "max_chars"])?;
                let excludes = texts(&content, "excludes")?;
                let text = self.free(&excludes);
                self.until(end, &text)
            }
            ("any_text", _) => return Err(tag.wrong("end", "one text behind `any_text`")),
            (_, []) => return Err(tag.wrong("end", "a text or a list of texts")),
            (_, ends) => {
                let ends: Vec<String> = ends.iter().map(|end| quoted(end)).collect();
                format!("{} ({})", self.format(&content, Position::Inner)?, ends.join(" | "))
            }
        };
        Ok(Tag { begin: tag.text("begin")?.to_owned(), rest })
    }

    /// The name of a terminal: any text without the forbidden ones.
    fn free(&mut self, forbidden: &[String]) -> String {
        let number = self.name();
        let any = format!("ANY{number}: /(?s:.*)/\n");
        self.rules += &any;
        if forbidden.is_empty() {
            return format!("ANY{number}");
        }
        let forbidden: Vec<String> = forbidden.iter().map(|text| quoted(text)).collect();
        let with = format!("WITH{number}: ANY{number} ({}) ANY{number}\n", forbidden.join(" | "));
        self.rules += &with;
        self.rules += &format!("FREE{number}: ANY{number} & ~WITH{number}\n");
        format!("FREE{number}")
    }

    /// The name of a rule: a text of the terminal `text` up to and with the mark that ends it.
    fn until(&mut self, mark: &str, text: &str) -> String {
        let name = format!("until{}", self.name());
        self.rules += &format!("{name}[suffix={}]: {text}\n", quoted(mark));
        name
    }

    /// The name of a new rule.
    fn rule(&mut self, body: &str) -> String {
        let name = format!("rule{}", self.name());
        self.rules += &format!("{name}: {body}\n");
        name
    }

    /// A part of the rules, as they refer to it.
    fn part(&mut self, place: String, source: GrammarSource) -> String {
        self.parts.push((place, source));
        format!("@[{}]", self.parts.len() - 1)
    }

    fn name(&mut self) -> usize {
        self.names += 1;
        self.names
    }
}

/// A tag: how it begins, and what stands for the rest of it in a rule.
struct Tag {
    begin: String,
    rest: String,
}

impl Tag {
    fn whole(&self) -> String {
        format!("{} {}", quoted(&self.begin), self.rest)
    }
}

/// The objects of a list that is not empty.
fn objects<'a>(format: &RawObject<'a>, name: &str) -> Result<Vec<RawObject<'a>>> {
    match format.get(name) {
        Some(Value::Array(list)) if !list.is_empty() => format.objects(name, list),
        _ => Err(format.wrong(name, "a list of at least one format")),
    }
}

/// The texts of a list that may be absent; none of them is empty.
fn texts(format: &RawObject<'_>, name: &str) -> Result<Vec<String>> {
    let expected = "a list of texts that are not empty";
    let list = match format.get(name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(format.wrong(name, expected)),
    };
    let text = |text: &Value| text.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    list.iter().map(text).collect::<Option<_>>().ok_or_else(|| format.wrong(name, expected))
}

/// Refuses free text that has something behind it.
fn last(format: &RawObject<'_>, position: Position) -> Result<()> {
    match position {
        Position::Last => Ok(()),
        Position::Inner => {
            Err(format.wrong("type", "free text only as the content of a `tag` or at the end of the text"))
        }
    }
}

/// Refuses settings that are not supported, unless they ask for nothing.
fn unset(format: &RawObject<'_>, names: &[&str]) -> Result<()> {
    let is_off = |value: &Value| *value == Value::Bool(false) || value.as_array().is_some_and(Vec::is_empty);
    match names.iter().find(|name| format.get(name).is_some_and(|value| !is_off(value))) {
        Some(name) => Err(format.wrong(name, "the field to be absent: this server does not support it")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
