//! [`Polyglot`]: programs of MultiPL-E (Cassano et al. 2022, arXiv:2208.08227), in the languages of its two sets upstream.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::judge;
use super::language::Language;
use super::languages::LANGUAGES;
use super::python_tests::{Counted, column, scores};
use super::shorten::continuation;
use super::test_result::Tested;
use crate::score::entry::Setup;
use crate::score::{Evaluate, FollowUp, Participant, ScoredItem, Scores};
use crate::{Error, Result};

/// Upstream's name of Python, whose answers run next to the judge.
const PYTHON: &str = "py";
/// Time limit of a Python task, seconds.
const SECONDS: u64 = 10;

/// What of an answer continues the prompt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Taken {
    /// The code of a chat answer without what repeats the prompt: `MultiplEEvaluator`.
    Continuation,
    /// Everything up to the first stop text: `HumanevalMultiEvaluator`.
    UpToStop,
}

/// The evaluator of programs whose row has `prompt`, `tests` and `stop_tokens`.
pub(super) struct Polyglot {
    /// The language; absent for Python.
    language: Option<Language>,
    taken: Taken,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    language: String,
    /// Address of upstream's service, which is not used.
    #[serde(default, rename = "ip_address")]
    _address: Option<IgnoredAny>,
    /// Port of that service.
    #[serde(default, rename = "port")]
    _port: Option<IgnoredAny>,
}

impl Polyglot {
    /// Reads the argument `language`.
    pub(super) fn new(setup: &Setup<'_>, taken: Taken) -> Result<Self> {
        let name = setup.named.arguments::<Arguments>()?.language;
        let language = LANGUAGES.into_iter().find(|language| language.name == name);
        if language.is_none() && name != PYTHON {
            let known: Vec<&str> = LANGUAGES.iter().map(|language| language.name).chain([PYTHON]).collect();
            return Err(Error::Value {
                place: format!("{}.language", setup.named.name()),
                found: format!("`{name}`"),
                expected: format!("one of {}", known.join(", ")),
            });
        }
        Ok(Self { language, taken })
    }

    /// The prompt with the answer, and the tests.
    fn parts(&self, item: &ScoredItem<'_>) -> Result<(String, String), String> {
        let prompt = column(item, "prompt")?;
        let stops = item.columns.get("stop_tokens").and_then(Value::as_array);
        let stops: Vec<&str> = stops.into_iter().flatten().filter_map(Value::as_str).collect();
        let answer = item.pred_text();
        let code = match self.taken {
            Taken::Continuation => continuation(prompt, &answer, &stops),
            Taken::UpToStop => {
                let end = stops.iter().filter_map(|stop| answer.find(stop)).min();
                answer[..end.unwrap_or(answer.len())].to_owned()
            }
        };
        Ok((format!("{prompt}{code}\n"), column(item, "tests")?.to_owned()))
    }

    fn tested(&self, item: &ScoredItem<'_>) -> Tested {
        if let Some(error) = &item.prediction.error {
            return Tested::not_run(error.as_str());
        }
        let (code, tests) = match self.parts(item) {
            Ok(parts) => parts,
            Err(problem) => return Tested::not_run(problem),
        };
        let program = format!("{code}{tests}");
        match (&self.language, item.evidence.first()) {
            (Some(language), None) if language.marked(&program).is_none() => {
                Tested::not_run("found tests without an end, expected the form of MultiPL-E")
            }
            (_, None) => Tested::not_run("not run yet"),
            (Some(language), Some(outcome)) => language.verdict(&program, outcome),
            (None, Some(outcome)) => judge::verdict(&job(&code, &tests), outcome),
        }
    }
}

/// The judge's job of a Python task.
fn job(code: &str, tests: &str) -> Value {
    json!({ "code": code, "test": tests, "seconds": SECONDS })
}

impl Evaluate for Polyglot {
    fn participants(&self) -> Vec<Participant> {
        vec![Participant::Sandbox]
    }

    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        let parts = self.parts(item).ok().filter(|_| item.evidence.is_empty());
        let Some((code, tests)) = parts else { return Vec::new() };
        match &self.language {
            Some(language) => language.follow_up(&format!("{code}{tests}")).into_iter().collect(),
            None => vec![judge::follow_up(&job(&code, &tests))],
        }
    }

    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let tested: Vec<Tested> = items.iter().map(|item| self.tested(item)).collect();
        scores("pass@1", Counted::Share, (items, tested))
    }
}
