//! Answers that are one number: finding the number in a text, comparing two numbers exactly, and files of questions.
//!
//! This is the judge of every stage that scores arithmetic: fine-tuning tests, evaluation and agents. It has
//! one home because their scores are compared with each other.

mod final_number;
mod number;
mod question;

pub use final_number::{before_next_question, final_number, first_number};
pub use number::Number;
pub use question::{Question, QuestionProblem, parse_questions, question_lines};

#[cfg(test)]
mod tests;
