//! Tools that an agent can call: what they are called, what they take, what they give back.

mod action_return;
mod calculator;
mod definition;
mod executor;
mod expression;
mod python_interpreter;

pub use action_return::{ActionReturn, ActionState, ResultItem};
pub use calculator::Calculator;
pub use definition::{ToolInput, ToolSpec};
pub use executor::{Action, Executor, Readiness, available, build};
pub use expression::{ExpressionError, evaluate, number_text};
pub use python_interpreter::PythonInterpreter;
