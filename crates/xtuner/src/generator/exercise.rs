//! Exercises: short and dense, because a call is only as good as the copying of its digits.
//!
//! A calculator conversation spends most of its tokens on context. Here nearly every token is a digit that must be
//! copied from the right place, in the same steps as in a call: question -> expression, result -> sentence.

use serde_json::{Value, json};

use super::calculator::sentence;
use super::{Dice, Problem, wording};

/// Maximum number of digits of a result: a product of two operands of four digits.
const RESULT_DIGITS: u32 = 8;
/// Maximum number of digits of a number to repeat.
const REPEATED_DIGITS: u32 = 4;
/// Maximum count of numbers to repeat.
const REPEATED_NUMBERS: u64 = 3;

/// A question to be written as an expression.
pub(super) fn expression(problem: &Problem, dice: &mut Dice) -> [Value; 2] {
    const WORDINGS: [&str; 3] = ["Expression: {q}", "As an expression: {q}", "Write as an expression: {q}"];
    let question = wording::ask(problem, dice);
    exchange(&dice.pick::<&str>(&WORDINGS).replace("{q}", &question), &problem.expression())
}

/// A number to be said as an answer.
pub(super) fn say(dice: &mut Dice) -> [Value; 2] {
    const WORDINGS: [&str; 3] = ["Say that the answer is {r}.", "Tell me the answer {r}.", "Answer: {r}"];
    let number = signed(dice, RESULT_DIGITS);
    exchange(&dice.pick::<&str>(&WORDINGS).replace("{r}", &number.to_string()), &sentence(number))
}

/// Numbers to be repeated.
pub(super) fn repeat(dice: &mut Dice) -> [Value; 2] {
    const WORDINGS: [&str; 5] = ["Repeat {s}", "Say {s}", "Copy {s}", "Write {s} again.", "Echo {s}"];
    let count = 1 + dice.below(REPEATED_NUMBERS);
    let numbers: Vec<String> = (0..count).map(|_| signed(dice, REPEATED_DIGITS).to_string()).collect();
    let text = numbers.join(" ");
    exchange(&dice.pick::<&str>(&WORDINGS).replace("{s}", &text), &text)
}

fn exchange(question: &str, answer: &str) -> [Value; 2] {
    [json!({"role": "user", "content": question}), json!({"role": "assistant", "content": answer})]
}

/// One number in eight is negative: results of subtractions may be.
fn signed(dice: &mut Dice, max_digits: u32) -> i64 {
    let number = dice.repetitive_number(max_digits);
    if dice.one_in(8) { -number } else { number }
}
