//! [`generate`]: the questions of a set.

use internlm_model::tokenizer::Tokenizer;
use serde_json::{Map, Value, json};

use super::config::{NeedleConfig, Task, TraceQuestion};
use super::haystack::{Haystack, value};
use super::question::{Question, story};
use super::sources::NeedleSources;
use super::templates::{filled, trace_prompt};
use crate::Result;
use crate::random::PythonRandom;

/// A question with its place in the set: the columns `prompt`, `answer`, `repeat`, and `length` and `depth` or
/// `question_type`.
pub type NeedleRow = Map<String, Value>;

/// Makes the questions of a set, repeat by repeat, and hands each to `emit`. Sets of long documents are larger than
/// memory, so none is kept.
///
/// The tokenizer counts the tokens of documents; `trace` needs none.
///
/// Needles, names and the order of the texts are drawn as upstream draws them. Documents differ from upstream's, which
/// counts tokens of another model, cuts sentences and comes near to the length only.
///
/// # Errors
/// [`Error::Value`](crate::Error::Value) for settings that cannot be used, sources that are missing and documents that
/// cannot be made; the errors of `emit`.
pub fn generate(
    config: &NeedleConfig,
    sources: &NeedleSources,
    tokenizer: Option<&Tokenizer>,
    emit: &mut dyn FnMut(NeedleRow) -> Result<()>,
) -> Result<()> {
    config.check()?;
    if config.task == Task::Trace {
        return trace(config, sources, emit);
    }
    let tokenizer =
        tokenizer.ok_or_else(|| value("tokenizer", "none", "the tokenizer that counts the tokens"))?;
    let longest = config.lengths.iter().max().copied().unwrap_or(0);
    let mut texts: Vec<&String> = sources.texts.iter().collect();
    for repeat in 0..config.repeats {
        PythonRandom::new(repeat as u64).shuffle(&mut texts);
        let question = Question::draw(config, sources, repeat)?;
        let haystack = Haystack::new(&texts, tokenizer, longest)?;
        for length in &config.lengths {
            for depth in question.depths(config) {
                let document =
                    haystack.document(&question.needles_at(config, depth), length - config.buffer)?;
                let mut row = question.row(config, &document);
                row.insert("length".to_owned(), json!(length));
                if config.task != Task::Parallel {
                    row.insert("depth".to_owned(), json!(depth));
                }
                row.insert("repeat".to_owned(), json!(repeat));
                emit(row)?;
            }
        }
    }
    Ok(())
}

/// The questions about chains of relations, which are those of upstream letter by letter.
fn trace(
    config: &NeedleConfig,
    sources: &NeedleSources,
    emit: &mut dyn FnMut(NeedleRow) -> Result<()>,
) -> Result<()> {
    for question in &config.trace {
        let place = TraceQuestion::ALL.iter().position(|other| other == question).unwrap_or(0);
        for repeat in 0..config.repeats {
            let story = story(config, sources, (repeat + 1 + 10_000 * place) as u64)?;
            let (relations, generations) = (story.relations.concat(), story.generations.to_string());
            let (eldest, youngest) = (story.eldest(), story.youngest());
            let (person, answer) = match question {
                TraceQuestion::Eldest | TraceQuestion::Ancestor => (youngest, eldest),
                TraceQuestion::Descendant => (eldest, youngest),
                TraceQuestion::Distance => (eldest, generations.as_str()),
            };
            let values = [
                ("shuffled_story", relations.as_str()),
                ("last_person", youngest),
                ("person", person),
                ("n", generations.as_str()),
                ("person_a", eldest),
                ("person_b", youngest),
            ];
            let mut row = NeedleRow::new();
            row.insert("prompt".to_owned(), filled(trace_prompt(*question, config.language), &values).into());
            row.insert("answer".to_owned(), answer.into());
            row.insert("question_type".to_owned(), json!(question));
            row.insert("repeat".to_owned(), json!(repeat));
            emit(row)?;
        }
    }
    Ok(())
}
