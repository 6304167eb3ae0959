//! `tot`: a breadth-first search over thoughts (tree of thought, <https://arxiv.org/abs/2305.10601>).
//!
//! Every step asks for thoughts, asks for their values and keeps the best. The search is replayed from the answers each
//! time, so it has no state of its own: what it asks next depends on the answers alone.

use serde_json::{Map, json};

use super::game24;
use super::record::{all_spoken, closed};
use super::shots::{Asker, Separator};
use super::speaker::Speaker;
use super::{Ask, InferContext, Item, Outcome, Prediction};
use crate::dataset::{Dataset, TotConfig};
use crate::model::Profile;
use crate::prompt::{PromptList, Purpose, render_text};
use crate::retrieve::Mt19937;

/// Names of the only prompt wrapper: ours and upstream's.
const GAME24: [&str; 3] = ["game24", "Game24PromptWrapper", "opencompass.datasets.Game24PromptWrapper"];

/// How thoughts are made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Generate {
    Sample,
    Propose,
}

/// How thoughts are chosen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Select {
    Sample,
    Greedy,
}

/// The settings of a search, with upstream's defaults filled in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Settings {
    generate: Generate,
    select: Select,
    generated: usize,
    evaluated: usize,
    selected: usize,
}

impl Settings {
    /// Without a table these are the settings of upstream's `game24`; what a table leaves out has the defaults of
    /// upstream's class.
    fn new(config: Option<&TotConfig>) -> Result<Self, String> {
        let Some(config) = config else {
            return Ok(Self {
                generate: Generate::Propose,
                select: Select::Greedy,
                generated: 1,
                evaluated: 3,
                selected: 5,
            });
        };
        let wrong = |key: &str, found: &str, expected: &str| {
            Err(format!("infer.tot.{key}: found {found}, expected {expected}"))
        };
        let wrapper = config.prompt_wrapper.as_str();
        if !wrapper.is_empty() && !GAME24.contains(&wrapper) {
            return wrong("prompt_wrapper", wrapper, GAME24[0]);
        }
        let generate = match config.method_generate.as_str() {
            "" | "sample" => Generate::Sample,
            "propose" => Generate::Propose,
            other => return wrong("method_generate", other, "sample or propose"),
        };
        if !matches!(config.method_evaluate.as_str(), "" | "value") {
            // Upstream's only wrapper has no prompt for votes.
            return wrong("method_evaluate", &config.method_evaluate, "value, which game24 has prompts for");
        }
        let select = match config.method_select.as_str() {
            "" | "greedy" => Select::Greedy,
            "sample" => Select::Sample,
            other => return wrong("method_select", other, "sample or greedy"),
        };
        Ok(Self {
            generate,
            select,
            generated: config.n_generate_sample.max(1),
            evaluated: config.n_evaluate_sample.max(1),
            selected: config.n_select_sample.max(1),
        })
    }
}

/// Why a search stops before its end.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Halt {
    /// These prompts have to be answered first, each with the number of its sample.
    Asks(Vec<(String, u64)>),
    /// The answers cannot be used.
    Fails(String),
}

/// A search with the answers that it has used.
struct Search<'a> {
    input: &'a str,
    settings: Settings,
    answers: &'a [&'a str],
    used: usize,
    rng: Mt19937,
}

impl Search<'_> {
    /// Follows the search as far as the answers reach and returns the thoughts that are left.
    fn solve(&mut self) -> Result<Vec<String>, Halt> {
        let mut thoughts = vec![String::new()];
        for _ in 0..game24::STEPS {
            let new = self.grown(&thoughts)?;
            let values = self.values(&new)?;
            let chosen = self.chosen(&values)?;
            thoughts = chosen.into_iter().map(|place| new[place].clone()).collect();
        }
        Ok(thoughts)
    }

    /// Returns the answers to `prompts`, or asks for them.
    fn answered(&mut self, prompts: Vec<(String, u64)>) -> Result<Vec<String>, Halt> {
        match self.answers.get(self.used..self.used + prompts.len()) {
            None => Err(Halt::Asks(prompts)),
            Some(answers) => {
                self.used += prompts.len();
                Ok(answers.iter().map(|answer| (*answer).to_owned()).collect())
            }
        }
    }

    /// The next thoughts after each of `thoughts`.
    fn grown(&mut self, thoughts: &[String]) -> Result<Vec<String>, Halt> {
        let samples = match self.settings.generate {
            Generate::Sample => self.settings.generated,
            Generate::Propose => 1,
        };
        let input = self.input;
        let prompts = thoughts.iter().flat_map(|thought| {
            let prompt = match self.settings.generate {
                Generate::Sample => game24::standard_prompt(input, thought),
                Generate::Propose => game24::propose_prompt(input, thought),
            };
            (0..samples as u64).map(move |sample| (prompt.clone(), sample))
        });
        let prompts = prompts.collect();
        let answers = self.answered(prompts)?;
        let parents = thoughts.iter().flat_map(|thought| std::iter::repeat_n(thought, samples));
        let mut grown = Vec::new();
        for (thought, answer) in parents.zip(&answers) {
            match self.settings.generate {
                Generate::Sample => grown.push(format!("{thought}{answer}")),
                Generate::Propose => {
                    grown.extend(answer.split('\n').map(|line| format!("{thought}{line}\n")));
                }
            }
        }
        Ok(grown)
    }

    /// The value of each thought; one that occurs again has none.
    fn values(&mut self, thoughts: &[String]) -> Result<Vec<f64>, Halt> {
        let is_new = |place: &usize| !thoughts[..*place].contains(&thoughts[*place]);
        let new: Vec<usize> = (0..thoughts.len()).filter(is_new).collect();
        let samples = self.settings.evaluated;
        let prompts = new.iter().flat_map(|place| {
            let prompt = game24::value_prompt(self.input, &thoughts[*place]);
            (0..samples as u64).map(move |sample| (prompt.clone(), sample))
        });
        let prompts = prompts.collect();
        let answers = self.answered(prompts)?;
        let mut values = vec![0.0; thoughts.len()];
        for (place, judgements) in new.into_iter().zip(answers.chunks(samples)) {
            values[place] = game24::value(&thoughts[place], judgements);
        }
        Ok(values)
    }

    /// The places of the thoughts that are kept.
    fn chosen(&mut self, values: &[f64]) -> Result<Vec<usize>, Halt> {
        let count = self.settings.selected;
        match self.settings.select {
            Select::Greedy => {
                let mut places: Vec<usize> = (0..values.len()).collect();
                // The sort is stable: the first of equal thoughts stays first.
                places.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
                places.truncate(count);
                Ok(places)
            }
            Select::Sample => self.rng.weighted(values, count).ok_or_else(|| {
                Halt::Fails("tot: found no thought with a value, expected one to choose from".to_owned())
            }),
        }
    }
}

/// Creates the requests of the first step.
pub(super) fn item(
    dataset: &Dataset,
    (index, replica): (usize, usize),
    profile: &Profile,
    context: InferContext,
) -> Result<Item, String> {
    Settings::new(dataset.config.infer.tot.as_ref())?;
    let asker = Asker::new(dataset, Separator::Removed)?;
    let render = |list: &PromptList, _| {
        let text = render_text(list, None, Purpose::Generate)?;
        Ok((text.clone(), text))
    };
    let speaker = Speaker::new(dataset, profile, context);
    let fitted = asker.fit(index, None, (profile, speaker.limit()), render)?;
    let item = Item {
        row: index,
        replica,
        input: Some(fitted.prompt),
        shots: render_text(&fitted.shots, None, Purpose::Score)?,
        dropped_shots: fitted.dropped,
        gold: dataset.test[index].gold(&dataset.config.reader),
        ..Item::default()
    };
    let asks = next(dataset, &item, &[], (profile, context))?;
    Ok(Item { asks, ..item })
}

/// Returns the requests of the next step; none when the search has ended or failed.
pub(super) fn next(
    dataset: &Dataset,
    item: &Item,
    outcomes: &[Outcome],
    (profile, context): (&Profile, InferContext),
) -> Result<Vec<Ask>, String> {
    let prompts = match searched(dataset, item, outcomes, context) {
        Err(Halt::Asks(prompts)) => prompts,
        Ok(_) | Err(Halt::Fails(_)) => return Ok(Vec::new()),
    };
    let speaker = Speaker::new(dataset, profile, context);
    // Answers of another replica have other seeds.
    let first = (item.replica as u64) << 16;
    let ask = |(prompt, sample): (String, u64)| {
        let (request, _) = speaker.request(&PromptList::Text(prompt), first + sample)?;
        Ok(Ask::new(request, profile))
    };
    prompts.into_iter().map(ask).collect()
}

fn searched(
    dataset: &Dataset,
    item: &Item,
    outcomes: &[Outcome],
    context: InferContext,
) -> Result<Vec<String>, Halt> {
    let settings = Settings::new(dataset.config.infer.tot.as_ref()).map_err(Halt::Fails)?;
    let answers = all_spoken(outcomes).map_err(Halt::Fails)?;
    let answers: Vec<&str> = answers.iter().map(|answer| answer.text).collect();
    let seed = context.seed.wrapping_add(((item.replica << 16) | item.row) as u64);
    let input = item.input.as_deref().unwrap_or_default();
    let rng = Mt19937::new(seed as u32);
    Search { input, settings, answers: &answers, used: 0, rng }.solve()
}

/// Takes the thoughts that are left, the best first.
pub(super) fn conclude(
    dataset: &Dataset,
    item: &Item,
    outcomes: &[Outcome],
    context: InferContext,
) -> Prediction {
    let mut prediction = Prediction { gold: item.gold.clone(), ..Prediction::default() };
    match searched(dataset, item, outcomes, context) {
        Ok(thoughts) => prediction.value = Some(thoughts.into()),
        Err(Halt::Fails(message)) => prediction.error = Some(message),
        Err(Halt::Asks(_)) => prediction.error = Some("not asked yet".to_owned()),
    }
    let mut record = Map::new();
    record.insert("origin_prompt".to_owned(), json!(item.input));
    record.insert("prediction".to_owned(), json!(prediction.value));
    closed(item, prediction, record)
}

#[cfg(test)]
mod tests;
