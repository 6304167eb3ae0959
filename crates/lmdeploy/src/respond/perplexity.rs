//! The perplexity of a text, in the words of the protocol: its mean cross-entropy.

use super::Responder;
use super::renamed::{Names, renamed};
use crate::decode::TokenScores;
use crate::engine::{Generation, Output};
use crate::protocol::{CompletionRequest, PerplexityRequest, PerplexityResponse, Prompt, Scored};
use crate::{Error, Result};

/// What the fields of a completion are called here.
const NAMES: Names<'static> = Names { starts: &[("prompt", "input")], pieces: &[] };

impl Responder {
    /// Starts to score a text.
    ///
    /// # Errors
    /// [`Error::Refused`] when the text is too short or too long, or has unknown ids.
    pub fn perplexity(&self, request: &PerplexityRequest) -> Result<Generation> {
        let prompt = match &request.input {
            Scored::Text(text) => Prompt::Text(text.clone()),
            Scored::Ids(ids) => Prompt::Ids(ids.clone()),
        };
        let scored = CompletionRequest::new(prompt).with_echo().with_logprobs(0).with_max_tokens(0);
        let (mut generations, _) = self.completions(&scored).map_err(|error| renamed(error, NAMES, &[]))?;
        generations.pop().ok_or_else(|| Error::field("input", "found nothing, expected a text"))
    }
}

/// The answer, from all outputs of the scored text.
///
/// # Errors
/// [`Error::Refused`] when the model failed, or when a text of one id has nothing to be scored.
pub fn perplexity_of(outputs: Vec<Output>) -> Result<PerplexityResponse> {
    let mut scores: Vec<Option<TokenScores>> = Vec::new();
    for output in outputs {
        match output {
            Output::Prompt(prompt) => scores = prompt,
            Output::Pieces(_) => {}
            Output::Finished(finished) => {
                super::refusal::finish_reason(&finished.end)?;
            }
        }
    }
    let losses: Vec<f64> = scores.iter().flatten().map(|score| -f64::from(score.chosen.logprob)).collect();
    if losses.is_empty() {
        return Err(Error::field(
            "input",
            "found one token, expected at least two: the first one is not scored",
        ));
    }
    Ok(PerplexityResponse { ppl: losses.iter().sum::<f64>() / losses.len() as f64 })
}

#[cfg(test)]
mod tests {
    use internlm_model::TokenId;

    use super::*;
    use crate::decode::IdLogprob;
    use crate::engine::{End, Finished, Times};

    fn outputs(logprobs: &[Option<f32>]) -> Vec<Output> {
        let score = |logprob| {
            let chosen = IdLogprob { id: TokenId(1), logprob };
            TokenScores { chosen, rank: 1, top: Vec::new() }
        };
        vec![Output::Prompt(logprobs.iter().map(|logprob| logprob.map(score)).collect())]
    }

    #[test]
    fn it_is_the_mean_of_what_was_scored() {
        let answer = perplexity_of(outputs(&[None, Some(-1.0), Some(-3.0)])).expect("two scores");
        assert_eq!(answer.ppl, 2.0);
        for none in [outputs(&[]), outputs(&[None])] {
            let error = perplexity_of(none).expect_err("nothing to score").to_string();
            assert!(error.starts_with("input: found one token"), "{error}");
        }
    }

    #[test]
    fn a_request_that_failed_has_none() {
        let finished = Finished {
            end: End::Error(crate::engine::EngineFault::Timeout),
            rest: String::new(),
            prompt_tokens: 2,
            generated_tokens: 0,
            cached_tokens: 0,
            stop_string: None,
            times: Times::default(),
            embedding: None,
        };
        let mut outputs = outputs(&[None, Some(-1.0)]);
        outputs.push(Output::Finished(finished));
        assert!(matches!(perplexity_of(outputs), Err(Error::Refused { status: 504, .. })));
    }
}
