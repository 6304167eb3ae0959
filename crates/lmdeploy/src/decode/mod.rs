//! From logits and ids to text: rules of the request, guided decoding, log-probabilities, stop strings, repetitions.

mod grammar;
mod logprob;
mod pattern;
mod repetition;
mod rules;
mod stop;

pub use grammar::{Grammar, GrammarError, GrammarFactory, GrammarRules, GrammarSource};
pub(crate) use grammar::{GrammarState, compact, quoted};
pub use logprob::{IdLogprob, TokenScores};
pub(crate) use logprob::{is_broken, named_scores, scores};
pub use pattern::RepeatedPattern;
pub(crate) use repetition::RepetitionStop;
pub use rules::LogitRules;
pub(crate) use rules::{RowRules, forbid};
pub(crate) use stop::{StopMatcher, StopText};
