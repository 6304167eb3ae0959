//! Why a choice of examples stops: something has to be asked first, or it cannot be made.

use crate::infer::Outcome;
use crate::model::Request;

/// Looks for the outcome of a request to the model for retrieval.
pub(super) type Outcomes<'a> = &'a dyn Fn(&Request) -> Option<Outcome>;

/// Why a choice of examples stops before its end.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stop {
    /// The requests that have no outcome yet.
    Asks(Vec<Request>),
    /// What is wrong, with what was found and expected.
    Fails(String),
}
