//! `judge_pair`: the judge compares each answer with that of a baseline, possibly in both orders. Upstream it is
//! `LMEvaluator` with the post-processors `arenahard` and `alpacaeval`.

use indexmap::IndexMap;
use internlm_kit::rng::CounterRng;
use serde::Deserialize;
use serde_json::json;

use super::battle::{Battle, bradley_terry};
use super::length::length_controlled;
use super::panel::{Panel, first_error, judgement, majority, mean, shown};
use super::parse::{PairForm, Preference};
use super::template::column;
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::text::words::two_decimals;
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, FollowUp, Metrics, Participant, ScoredItem, Scores};

/// Names of the two sides in battles.
const MODEL: &str = "model";
const BASELINE: &str = "baseline";
/// How often Arena-Hard counts a clear win.
const CLEAR: f64 = 3.0;
/// Number of resamples of the interval, as in Arena-Hard.
const RESAMPLES: u64 = 100;

/// Arguments of `judge_pair`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    judge: Panel,
    /// Column of the baseline's answer.
    baseline: String,
    /// How verdicts are written. Default: `arena`.
    #[serde(default)]
    form: PairForm,
    /// In which order the answers are shown. Default: `double`.
    #[serde(default)]
    order: Order,
    /// Seed of `random` and of the interval. Default: 42.
    #[serde(default = "seed")]
    seed: u64,
    /// Column of the category of a question. Default: `capability`.
    #[serde(default = "capability")]
    category: String,
}

/// The order in which a judge sees the answers.
#[derive(Clone, Copy, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// Both orders; verdicts that contradict each other are a tie.
    #[default]
    Double,
    /// One of both, drawn by the seed and the row.
    Random,
    /// The baseline first.
    BaselineFirst,
}

fn seed() -> u64 {
    42
}

fn capability() -> String {
    "capability".to_owned()
}

/// Lets judges compare answers with those of a baseline.
pub(super) struct Pairwise {
    arguments: Arguments,
}

/// The verdicts on one item: for each order who came first, and how much better the model is.
struct Match {
    category: String,
    /// Whether the model was shown first, and the preference for the model.
    verdicts: Vec<(bool, Option<Preference>)>,
    /// Number of letters that the model's answer is longer.
    longer: f64,
}

impl Match {
    /// The outcome for the model: 1, 0.5 or 0. Orders that contradict each other are a tie.
    fn outcome(&self) -> Option<f64> {
        let signs: Vec<i8> =
            self.verdicts.iter().filter_map(|(_, verdict)| Some(verdict.as_ref()?.signum())).collect();
        let first = *signs.first()?;
        let agreed = if signs.iter().all(|sign| *sign == first) { first } else { 0 };
        Some((f64::from(agreed) + 1.0) / 2.0)
    }

    /// Whether the judge preferred the same place in both orders. `None` if it was not asked in both.
    fn prefers_place(&self) -> Option<bool> {
        let [(_, Some(one)), (_, Some(other))] = self.verdicts[..] else { return None };
        Some(one.signum() * other.signum() < 0)
    }
}

impl Pairwise {
    pub(super) fn create(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        let arguments: Arguments = setup.named.arguments()?;
        let judge = arguments.judge.checked(setup.named.name())?;
        Ok(Box::new(Self { arguments: Arguments { judge, ..arguments } }))
    }

    /// Says for each prompt of an item whether the model is shown first.
    fn orders(&self, item: &ScoredItem<'_>) -> Vec<bool> {
        match self.arguments.order {
            Order::Double => vec![false, true],
            Order::BaselineFirst => vec![false],
            Order::Random => {
                let draws =
                    CounterRng::new(self.arguments.seed, "judge order").split(item.prediction.row as u64);
                vec![draws.below(item.prediction.replica as u64, 2) == 1]
            }
        }
    }

    fn baseline(&self, item: &ScoredItem<'_>) -> Option<String> {
        column(item, &self.arguments.baseline).map(python_str)
    }

    /// Reads the verdicts on an item.
    fn read(&self, item: &ScoredItem<'_>) -> Match {
        let of_prompt = item.evidence.chunks(self.arguments.judge.size());
        let verdict = |(model_first, outcomes): (bool, &[crate::infer::Outcome])| {
            let read = |outcome| self.arguments.form.read(judgement(outcome).ok()?);
            let verdicts: Vec<Option<Preference>> = outcomes.iter().map(read).collect();
            let first = majority(&verdicts);
            (model_first, first.map(|first| if model_first { first } else { -first }))
        };
        let letters = |text: &str| text.chars().count() as f64;
        Match {
            category: column(item, &self.arguments.category).map_or_else(String::new, python_str),
            verdicts: self.orders(item).into_iter().zip(of_prompt).map(verdict).collect(),
            longer: letters(&item.pred_text()) - letters(&self.baseline(item).unwrap_or_default()),
        }
    }

    fn metrics(&self, matches: &[Match]) -> Metrics {
        let battles: Vec<Battle> = matches.iter().flat_map(battles).collect();
        let outcomes: Vec<f64> = matches.iter().filter_map(Match::outcome).collect();
        let mut metrics = Metrics::new();
        if battles.is_empty() {
            return metrics;
        }
        let rating = |battles: &[Battle]| bradley_terry(battles, BASELINE).get(MODEL).copied().unwrap_or(0.0);
        let elo = rating(&battles);
        let expected = 1.0 / (1.0 + 10.0_f64.powf((1000.0 - elo) / 400.0));
        if self.arguments.form == PairForm::Alpaca {
            metrics
                .insert("total".to_owned(), two_decimals(100.0 * mean(outcomes.into_iter()).unwrap_or(0.0)));
            metrics.extend(by_category(matches));
        } else {
            metrics.insert("score".to_owned(), two_decimals(100.0 * expected));
            metrics.insert("win_rate".to_owned(), 100.0 * mean(outcomes.into_iter()).unwrap_or(0.0));
        }
        let controlled: Vec<(f64, f64)> =
            matches.iter().filter_map(|found| Some((found.outcome()?, found.longer))).collect();
        if let Some(share) = length_controlled(&controlled) {
            metrics.insert("length_controlled_win_rate".to_owned(), 100.0 * share);
        }
        metrics.insert("elo".to_owned(), elo);
        let draws = CounterRng::new(self.arguments.seed, "battles");
        let resampled = |resample: u64| {
            let draws = draws.split(resample);
            let count = battles.len() as u64;
            let drawn = (0..count).map(|draw| battles[draws.below(draw, count) as usize].clone());
            rating(&drawn.collect::<Vec<Battle>>())
        };
        let mut ratings: Vec<f64> = (0..RESAMPLES).map(resampled).collect();
        ratings.sort_by(f64::total_cmp);
        metrics.insert("elo_low".to_owned(), percentile(&ratings, 0.025));
        metrics.insert("elo_high".to_owned(), percentile(&ratings, 0.975));
        metrics
    }
}

/// The battles of one item, one per order.
fn battles(found: &Match) -> Vec<Battle> {
    let battle = |(_, verdict): &(bool, Option<Preference>)| {
        let verdict = (*verdict)?;
        Some(Battle {
            model_a: MODEL.to_owned(),
            model_b: BASELINE.to_owned(),
            score: (f64::from(verdict.signum()) + 1.0) / 2.0,
            weight: if verdict.abs() > 1 { CLEAR } else { 1.0 },
        })
    };
    found.verdicts.iter().filter_map(battle).collect()
}

/// The win rate of every category in percent, in the order in which they occur.
fn by_category(matches: &[Match]) -> Metrics {
    let mut categories: IndexMap<&str, Vec<f64>> = IndexMap::new();
    for found in matches {
        if let Some(outcome) = found.outcome() {
            categories.entry(&found.category).or_default().push(outcome);
        }
    }
    let share = |outcomes: Vec<f64>| two_decimals(100.0 * mean(outcomes.into_iter()).unwrap_or(0.0));
    categories.into_iter().map(|(name, outcomes)| (name.to_owned(), share(outcomes))).collect()
}

/// The quantile of sorted numbers, linear between neighbors.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below])
}

impl Evaluate for Pairwise {
    fn participants(&self) -> Vec<Participant> {
        self.arguments.judge.participants()
    }

    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        let Some(baseline) = self.baseline(item).filter(|_| item.evidence.is_empty()) else {
            return Vec::new();
        };
        let answer = item.pred_text();
        let asks = self.orders(item).into_iter().flat_map(|model_first| {
            let (one, two) = if model_first { (&answer, &baseline) } else { (&baseline, &answer) };
            self.arguments.judge.asks(item, &|name| match name {
                "prediction" => Some(one.clone()),
                "prediction2" => Some(two.clone()),
                _ => None,
            })
        });
        asks.collect()
    }

    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut matches = Vec::with_capacity(items.len());
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let found = self.read(item);
            let outcome = found.outcome();
            let mut detail = Detail { score: Some(outcome.unwrap_or(0.0)), ..detail(item) };
            detail.extra.insert("judgements".to_owned(), shown(&item.evidence));
            let error = first_error(&item.evidence);
            let unread = || match self.baseline(item) {
                Some(_) => "judge: found no verdict".to_owned(),
                None => {
                    format!("row: found no `{}`, expected the baseline's answer", self.arguments.baseline)
                }
            };
            detail.reason = detail.reason.or(error).or_else(|| outcome.is_none().then(unread));
            details.push(detail);
            matches.push(found);
        }
        let places = matches.iter().filter_map(Match::prefers_place);
        let bias = mean(places.map(|prefers| f64::from(u8::from(prefers))));
        let metrics = self.metrics(&matches);
        let mut scores = Scores { metrics, details, answered: answered(items), ..Scores::default() };
        if let Some(share) = bias {
            scores.extra.insert("position_bias_rate".to_owned(), json!(100.0 * share));
        }
        let size = self.arguments.judge.size();
        let verdicts = |item: &ScoredItem<'_>| {
            let read = |outcome| self.arguments.form.read(judgement(outcome).ok()?);
            item.evidence
                .chunks(size)
                .map(|prompt| prompt.iter().map(read).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let consistency = items.iter().flat_map(verdicts);
        let consistency = consistency.filter_map(|prompt| self.arguments.judge.consistency(&prompt));
        if let Some(share) = mean(consistency) {
            scores.extra.insert("judge_consistency".to_owned(), json!(100.0 * share));
        }
        scores
    }
}
