//! Answers that are one number: finding the number in a text, and comparing two numbers exactly.
//!
//! This is the judge of every stage that scores arithmetic: fine-tuning tests, evaluation and agents. It has
//! one home because their scores are compared with each other.

mod number;

pub use number::{Number, final_number};

#[cfg(test)]
mod tests;
