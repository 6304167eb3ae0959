//! [`whole_chat`]: the outputs of all choices of a chat request -> the whole answer.

use super::ChatAnswer;
use crate::Result;
use crate::engine::Output;
use crate::protocol::{ChatResponse, Timings, Usage};

/// The whole answer of all choices, from all their outputs, each with the place of its choice.
///
/// # Errors
/// [`crate::Error::Refused`] with the status of the first choice that failed.
///
/// # Panics
/// When there is no choice, or an output of a choice that is not there.
pub fn whole_chat(mut answers: Vec<ChatAnswer>, outputs: Vec<(usize, Output)>) -> Result<ChatResponse> {
    let mut sorted: Vec<Vec<Output>> = answers.iter().map(|_| Vec::new()).collect();
    for (index, output) in outputs {
        sorted[index].push(output);
    }
    let mut choices = Vec::with_capacity(answers.len());
    let mut usage: Option<Usage> = None;
    for (answer, outputs) in answers.iter_mut().zip(sorted) {
        let (choice, used) = answer.whole_choice(outputs)?;
        choices.push(choice);
        usage = Some(usage.map_or(used, |sum| sum.with_choice(used)));
    }
    let timings = answers.iter().filter_map(ChatAnswer::timings).reduce(Timings::with_choice);
    let first = answers.first_mut().expect("a request has at least one choice");
    Ok(ChatResponse { timings, ..first.response(choices, usage.unwrap_or_default()) })
}
