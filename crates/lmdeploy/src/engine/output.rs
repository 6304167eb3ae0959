//! What a reader gets from the engine: [`Output`], [`Piece`], [`Finished`].

use std::time::Duration;

use internlm_model::TokenId;

use super::End;
use crate::decode::TokenScores;

/// What a reader gets: at most one `Prompt`, any number of `Pieces`, exactly one `Finished`.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Log-probabilities of the prompt's ids, when the request asked for them; the first id has none.
    Prompt(Vec<Option<TokenScores>>),
    /// The next generated ids, at least one; several when the reader was slower than the engine.
    Pieces(Vec<Piece>),
    /// The end of the request; nothing follows.
    Finished(Finished),
}

/// One generated id. One that ends the text is in [`Finished::end`], and a piece only when the request includes stops.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The id that was sampled.
    pub id: TokenId,
    /// The text that became certain with it: it may belong to earlier ids, or be empty.
    pub text: String,
    /// Its log-probability, when the request asked for it.
    pub scores: Option<TokenScores>,
}

/// The end of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Why the request ended; the server turns it into a finish reason or an error.
    pub end: End,
    /// Text that was held back until now, because a stop string or a character might have followed.
    pub rest: String,
    /// Number of ids in the prompt.
    pub prompt_tokens: usize,
    /// Number of generated ids that were sent: one that ended the text only when the request includes stops.
    pub generated_tokens: usize,
    /// Number of ids of the prompt that came from the prefix cache.
    pub cached_tokens: usize,
    /// The stop string that ended the text, when one did.
    pub stop_string: Option<String>,
    /// How long prompt and answer took.
    pub times: Times,
    /// The vector of the prompt, when the request asked for one and its whole prompt was computed.
    pub embedding: Option<Vec<f32>>,
}

/// How long the parts of a request took, without its time in the queue.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Times {
    /// From the first blocks of the cache to the first generated id, or to the end of a text without ids.
    pub prompt: Duration,
    /// From the first generated id to the last one.
    pub answer: Duration,
}

impl Finished {
    /// The end of a request that generated nothing.
    pub(super) fn without_output(end: End, prompt_tokens: usize) -> Self {
        Self {
            end,
            rest: String::new(),
            prompt_tokens,
            generated_tokens: 0,
            cached_tokens: 0,
            stop_string: None,
            times: Times::default(),
            embedding: None,
        }
    }
}
