//! [`GenerateAnswer`]: the engine's outputs -> pieces of an answer of `/generate`, or the whole of it.

use internlm_model::TokenId;

use super::Responder;
use super::bounds::expected;
use super::fields::alternatives;
use super::refusal::finish_reason;
use super::renamed::{Names, renamed};
use crate::decode::{IdLogprob, TokenScores};
use crate::engine::{Generation, Output, Piece};
use crate::protocol::{CompletionRequest, FinishInfo, GenerateBody, GenerateMeta, GenerateResponse, Prompt};
use crate::{Error, Result};

/// Default of `max_tokens`, as upstream.
const MAX_TOKENS: u32 = 128;

/// What the prompt of a completion is called when it was sent as ids.
const IDS: Names<'static> = Names { starts: &[("prompt", "input_ids")], pieces: &[] };

/// An answer that is being generated.
#[derive(Debug)]
pub struct GenerateAnswer {
    /// The prompt, when its ids are scored.
    prompt: Vec<TokenId>,
    prompt_tokens: usize,
    generated: usize,
    /// Number of the most likely ids at each place; none when nothing is scored.
    top: Option<usize>,
    /// Place of the first id of the prompt that is scored; none when none is.
    start: Option<usize>,
    /// Scores of the prompt, which are sent with what comes next.
    scored: GenerateMeta,
}

impl Responder {
    /// Starts an answer: the generation yields outputs, and the answer turns them into pieces.
    ///
    /// # Errors
    /// [`Error::Refused`] when the request is wrong. A full queue or a failing model show in the outputs.
    pub fn generate(&self, body: &GenerateBody) -> Result<(Generation, GenerateAnswer)> {
        let (top, start) = scores(body)?;
        if body.max_tokens == Some(0) && start.is_none() {
            return Err(expected("max_tokens", Some(0), "at least 1 when the prompt is not scored"));
        }
        let (prompt, ids) = self.continued(body)?;
        let is_text = matches!(prompt, Prompt::Text(_));
        let completion = CompletionRequest {
            prompt,
            max_tokens: Some(body.max_tokens.unwrap_or(MAX_TOKENS)),
            min_new_tokens: body.min_new_tokens,
            // Completions score a prompt that is echoed.
            echo: start.map(|_| true),
            logprobs: top.map(|top| top as u32),
            stop: body.stop.clone(),
            stop_token_ids: body.stop_token_ids.clone(),
            include_stop_str_in_output: body.include_stop_str_in_output,
            ignore_eos: body.ignore_eos,
            temperature: body.temperature,
            top_p: body.top_p,
            top_k: body.top_k,
            min_p: body.min_p,
            repetition_penalty: body.repetition_penalty,
            repetition_ngram_size: body.repetition_ngram_size,
            repetition_ngram_threshold: body.repetition_ngram_threshold,
            seed: body.seed,
            skip_special_tokens: body.skip_special_tokens,
            priority: body.priority,
            timeout: body.timeout,
            ..CompletionRequest::default()
        };
        let (mut generations, _) = self
            .completions_from(&completion, start.map_or(0, |start| start + 1))
            .map_err(|error| if is_text { error } else { renamed(error, IDS, &[]) })?;
        let generation =
            generations.pop().ok_or_else(|| Error::field("prompt", "found nothing, expected a prompt"))?;
        let prompt_tokens = ids.len();
        let prompt = if start.is_some() { ids } else { Vec::new() };
        let scored = GenerateMeta::default();
        Ok((generation, GenerateAnswer { prompt, prompt_tokens, generated: 0, top, start, scored }))
    }

    /// What is continued, as it was sent and as ids.
    fn continued(&self, body: &GenerateBody) -> Result<(Prompt, Vec<TokenId>)> {
        match (&body.prompt, &body.input_ids) {
            (Some(text), None) => {
                Ok((Prompt::Text(text.clone()), self.model().tokenizer.encode_prompt(text)))
            }
            (None, Some(ids)) => Ok((Prompt::Ids(ids.clone()), ids.iter().copied().map(TokenId).collect())),
            (None, None) => Err(Error::field("prompt", "found nothing, expected `prompt` or `input_ids`")),
            (Some(_), Some(_)) => {
                Err(Error::field("input_ids", "found ids together with `prompt`, expected only one of them"))
            }
        }
    }
}

/// How many of the most likely ids are wanted at each place, and from which place of the prompt on.
fn scores(body: &GenerateBody) -> Result<(Option<usize>, Option<usize>)> {
    let wanted = body.return_logprob.unwrap_or(false);
    let top = alternatives("top_logprobs_num", body.top_logprobs_num)?;
    let start = match body.logprob_start_len {
        None | Some(-1) => None,
        Some(start) => Some(usize::try_from(start).map_err(|_| {
            let message = format!("found {start}, expected a place in the prompt, or -1 for none");
            Error::field("logprob_start_len", message)
        })?),
    };
    for (field, asked) in [("top_logprobs_num", top > 0), ("logprob_start_len", start.is_some())] {
        if asked && !wanted {
            return Err(Error::field(field, "expected `return_logprob: true` with it"));
        }
    }
    Ok((wanted.then_some(top), start))
}

impl GenerateAnswer {
    /// The piece that an output gives. Scores of the prompt give none: they are sent with the next one.
    ///
    /// # Errors
    /// [`Error::Refused`] with the status of a request that failed.
    pub fn piece(&mut self, output: Output) -> Result<Option<GenerateResponse>> {
        let mut piece =
            GenerateResponse { meta_info: std::mem::take(&mut self.scored), ..GenerateResponse::default() };
        match output {
            Output::Prompt(scores) => {
                self.score_prompt(scores);
                return Ok(None);
            }
            Output::Pieces(pieces) => {
                self.generated += pieces.len();
                piece.text = pieces.iter().map(|piece| piece.text.as_str()).collect();
                piece.output_ids = pieces.iter().map(|piece| piece.id.0).collect();
                self.score(&pieces, &mut piece.meta_info);
            }
            Output::Finished(finished) => {
                self.generated = finished.generated_tokens;
                self.prompt_tokens = finished.prompt_tokens;
                piece.meta_info.cached_tokens = finished.cached_tokens;
                piece.meta_info.finish_reason = Some(FinishInfo::new(finish_reason(&finished.end)?));
                piece.text = finished.rest;
            }
        }
        piece.meta_info.prompt_tokens = self.prompt_tokens;
        piece.meta_info.completion_tokens = self.generated;
        Ok(Some(piece))
    }

    /// The whole answer, from all outputs.
    ///
    /// # Errors
    /// [`Error::Refused`] with the status of a request that failed.
    pub fn whole(&mut self, outputs: Vec<Output>) -> Result<GenerateResponse> {
        let mut whole = GenerateResponse::default();
        for output in outputs {
            let Some(piece) = self.piece(output)? else { continue };
            whole.text += &piece.text;
            whole.output_ids.extend(piece.output_ids);
            let (all, new) = (&mut whole.meta_info, piece.meta_info);
            extend(&mut all.output_token_logprobs, new.output_token_logprobs);
            extend(&mut all.output_top_logprobs, new.output_top_logprobs);
            extend(&mut all.input_token_logprobs, new.input_token_logprobs);
            extend(&mut all.input_top_logprobs, new.input_top_logprobs);
            all.prompt_tokens = new.prompt_tokens;
            all.completion_tokens = new.completion_tokens;
            all.cached_tokens = new.cached_tokens;
            all.finish_reason = new.finish_reason;
        }
        Ok(whole)
    }

    /// Scores of generated ids.
    fn score(&self, pieces: &[Piece], meta: &mut GenerateMeta) {
        let Some(top) = self.top else { return };
        let scores = || pieces.iter().filter_map(|piece| piece.scores.as_ref());
        meta.output_token_logprobs = Some(scores().map(|scores| pair(&scores.chosen)).collect());
        if top > 0 {
            meta.output_top_logprobs = Some(scores().map(pairs).collect());
        }
    }

    /// Scores of the prompt's ids behind the place `start`, from which the first of them is predicted.
    fn score_prompt(&mut self, scores: Vec<Option<TokenScores>>) {
        let Some(start) = self.start else { return };
        let wanted: Vec<(TokenId, Option<TokenScores>)> =
            self.prompt.iter().copied().zip(scores).skip(start + 1).collect();
        let chosen = |scores: &TokenScores| scores.chosen.logprob;
        self.scored.input_token_logprobs =
            Some(wanted.iter().map(|(id, scores)| (scores.as_ref().map(chosen), id.0)).collect());
        if self.top.is_some_and(|top| top > 0) {
            self.scored.input_top_logprobs =
                Some(wanted.iter().map(|(_, scores)| scores.as_ref().map(pairs)).collect());
        }
    }
}

fn pair(score: &IdLogprob) -> (f32, u32) {
    (score.logprob, score.id.0)
}

fn pairs(scores: &TokenScores) -> Vec<(f32, u32)> {
    scores.top.iter().map(pair).collect()
}

fn extend<T>(all: &mut Option<Vec<T>>, new: Option<Vec<T>>) {
    match (all.as_mut(), new) {
        (Some(all), Some(new)) => all.extend(new),
        (None, new) => *all = new,
        (Some(_), None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_asked_for_together() {
        let body = |logprob: bool, top: u32, start: i32| GenerateBody {
            return_logprob: Some(logprob),
            top_logprobs_num: Some(top),
            logprob_start_len: Some(start),
            ..GenerateBody::default()
        };
        assert_eq!(scores(&GenerateBody::default()).expect("nothing"), (None, None));
        assert_eq!(scores(&body(false, 0, -1)).expect("nothing"), (None, None));
        assert_eq!(scores(&body(true, 0, -1)).expect("the answer"), (Some(0), None));
        assert_eq!(scores(&body(true, 3, 2)).expect("prompt and answer"), (Some(3), Some(2)));
        for (body, field) in [
            (body(false, 1, -1), "top_logprobs_num: expected `return_logprob: true`"),
            (body(false, 0, 0), "logprob_start_len: expected `return_logprob: true`"),
            (body(true, 21, -1), "top_logprobs_num: found 21"),
            (body(true, 0, -2), "logprob_start_len: found -2"),
        ] {
            let error = scores(&body).expect_err(field).to_string();
            assert!(error.starts_with(field), "{error}");
        }
    }
}
