//! From a source to llguidance's grammars, and to a parser at the start of a text.

use std::thread;

use llguidance::api::{GrammarWithLexer, TopLevelGrammar};
use llguidance::{Matcher, ParserFactory, regex_to_lark};
use serde_json::{Value, json};

use super::{GrammarError, GrammarSource, gbnf, locate, schema};

/// Maximum size of a source in bytes.
const MAX_SOURCE: usize = 512 * 1024;
/// The library compiles recursively; its own limit of depth fits into this.
const STACK: usize = 32 * 1024 * 1024;

/// Compiles `source`, on a thread with a stack that is large enough.
pub(super) fn matcher(parsers: &ParserFactory, source: &GrammarSource) -> Result<Matcher, GrammarError> {
    if source.size() > MAX_SOURCE {
        let message = format!("found {} bytes, expected at most {MAX_SOURCE}", source.size());
        return Err(GrammarError::new("", message));
    }
    thread::scope(|scope| {
        let compile = || compile(parsers, source);
        let worker = thread::Builder::new()
            .name("grammar".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, compile)
            .map_err(|error| GrammarError::new("", error.to_string()))?;
        worker.join().unwrap_or_else(|_| Err(GrammarError::new("", "the grammar cannot be compiled")))
    })
}

fn compile(parsers: &ParserFactory, source: &GrammarSource) -> Result<Matcher, GrammarError> {
    let grammars = lower(source)?;
    try_grammars(parsers, grammars).map_err(|message| explain(parsers, source, message))
}

/// A parser, whose first mask is known to be computable.
fn try_grammars(parsers: &ParserFactory, grammars: Vec<GrammarWithLexer>) -> Result<Matcher, String> {
    let grammar = TopLevelGrammar { grammars, max_tokens: None };
    let parser = parsers.create_parser(grammar).map_err(|error| first_line(&error.to_string()))?;
    let matcher = Matcher::new(Ok(parser));
    match matcher.deep_clone().compute_mask() {
        Ok(_) => Ok(matcher),
        Err(error) => Err(first_line(&error.to_string())),
    }
}

/// Whether a schema compiles alone; the message is the library's.
fn try_schema(parsers: &ParserFactory, schema: &Value) -> Result<(), String> {
    try_grammars(parsers, vec![GrammarWithLexer::from_json_schema(schema.clone())]).map(|_| ())
}

/// The place of an error that the library does not tell: the innermost part that is wrong by itself.
fn explain(parsers: &ParserFactory, source: &GrammarSource, message: String) -> GrammarError {
    match source {
        GrammarSource::Rules(rules) => {
            let wrong = rules
                .parts
                .iter()
                .find_map(|(place, part)| compile(parsers, part).err().map(|error| error.within(place)));
            wrong.unwrap_or_else(|| GrammarError::new("", message))
        }
        GrammarSource::JsonSchema(original) => match schema::lower(original) {
            Ok(lowered) => locate::innermost(&lowered, message, |schema| try_schema(parsers, schema)),
            Err(error) => error,
        },
        _ => GrammarError::new("", message),
    }
}

/// The grammars of a source, the one with the start first.
fn lower(source: &GrammarSource) -> Result<Vec<GrammarWithLexer>, GrammarError> {
    let mut grammars = Vec::new();
    push(source, &mut grammars)?;
    Ok(grammars)
}

/// Adds a source and its parts; its name is `g` and its number.
fn push(source: &GrammarSource, grammars: &mut Vec<GrammarWithLexer>) -> Result<(), GrammarError> {
    let place = grammars.len();
    let grammar = match source {
        GrammarSource::JsonSchema(original) => GrammarWithLexer::from_json_schema(schema::lower(original)?),
        GrammarSource::JsonObject => {
            let object = schema::lower(&json!({"type": "object"}))?;
            GrammarWithLexer::from_json_schema(object)
        }
        GrammarSource::Regex(regex) => GrammarWithLexer::from_lark(regex_rule(regex)),
        GrammarSource::Choice(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            GrammarWithLexer::from_lark(format!("start: {}", texts.join(" | ")))
        }
        GrammarSource::Lark(rules) if gbnf::is_gbnf(rules) => {
            GrammarWithLexer::from_lark(gbnf::lark(rules).map_err(|message| GrammarError::new("", message))?)
        }
        GrammarSource::Lark(rules) => GrammarWithLexer::from_lark(rules.clone()),
        GrammarSource::Rules(rules) => {
            grammars.push(GrammarWithLexer::default());
            let mut text = rules.rules.clone();
            for (index, (within, part)) in rules.parts.iter().enumerate() {
                text = text.replace(&format!("@[{index}]"), &format!("@g{}", grammars.len()));
                push(part, grammars).map_err(|error| error.within(within))?;
            }
            let name = Some(format!("g{place}"));
            grammars[place] = GrammarWithLexer { name, ..GrammarWithLexer::from_lark(text) };
            return Ok(());
        }
    };
    grammars.push(GrammarWithLexer { name: Some(format!("g{place}")), ..grammar });
    Ok(())
}

/// The rule of a regular expression that matches the whole text.
fn regex_rule(regex: &str) -> String {
    format!("start: /{}/", regex_to_lark(regex, ""))
}

/// A text as Lark quotes it, which is as JSON does. It has no place of a part in it, which is `@[0]`.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace("@[", "\\u0040[")
}

/// A message without the dump of the library's state that may follow it.
pub(super) fn first_line(message: &str) -> String {
    let end = message.find("\n<").unwrap_or(message.len());
    let lines: Vec<&str> = message[..end].lines().map(str::trim).collect();
    // Messages about regular expressions and rules show the place below a line of the source.
    let rest = lines.iter().find(|line| line.starts_with("error: ")).copied();
    match (lines.first(), rest) {
        (Some(first), Some(error)) => {
            format!("{}: {}", first.trim_end_matches(':'), error.trim_start_matches("error: "))
        }
        (Some(first), None) => (*first).to_owned(),
        (None, _) => "the grammar cannot be used".to_owned(),
    }
}
