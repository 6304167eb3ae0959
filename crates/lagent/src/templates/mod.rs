//! Named prompt texts: those of lagent's agents, and those of two benchmarks in a clean and in a quoted form.
//!
//! The names in braces inside a text are fields of Python's `str.format`, which the protocols fill in.

mod autogpt_texts;
mod internlm2_texts;
mod quoted_texts;
mod react_texts;
mod rewoo_texts;
mod task_texts;
mod template;

pub(crate) use autogpt_texts::{AUTOGPT_CALL_PROTOCOL, AUTOGPT_PREFIX, AUTOGPT_SCHEMA, AUTOGPT_TRIGGER};
pub(crate) use internlm2_texts::{
    INTERNLM2_API_PREFIX, INTERNLM2_INTERPRETER, INTERNLM2_META, INTERNLM2_PLUGIN, MATHCODER,
};
pub(crate) use react_texts::{REACT_CN, REACT_CN_FORCE_STOP, REACT_EN, REACT_EN_FORCE_STOP};
pub(crate) use rewoo_texts::{
    REWOO_PLANNER_CN, REWOO_PLANNER_EN, REWOO_REFORMAT_CN, REWOO_REFORMAT_EN, REWOO_SOLVER_CN,
    REWOO_SOLVER_EN, REWOO_WORKER_CN, REWOO_WORKER_EN,
};
pub(crate) use task_texts::{
    CIBENCH_FORCE_STOP, CIBENCH_REACT, MATH_REACT, MATH_SHOT_ANSWER, MATH_SHOT_CALL, MATH_SHOT_QUESTION,
    MATH_SHOT_RESULT,
};
pub use template::{NAMES, Template, named};
