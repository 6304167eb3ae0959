//! Rules of exams and of sets of puzzles: letters, blanks, typed answers, grids, and solutions that are checked.

mod arithmetic;
mod choice;
mod grid;
mod hard;
mod invented_rules;
mod letter;
mod literal;
mod medbench;
mod multilingual;
mod option;
mod rule;
mod super_gpqa;
mod table;
mod table_problem;
mod text;
mod typed;
mod word_problem;

pub(super) use table::ENTRIES;
