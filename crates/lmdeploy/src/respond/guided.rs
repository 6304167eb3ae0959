//! The grammar of an answer: from the format that a request asks for, and from the tools that it must call.
//!
//! A model that reasons first is free until it has ended its reasoning; the grammar begins behind that. Where a request
//! leaves the choice between text and tools to the model, the text keeps the format or the answer is a call.

mod format;
mod marks;
mod structural;
mod tools;

use internlm_model::TokenId;

use self::format::{Asked, asked};
use self::marks::Marks;
use super::ServedModel;
use crate::decode::{Grammar, GrammarError, GrammarRules, GrammarSource};
use crate::parse::{ReasoningFormat, THINK, THINK_END};
use crate::protocol::{ChatRequest, CompletionRequest};
use crate::{Error, Result};

/// The grammar of the answer to a chat request with the ids `prompt`; none when any text will do.
///
/// # Errors
/// [`Error::Refused`] with status 400 that names the field, and the place in a schema, that is wrong or not supported.
pub(super) fn grammar(
    request: &ChatRequest,
    model: &ServedModel,
    prompt: &[TokenId],
) -> Result<Option<Grammar>> {
    let format = asked(request.response_format.as_ref(), request.grammar.as_deref())?;
    let marks = Marks::new(&model.tokenizer);
    let answer = match (tools::forced(request)?, format) {
        (true, format) => {
            // A format has no effect on calls, but what is wrong in it is refused all the same.
            if let Some(format) = &format {
                compile(model, format)?;
            }
            tools::calls(request, model.tools, marks)?
        }
        (false, None) => return Ok(None),
        (false, Some(format)) => match tools::possible(request, model.tools, marks)? {
            Some(calls) => Asked::rules("start: @[0] | @[1]", vec![format, calls]),
            None => format,
        },
    };
    let answer = match model.reasoning {
        _ if model.starts_in_reasoning(request, prompt) => reasoned("start: think", marks, answer),
        ReasoningFormat::Think => {
            reasoned(&format!("start: ({} think)? @[0]", marks.mark(THINK)), marks, answer)
        }
        _ => answer,
    };
    compile(model, &answer).map(Some)
}

/// The grammar of the answers to a completion request; none when any text will do.
///
/// # Errors
/// As [`grammar`].
pub(super) fn completion_grammar(
    request: &CompletionRequest,
    model: &ServedModel,
) -> Result<Option<Grammar>> {
    match asked(request.response_format.as_ref(), request.grammar.as_deref())? {
        Some(format) => compile(model, &format).map(Some),
        None => Ok(None),
    }
}

/// An answer behind reasoning; `start` is the rule of the whole, in which `think` is the reasoning up to its end.
fn reasoned(start: &str, marks: Marks<'_>, answer: Asked) -> Asked {
    let start = if start.contains("@[0]") { start.to_owned() } else { format!("{start} @[0]") };
    let thought = marks.text_until("thought", THINK_END);
    let rules = format!("{start}\nthink: thought GAP\nGAP: /\\n{{0,2}}/\n{thought}");
    Asked::rules(&rules, vec![answer])
}

fn compile(model: &ServedModel, asked: &Asked) -> Result<Grammar> {
    model.grammars.compile(&asked.source).map_err(|error| refused(&asked.place, error))
}

/// The refusal of a grammar at `place`, which the places of its parts begin with already.
fn refused(place: &str, error: GrammarError) -> Error {
    let is_whole = error.pointer.is_empty() || error.pointer.starts_with('/');
    let param = if is_whole { format!("{place}{}", error.pointer) } else { error.pointer };
    Error::field(param, error.message)
}

impl Asked {
    /// Rules with what is asked for as their parts.
    fn rules(rules: &str, parts: Vec<Self>) -> Self {
        let place = parts.first().map(|part| part.place.clone()).unwrap_or_default();
        // The parts of a part bring their places along.
        let parts = parts.into_iter().map(|part| match part.source {
            GrammarSource::Rules(_) => (String::new(), part.source),
            source => (part.place, source),
        });
        Self { place, source: GrammarSource::Rules(GrammarRules::new(rules, parts.collect())) }
    }
}

#[cfg(test)]
mod tests;
