//! KOR-Bench (Ma et al. 2024, arXiv:2410.06526): answers in double brackets, compared by the rules of their category.
//! Upstream: `datasets/korbench/korbench_utils.py` of OpenCompass 0.5.4.
//!
//! Upstream gives every question the number 0, so that the comparisons of numbered questions (inequalities and formulas)
//! never happen. The fixed reading has them. Arithmetic is exact here, where upstream's rounding may miss a whole result.

use std::sync::LazyLock;

use num_bigint::BigInt;
use num_rational::BigRational;
use regex::Regex;
use serde::Deserialize;

use super::arithmetic::computed;
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::math::formulas_equal;
use crate::score::text::words::{built_in, is_space, words};
use crate::score::verdict::verdicts;
use crate::score::{Evaluate, Reading, ScoredItem, Scores};

/// What an answer without brackets counts as.
const NULL: &str = "NULL";
/// The result of the puzzles of rule 10.
const TWENTY_FOUR: i64 = 24;
/// The numbers of the questions whose answers are formulas.
const FORMULAS: [(u64, u64); 17] = [
    (18, 18),
    (73, 74),
    (77, 77),
    (94, 94),
    (115, 117),
    (121, 123),
    (125, 125),
    (131, 132),
    (134, 136),
    (141, 141),
    (143, 143),
    (145, 147),
    (149, 149),
    (151, 156),
    (160, 162),
    (164, 166),
    (170, 170),
];
/// The rest of them.
const MORE_FORMULAS: [(u64, u64); 4] = [(206, 206), (209, 209), (211, 215), (217, 218)];

static DOUBLE: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)\[\[\s*(.*?)\s*\]\]"));
static BOXED: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)\$\\boxed\{(.*?)\}\$"));
static SINGLE: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)\[\s*(.*?)\s*\]"));
static INNER: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)\[\[(.*?)\]\]"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| built_in(r"\d+"));
static INEQUALITY: LazyLock<Regex> = LazyLock::new(|| built_in(r"(≥|≤)\s*(-?\d+\.?\d*)"));
static NO_WORD: LazyLock<Regex> = LazyLock::new(|| built_in(r"\W+"));
static RESULT: LazyLock<Regex> = LazyLock::new(|| built_in(r"=\s*(-?\d+)"));
static DECORATION: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"\\[()\[\]]|\\text\{.*?\}|\\(?:left|right|displaystyle)"));

/// The category of a set.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Category {
    Cipher,
    Counterfactual,
    Logic,
    Operation,
    Puzzle,
}

/// How the content of brackets is cleaned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Clean {
    Brackets,
    Logic,
    Formula,
}

/// Arguments of `korbench`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    category: Category,
}

/// The evaluator of one category.
struct InventedRules {
    category: Category,
    reading: Reading,
}

/// Creates the evaluator of a category.
pub(super) fn make(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    let Arguments { category } = setup.named.arguments()?;
    Ok(Box::new(InventedRules { category, reading: setup.reading }))
}

impl Evaluate for InventedRules {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        verdicts("accuracy", items, |item| {
            let text = |name: &str| item.columns.get(name).map(python_str).unwrap_or_default();
            let number = match self.reading {
                Reading::Compat => 0,
                Reading::Fixed => text("idx").parse().unwrap_or_default(),
            };
            let asked = Asked { category: self.category, rule: text("rule_id"), number };
            asked.right(&item.pred_text(), &python_str(&item.answer))
        })
    }
}

/// What decides how answers to a question are compared.
struct Asked {
    category: Category,
    rule: String,
    /// Number of the question; 0 if it does not count.
    number: u64,
}

impl Asked {
    fn right(&self, response: &str, answer: &str) -> bool {
        match self.category {
            Category::Logic if self.rule == "5" => {
                sorted(bracketed(response, Clean::Logic).split(';')) == sorted(answer.split(';'))
            }
            Category::Logic => bracketed(response, Clean::Logic) == bracketed(answer, Clean::Logic),
            Category::Operation => self.same_operation(response, answer),
            Category::Puzzle => same_puzzle(&self.rule, &inner(response), &inner(answer)),
            Category::Cipher | Category::Counterfactual => bracketed(response, Clean::Brackets) == answer,
        }
    }

    fn same_operation(&self, response: &str, answer: &str) -> bool {
        let cleaned = bracketed(response, Clean::Brackets);
        if matches!(self.number, 178 | 179) {
            return inequalities(&cleaned) == inequalities(answer);
        }
        match self.rule.as_str() {
            "18" => letters_in_order(&cleaned) == letters_in_order(&inner(answer)),
            "23" | "24" | "25" => numbers(&cleaned) == numbers(answer),
            _ if is_formula(self.number) => same_formula(response, answer),
            _ if answer.contains("or") => same_alternatives(&cleaned, answer),
            _ => cleaned == answer,
        }
    }
}

fn is_formula(number: u64) -> bool {
    FORMULAS.iter().chain(&MORE_FORMULAS).any(|(first, last)| (*first..=*last).contains(&number))
}

/// The content of the first brackets, cleaned: `extract_text_from_brackets`.
fn bracketed(text: &str, clean: Clean) -> String {
    let found = [&DOUBLE, &BOXED, &SINGLE].into_iter().find_map(|pattern| pattern.captures(text)?.get(1));
    let Some(found) = found else { return NULL.to_owned() };
    let content = found.as_str().trim();
    let without = |letters: &[char]| content.replace(letters, "");
    match clean {
        Clean::Brackets => format!("[[{}]]", without(&['"', '\n', ' ', '[', ']'])),
        Clean::Logic => format!("[[{}]]", without(&['"', '\n', ' ', '.'])),
        Clean::Formula => {
            let formula = without(&['"', '\n', '[', ']', '$']);
            let right = formula.rsplit('=').next().unwrap_or_default();
            DECORATION.replace_all(right, "").replace("\\\\", "\\")
        }
    }
}

/// The content of the first double brackets as it is.
fn inner(text: &str) -> String {
    INNER.captures(text).map_or_else(|| NULL.to_owned(), |found| found[1].to_owned())
}

fn sorted<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut parts: Vec<&str> = parts.collect();
    parts.sort_unstable();
    parts
}

fn numbers(text: &str) -> Vec<Option<u64>> {
    NUMBER.find_iter(text).map(|number| number.as_str().parse().ok()).collect()
}

fn inequalities(text: &str) -> Vec<String> {
    let mut found: Vec<String> =
        INEQUALITY.captures_iter(text).map(|found| format!("{}{}", &found[1], &found[2])).collect();
    found.sort_unstable();
    found
}

fn letters_in_order(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = NO_WORD.replace_all(text, "").chars().collect();
    letters.sort_unstable();
    letters
}

/// Compares the alternatives between the words "or".
fn same_alternatives(response: &str, answer: &str) -> bool {
    let response = response.replace("\\text{or}", "or");
    let answer = bracketed(answer, Clean::Brackets);
    let parts = |text: &str| -> Vec<String> {
        let inside = text.trim_matches(['[', ']']);
        let mut parts: Vec<String> = inside.split("or").map(|part| part.trim().to_owned()).collect();
        parts.sort_unstable();
        parts
    };
    response != NULL && parts(&response) == parts(&answer)
}

/// Compares formulas, or each of several.
fn same_formula(response: &str, answer: &str) -> bool {
    let (response, answer) = (bracketed(response, Clean::Formula), bracketed(answer, Clean::Formula));
    if response == NULL {
        return false;
    }
    if response == answer {
        return true;
    }
    let (left, right): (Vec<&str>, Vec<&str>) = match answer.contains("or") {
        true => (response.split("or").collect(), answer.split("or").collect()),
        false => (vec![response.as_str()], vec![answer.as_str()]),
    };
    let has = |all: &[&str], one: &str| all.iter().any(|other| formulas_equal(other.trim(), one.trim()));
    left.iter().all(|part| has(&right, part)) && right.iter().all(|part| has(&left, part))
}

/// Compares the answers of a puzzle by the method of its rule.
fn same_puzzle(rule: &str, response: &str, answer: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect()
    };
    match rule {
        "1" => letters(response) == letters(answer),
        "2" => answer.split(',').any(|word| word == letters(response)),
        "3" => {
            let lower = response.to_lowercase();
            let found = NO_WORD.split(&lower).filter(|word| !word.is_empty());
            sorted(found) == sorted(answer.split(' '))
        }
        "4" => answer.contains(&letters(response)),
        "5" => {
            let response: String = words(response).collect();
            sorted(response.split(',')) == sorted(answer.split(','))
        }
        "9" => same_equation(response, answer),
        "10" => is_twenty_four(response, answer),
        "18" => {
            let plain = |text: &str| -> String {
                text.chars().filter(|letter| !is_space(*letter) && !",[]".contains(*letter)).collect()
            };
            plain(response) == plain(answer)
        }
        _ => NO_WORD.replace_all(response, "") == NO_WORD.replace_all(answer, ""),
    }
}

/// The left side of an equation in plain signs.
fn left_side(text: &str) -> String {
    let text = text.replace('×', "*").replace('−', "-");
    text.split('=').next().unwrap_or_default().to_owned()
}

/// Rule 9: the same operators in the same order, and the expected result.
fn same_equation(response: &str, answer: &str) -> bool {
    let (left, expected) = (left_side(response), left_side(answer));
    let operators = |text: &str| -> String { text.chars().filter(|sign| "+-*/".contains(*sign)).collect() };
    let result = RESULT.captures(answer).and_then(|found| found[1].parse::<BigInt>().ok());
    let Some(result) = result else { return false };
    operators(&left) == operators(&expected) && computed(&left) == Some(BigRational::from_integer(result))
}

/// Rule 10: the same numbers, and the result 24.
fn is_twenty_four(response: &str, answer: &str) -> bool {
    let left = left_side(response);
    let expected = left_side(answer.split('\n').next().unwrap_or_default());
    let twenty_four = BigRational::from_integer(BigInt::from(TWENTY_FOUR));
    letters_in_order(&left) == letters_in_order(&expected) && computed(&left) == Some(twenty_four)
}

#[cfg(test)]
mod tests;
