//! The files of the generator: `conversations.jsonl`, `questions.jsonl` and, for reinforcement learning,
//! `prompts.jsonl`.

use std::collections::BTreeSet;
use std::path::Path;

use internlm_kit::file;
use internlm_kit::rng::CounterRng;
use internlm_model::answer::{Question, parse_questions, question_lines};
use serde_json::{Value, json};

use super::arithmetic::Split;
use super::calculator::{any_tool, react, round, sentence};
use super::{ConversationsConfig, Dice, Problem, exercise, plain, wording};
use crate::json_rows::json_rows;
use crate::{Error, Result};

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
    React,
}

/// Writes the files of `config`.
///
/// # Errors
/// Any error of writing.
pub fn generate(config: &ConversationsConfig) -> Result<GenerateReport> {
    let conversations = conversations(config);
    let questions = questions(config);
    let lines: String = conversations.iter().map(|conversation| conversation.to_string() + "\n").collect();
    if config.total() > 0 {
        file::write(&config.conversations, lines)?;
    }
    if let Some(path) = &config.prompts {
        let lines: String = prompts(config).iter().map(|prompt| prompt.to_string() + "\n").collect();
        file::write(path, lines)?;
    }
    file::write(&config.questions, question_lines(&questions))?;
    Ok(GenerateReport { conversations: conversations.len(), questions: questions.len() })
}

/// The conversations of `config` in the order of the file.
#[must_use]
pub fn conversations(config: &ConversationsConfig) -> Vec<Value> {
    let counts = [
        (Kind::Calculator, config.calculator),
        (Kind::Expression, config.expressions),
        (Kind::Sentence, config.sentences),
        (Kind::Digits, config.digits),
        (Kind::Plain, config.plain),
        (Kind::Direct, config.direct),
        (Kind::React, config.react),
    ];
    let kinds: Vec<Kind> = counts.into_iter().flat_map(|(kind, count)| vec![kind; count]).collect();
    let order = CounterRng::new(config.seed, "conversations").permutation(kinds.len());
    let make = |(index, place): (usize, usize)| {
        conversation(kinds[place], config, &mut Dice::new(config.seed, "conversation", index as u64))
    };
    order.into_iter().enumerate().map(make).collect()
}

fn conversation(kind: Kind, config: &ConversationsConfig, dice: &mut Dice) -> Value {
    match kind {
        Kind::Calculator => {
            let mut messages = Vec::new();
            for _ in 0..=dice.below(config.rounds) {
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
        Kind::React => {
            let problem = Problem::draw(dice, Split::Train);
            let question = wording::ask(&problem, dice);
            json!({"messages": react(&config.react_prompt, &question, &problem)})
        }
    }
}

/// The prompts of `config`: a question, the calculator, and the expression that it should be given as the reference.
#[must_use]
pub fn prompts(config: &ConversationsConfig) -> Vec<Value> {
    let prompt = |index: usize| {
        let dice = &mut Dice::new(config.seed, "prompt", index as u64);
        let problem = if index < config.prompt_count.saturating_sub(config.mixed_prompts) {
            draw(config, dice, Split::Train)
        } else {
            Problem::draw(dice, Split::Train)
        };
        let question = wording::ask(&problem, dice);
        json!({"tools": [any_tool(dice)], "prompt": question, "reference": problem.expression()})
    };
    (0..config.prompt_count).map(prompt).collect()
}

/// A problem with the digits that `config` asks for.
fn draw(config: &ConversationsConfig, dice: &mut Dice, split: Split) -> Problem {
    match config.operand_digits {
        Some(digits) => Problem::draw_of(dice, split, digits),
        None => Problem::draw(dice, split),
    }
}

/// Distinct questions about operand pairs that no conversation has, with the ids `q000`, `q001`, ...
#[must_use]
pub fn questions(config: &ConversationsConfig) -> Vec<Question> {
    let mut seen = BTreeSet::new();
    let mut questions = Vec::new();
    let mut index = 0;
    while questions.len() < config.held_out {
        let dice = &mut Dice::new(config.seed, "question", index);
        index += 1;
        let problem = draw(config, dice, Split::HeldOut);
        let question = wording::ask(&problem, dice);
        if seen.insert(problem.expression()) {
            let id = format!("q{:03}", questions.len());
            let answer = problem.answer().to_string();
            questions.push(Question::new(id, question, answer).with_expression(problem.expression()));
        }
    }
    questions
}

/// Reads a file of questions, one per line or one JSON list of them.
///
/// # Errors
/// A file that cannot be read, a line that [`parse_questions`] refuses, and a question without an expression.
pub fn read_questions(path: impl AsRef<Path>) -> Result<Vec<Question>> {
    let path = path.as_ref();
    let text = file::read_to_string(path)?;
    let rows = json_rows(&text, path)?;
    // Line ends of an element are white space: inside of its texts they are escaped.
    let lines: Vec<String> = rows.iter().map(|row| row.text.replace('\n', " ")).collect();
    let questions = parse_questions(&lines.join("\n"), None).map_err(|problem| {
        match rows.get(problem.line.saturating_sub(1)) {
            Some(row) => row.error(path, &problem.found, &problem.expected),
            None => Error::mismatch(path.display().to_string(), problem.found, problem.expected),
        }
    })?;
    match questions.iter().find(|question| question.expression.is_none()) {
        Some(question) => {
            let place = format!("{}: question {}", path.display(), question.id);
            Err(Error::mismatch(place, "no `expression`", "what the calculator should be given"))
        }
        None => Ok(questions),
    }
}
