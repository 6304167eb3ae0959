//! Generated programs: their tests run in the sandbox, and their verdicts are read here.
//!
//! An answer must not be able to make its own tests pass. Python answers run in a process of their own, next to a judge
//! that sees only plain data of them (`check.py`). Programs that read standard input never see the expected output.
//! Compiled answers are one program with their tests; such a program has to reach the end of the tests, where it
//! writes a mark that is made of its own text.

mod ds1000;
mod extract;
mod human_eval;
mod human_eval_x;
mod judge;
mod language;
mod languages;
mod lcb_answers;
mod lines;
mod mbpp;
mod polyglot;
mod python_tests;
mod shorten;
mod stdio;
mod table;
mod test_result;

pub(super) use table::ENTRIES;
