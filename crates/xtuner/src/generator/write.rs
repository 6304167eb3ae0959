//! The two files of the generator: `conversations.jsonl` and `questions.jsonl`.

use std::collections::BTreeSet;
use std::path::Path;

use internlm_kit::file;
use internlm_kit::rng::CounterRng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::arithmetic::Split;
use super::calculator::{any_tool, round, sentence};
use super::{Dice, GenerateConfig, Problem, exercise, plain, wording};
use crate::{Error, Result};

/// A question that no conversation of training holds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Question {
    /// Number of the question, written `q000`, `q001`, ...
    pub id: String,
    /// The question as the user asks it.
    pub question: String,
    /// The right number, as text.
    pub answer: String,
    /// The expression that the calculator should be given.
    pub expression: String,
}

/// How much the generator wrote.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GenerateReport {
    /// Number of conversations that were written.
    pub conversations: usize,
    /// Number of held-out questions that were written.
    pub questions: usize,
}

/// Kinds of conversations; the seed decides in which order they are written.
#[derive(Clone, Copy)]
enum Kind {
    Calculator,
    Expression,
    Sentence,
    Digits,
    Plain,
    Direct,
}

/// Writes both files of `config`.
///
/// # Errors
/// Any error of writing.
pub fn generate(config: &GenerateConfig) -> Result<GenerateReport> {
    let conversations = conversations(config);
    let questions = questions(config);
    write_lines(&config.conversations, conversations.iter().map(Value::to_string))?;
    let lines =
        questions.iter().map(|question| serde_json::to_string(question).expect("strings are valid JSON"));
    write_lines(&config.questions, lines)?;
    Ok(GenerateReport { conversations: conversations.len(), questions: questions.len() })
}

/// The conversations of `config` in the order of the file.
#[must_use]
pub fn conversations(config: &GenerateConfig) -> Vec<Value> {
    let counts = [
        (Kind::Calculator, config.calculator),
        (Kind::Expression, config.expressions),
        (Kind::Sentence, config.sentences),
        (Kind::Digits, config.digits),
        (Kind::Plain, config.plain),
        (Kind::Direct, config.direct),
    ];
    let kinds: Vec<Kind> = counts.into_iter().flat_map(|(kind, count)| vec![kind; count]).collect();
    let order = CounterRng::new(config.seed, "conversations").permutation(kinds.len());
    let make = |(index, place): (usize, usize)| {
        conversation(kinds[place], config.rounds, &mut Dice::new(config.seed, "conversation", index as u64))
    };
    order.into_iter().enumerate().map(make).collect()
}

fn conversation(kind: Kind, rounds: u64, dice: &mut Dice) -> Value {
    match kind {
        Kind::Calculator => {
            let mut messages = Vec::new();
            for _ in 0..=dice.below(rounds) {
                let problem = Problem::draw(dice, Split::Train);
                let question = wording::ask(&problem, dice);
                messages.extend(round(&question, &problem));
            }
            json!({"tools": [any_tool(dice)], "messages": messages})
        }
        Kind::Expression => {
            let problem = Problem::draw(dice, Split::Train);
            json!({"messages": exercise::expression(&problem, dice)})
        }
        Kind::Sentence => json!({"messages": exercise::say(dice)}),
        Kind::Digits => json!({"messages": exercise::repeat(dice)}),
        Kind::Plain => {
            let messages = plain::talk(dice);
            if dice.one_in(2) {
                json!({"tools": [any_tool(dice)], "messages": messages})
            } else {
                json!({"messages": messages})
            }
        }
        Kind::Direct => {
            let problem = Problem::draw(dice, Split::Train);
            let question = wording::ask(&problem, dice);
            let answer = sentence(problem.answer());
            json!({"messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ]})
        }
    }
}

/// Distinct questions about operand pairs that no conversation has.
#[must_use]
pub fn questions(config: &GenerateConfig) -> Vec<Question> {
    let mut seen = BTreeSet::new();
    let mut questions = Vec::new();
    let mut index = 0;
    while questions.len() < config.held_out {
        let dice = &mut Dice::new(config.seed, "question", index);
        index += 1;
        let problem = Problem::draw(dice, Split::HeldOut);
        let question = wording::ask(&problem, dice);
        if seen.insert(problem.expression()) {
            let id = format!("q{:03}", questions.len());
            let (answer, expression) = (problem.answer().to_string(), problem.expression());
            questions.push(Question { id, question, answer, expression });
        }
    }
    questions
}

/// Reads a file of questions.
///
/// # Errors
/// A file that cannot be read, a line that is not a question, and a file without questions.
pub fn read_questions(path: &Path) -> Result<Vec<Question>> {
    let text = file::read_to_string(path)?;
    let mut questions = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        questions.push(serde_json::from_str(line).map_err(|error| Error::Line {
            path: path.to_path_buf(),
            line: index + 1,
            found: error.to_string(),
            expected: "an object with id, question, answer and expression".to_owned(),
        })?);
    }
    if questions.is_empty() {
        return Err(Error::mismatch(path.display().to_string(), "no question", "one per line"));
    }
    Ok(questions)
}

fn write_lines(path: &Path, lines: impl Iterator<Item = String>) -> Result<()> {
    let text: String = lines.flat_map(|line| [line, "\n".to_owned()]).collect();
    Ok(file::write(path, text)?)
}
