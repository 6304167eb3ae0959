//! How a problem is asked. `{a}` and `{b}` are the operands.

use super::{Dice, Operator, Problem};

const ADD: [&str; 15] = [
    "What is {a} + {b}?",
    "What is {a} plus {b}?",
    "Calculate {a} + {b}.",
    "How much is {a} + {b}?",
    "How much is {a} plus {b}?",
    "Add {a} and {b}.",
    "Compute {a} + {b}.",
    "{a} + {b} = ?",
    "What is the sum of {a} and {b}?",
    "Please work out {a} + {b}.",
    "Find {a} plus {b}.",
    "Tell me the value of {a} + {b}.",
    "Can you add {a} and {b}?",
    "I need the sum of {a} and {b}.",
    "What do {a} and {b} add up to?",
];

const SUBTRACT: [&str; 15] = [
    "What is {a} - {b}?",
    "What is {a} minus {b}?",
    "Calculate {a} - {b}.",
    "How much is {a} - {b}?",
    "How much is {a} minus {b}?",
    "Reduce {a} by {b}.",
    "Compute {a} - {b}.",
    "{a} - {b} = ?",
    "What is the difference of {a} and {b}?",
    "Please work out {a} - {b}.",
    "Find {a} minus {b}.",
    "Tell me the value of {a} - {b}.",
    "From {a} take away {b}.",
    "I need the difference of {a} and {b}.",
    "What remains of {a} without {b}?",
];

const MULTIPLY: [&str; 15] = [
    "What is {a} x {b}?",
    "What is {a} times {b}?",
    "Calculate {a} * {b}.",
    "How much is {a} x {b}?",
    "How much is {a} times {b}?",
    "Multiply {a} by {b}.",
    "Compute {a} * {b}.",
    "{a} x {b} = ?",
    "What is the product of {a} and {b}?",
    "Please work out {a} * {b}.",
    "Find {a} times {b}.",
    "Tell me the value of {a} x {b}.",
    "Can you multiply {a} by {b}?",
    "I need the product of {a} and {b}.",
    "What do {a} and {b} make when multiplied?",
];

/// One of the wordings of `problem`.
pub(super) fn ask(problem: &Problem, dice: &mut Dice) -> String {
    let wordings = match problem.operator {
        Operator::Add => &ADD,
        Operator::Subtract => &SUBTRACT,
        Operator::Multiply => &MULTIPLY,
    };
    let wording = dice.pick(wordings);
    wording.replace("{a}", &problem.left.to_string()).replace("{b}", &problem.right.to_string())
}
