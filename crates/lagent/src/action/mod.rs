//! Tools that an agent can call: their definitions, their results, and the toolbox that holds them.

mod action_return;
mod calculator;
mod definition;
mod expression;
mod python_interpreter;
mod tool;
mod toolbox;

pub use action_return::{ActionReturn, ActionState, ResultItem};
pub use calculator::Calculator;
pub use definition::{ToolInput, ToolSpec};
pub use expression::{ExpressionError, evaluate, number_text};
pub use python_interpreter::PythonInterpreter;
pub use tool::{Action, Readiness};
pub use toolbox::{Toolbox, available, build};
