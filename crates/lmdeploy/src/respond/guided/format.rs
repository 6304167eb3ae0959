//! From `response_format` and `grammar` to the source of a grammar.

use super::structural::structural;
use crate::decode::{GrammarRules, GrammarSource, quoted};
use crate::protocol::{ResponseFormat, TaggedStructure};
use crate::{Error, Result};

/// What a request asks for, with the name of the field, for errors.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) place: String,
    pub(super) source: GrammarSource,
}

/// The format of a text; none when any text will do.
pub(super) fn asked(format: Option<&ResponseFormat>, grammar: Option<&str>) -> Result<Option<Asked>> {
    let at = |place: &str, source| Ok(Some(Asked { place: place.to_owned(), source }));
    let grammar = grammar.filter(|grammar| !grammar.trim().is_empty());
    match (format, grammar) {
        (None | Some(ResponseFormat::Text), None) => Ok(None),
        (None | Some(ResponseFormat::Text), Some(rules)) => {
            at("grammar", GrammarSource::Lark(rules.to_owned()))
        }
        (Some(_), Some(_)) => {
            Err(Error::field("grammar", "found it beside `response_format`, expected one of them"))
        }
        (Some(ResponseFormat::JsonObject), None) => at("response_format", GrammarSource::JsonObject),
        (Some(ResponseFormat::JsonSchema(format)), None) => {
            at("response_format.json_schema.schema", GrammarSource::JsonSchema(format.schema.clone()))
        }
        (Some(ResponseFormat::RegexSchema(regex)), None) => {
            at("response_format.regex_schema", GrammarSource::Regex(regex.clone()))
        }
        (Some(ResponseFormat::Choice(texts)), None) if texts.is_empty() => {
            Err(Error::field("response_format.choice", "found none, expected at least one text"))
        }
        (Some(ResponseFormat::Choice(texts)), None) => {
            at("response_format.choice", GrammarSource::Choice(texts.clone()))
        }
        (Some(ResponseFormat::Grammar(rules)), None) => {
            at("response_format.grammar", GrammarSource::Lark(rules.clone()))
        }
        (Some(ResponseFormat::StructuralTag { structures, triggers }), None) => {
            at("response_format", GrammarSource::Rules(tagged(structures, triggers)?))
        }
        (Some(ResponseFormat::StructuralFormat(format)), None) => {
            at("response_format", GrammarSource::Rules(structural(format, "response_format.format")?))
        }
    }
}

/// Free text in which every trigger continues as one of its structures.
fn tagged(structures: &[TaggedStructure], triggers: &[String]) -> Result<GrammarRules> {
    check_triggers(structures, triggers)?;
    let alternatives: Vec<String> = (0..triggers.len()).map(|index| format!("tag{index}")).collect();
    let marks: Vec<String> = triggers.iter().map(|trigger| quoted(trigger)).collect();
    // Free text has no trigger in it, whichever comes first.
    let mut rules = format!(
        "start: tagged* FREE\ntagged: {}\nANY: /(?s:.*)/\nWITH: ANY ({}) ANY\nFREE: ANY & ~WITH\n",
        alternatives.join(" | "),
        marks.join(" | ")
    );
    for (index, trigger) in triggers.iter().enumerate() {
        let own = structures.iter().enumerate().filter_map(|(place, structure)| {
            let rest = structure.begin.strip_prefix(trigger.as_str())?;
            Some(format!("{} @[{place}] {}", quoted(rest), quoted(&structure.end)))
        });
        let own: Vec<String> = own.collect();
        rules += &format!("tag{index}: free{index} ({})\n", own.join(" | "));
        rules += &format!("free{index}[suffix={}]: FREE\n", quoted(trigger));
    }
    let place = |index: usize| format!("response_format.structures.{index}.schema");
    let parts = structures
        .iter()
        .enumerate()
        .map(|(index, structure)| (place(index), GrammarSource::JsonSchema(structure.schema.clone())));
    Ok(GrammarRules::new(rules, parts.collect()))
}

/// Every structure begins with one trigger, and every trigger begins a structure.
fn check_triggers(structures: &[TaggedStructure], triggers: &[String]) -> Result<()> {
    let begins = |trigger: &String| structures.iter().any(|structure| structure.begin.starts_with(trigger));
    if triggers.is_empty() {
        return Err(Error::field("response_format.triggers", "found none, expected at least one text"));
    }
    for (index, trigger) in triggers.iter().enumerate() {
        let place = format!("response_format.triggers.{index}");
        let others = triggers.iter().enumerate().filter(|(other, _)| *other != index);
        if trigger.is_empty() || !begins(trigger) {
            let message = format!("found {}, expected the start of a structure's `begin`", quoted(trigger));
            return Err(Error::field(place, message));
        }
        if others.into_iter().any(|(_, other)| other.starts_with(trigger.as_str())) {
            let message = format!("found {}, which another trigger begins with", quoted(trigger));
            return Err(Error::field(place, message));
        }
    }
    for (index, structure) in structures.iter().enumerate() {
        if !triggers.iter().any(|trigger| structure.begin.starts_with(trigger.as_str())) {
            let message =
                format!("found {}, expected one of the triggers at its start", quoted(&structure.begin));
            return Err(Error::field(format!("response_format.structures.{index}.begin"), message));
        }
    }
    Ok(())
}
