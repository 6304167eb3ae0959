//! [`Answered`] and [`Scored`]: an answer before and after it was judged.

use super::super::prompt::Prompt;

/// An answer to be scored.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// What was asked, with its reference.
    pub prompt: &'a Prompt,
    /// The answer without the mark that ended it; other marks are in it by name.
    pub text: &'a str,
}

/// The reward of one answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Weighted sum of the parts.
    pub reward: f64,
    /// What each source said, before its weight.
    pub parts: Vec<f64>,
}
