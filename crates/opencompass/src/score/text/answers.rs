//! Short answers to questions: equal to a reference, or with a reference in them.

use std::sync::LazyLock;

use regex::Regex;

use super::words::{answer_words, best, built_in, f1, is_space, normalize_answer, words};
use crate::score::post::general;
use crate::score::{Reading, ScoredItem};

/// Python's `text.split(mark)[-1]`.
fn after_last<'a>(text: &'a str, mark: &str) -> &'a str {
    text.rsplit(mark).next().unwrap_or(text)
}

fn first_line(text: &str) -> &str {
    text.split('\n').next().unwrap_or(text)
}

/// The normal forms of the references, in lower case.
fn normal_references(item: &ScoredItem<'_>) -> Vec<String> {
    item.references().iter().map(|reference| general(reference).to_lowercase()).collect()
}

/// Says whether a reference is part of the answer. In the reading `Fixed` a reference without any letter, which is part
/// of everything, does not count.
fn contains_reference(item: &ScoredItem<'_>, answer: &str, reading: Reading) -> bool {
    let counts = |reference: &&String| reading == Reading::Compat || !reference.is_empty();
    normal_references(item).iter().filter(counts).any(|reference| answer.contains(reference.as_str()))
}

/// `NQEvaluator`: a reference is part of the first line after its last `answer is`.
pub(super) fn natural_question(item: &ScoredItem<'_>, reading: Reading) -> bool {
    let text = item.pred_text();
    let line = first_line(text.trim_matches(is_space)).to_lowercase();
    contains_reference(item, &general(after_last(&line, "answer is")), reading)
}

/// `TriviaQAEvaluator`: like [`natural_question`], also after the last `a:` and the last `answer:`.
pub(super) fn trivia(item: &ScoredItem<'_>, reading: Reading) -> bool {
    let text = item.pred_text();
    let line = first_line(text.trim_matches(is_space)).to_lowercase();
    let answer =
        ["answer is", "a:", "answer:"].iter().fold(line.as_str(), |rest, mark| after_last(rest, mark));
    contains_reference(item, &general(answer.trim_matches(is_space)), reading)
}

/// `NQEvaluatorCN`: the first line after its last `答案是：` equals a reference.
pub(super) fn natural_question_cn(item: &ScoredItem<'_>) -> bool {
    equals_reference(item, "答案是：")
}

/// `SQuAD20Evaluator`: the first line after its last `answer is` equals a reference.
pub(super) fn squad20(item: &ScoredItem<'_>) -> bool {
    equals_reference(item, "answer is")
}

fn equals_reference(item: &ScoredItem<'_>, mark: &str) -> bool {
    let line = first_line(&item.pred_text()).to_lowercase();
    normal_references(item).contains(&general(after_last(&line, mark)))
}

static DROP_ANSWER: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)Answer\s*:\s*([^\n]+)"));

/// `DropOpenAIEvaluator`: what follows `Answer:` is part of a reference or a reference is part of it. `|` divides
/// references.
pub(super) fn drop(item: &ScoredItem<'_>) -> bool {
    let text = item.pred_text();
    let answer = DROP_ANSWER
        .captures(&text)
        .and_then(|found| found.get(1))
        .map_or(text.as_str(), |part| part.as_str());
    let answer = normalize_answer(answer);
    let matches = |reference: &str| {
        let reference = normalize_answer(reference);
        match answer.is_empty() || reference.is_empty() {
            true => answer == reference,
            false => answer.contains(&reference) || reference.contains(&answer),
        }
    };
    item.references().iter().any(|reference| reference.split('|').any(matches))
}

/// `OpenFinDataKWEvaluator`: all keywords, which `、` divides, are part of the answer.
pub(super) fn keywords(item: &ScoredItem<'_>) -> bool {
    let text = item.pred_text();
    first_reference(item).split('、').all(|keyword| text.contains(keyword))
}

/// `AccScoreStrEvaluator` of SeedBench: the reference is part of the answer, case ignored.
pub(super) fn contained(item: &ScoredItem<'_>) -> bool {
    let normal = |text: &str| text.trim_matches(is_space).to_lowercase();
    normal(&item.pred_text()).contains(&normal(&first_reference(item)))
}

/// `LEvalEMEvaluator`: the reference is part of the answer's normal form, as it is or in normal form.
pub(in crate::score) fn long_answer(item: &ScoredItem<'_>) -> bool {
    let answer = general(&item.pred_text());
    item.references()
        .iter()
        .any(|reference| answer.contains(&general(reference)) || answer.contains(reference.as_str()))
}

/// `SquadEvaluator`: the F1 of the first line and the best reference.
pub(super) fn squad_f1(item: &ScoredItem<'_>) -> f64 {
    let text = item.pred_text();
    let answer = answer_words(first_line(&text));
    best(item.references().iter().map(|reference| f1(&answer, &answer_words(reference))))
}

/// `TydiQAEvaluator`: whether the first line equals a reference, and the F1 with the best one. Both in normal form.
pub(super) fn tydiqa(item: &ScoredItem<'_>) -> (bool, f64) {
    let answer = general(&first_line(&item.pred_text()).to_lowercase());
    let own: Vec<&str> = words(&answer).collect();
    let references: Vec<String> = item.references().iter().map(|reference| general(reference)).collect();
    let score = |reference: &String| f1(&own, &words(reference).collect::<Vec<_>>());
    (references.contains(&answer), best(references.iter().map(score)))
}

/// The expected answer as text, the first one of a list.
pub(in crate::score) fn first_reference(item: &ScoredItem<'_>) -> String {
    item.references().into_iter().next().unwrap_or_default()
}
