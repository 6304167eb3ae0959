//! Groups: one score for several datasets.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Combine;
use super::board::{Board, ResultMap};
use super::transform::Transform;
use crate::counted::counted;
use crate::prompt::python_str;

/// A group of datasets with one combined score, an entry of `[[group]]`.
///
/// The way of combining is read from upstream's keys `weights`, `sum`, `std` and `harmonic_mean`, and from `ratio`, which
/// divides the first of two members by the second; only `sum` and `weights` may be given together. `transforms` computes
/// a member's score anew before it is combined, such as `{ toxicity = "100 - x" }`. `metric` names the result and changes
/// nothing about the score.
///
/// That differs from upstream (0.5.4, `summarizers/default.py`) in two ways. There the *name* of the metric
/// selects the formula, so `std = true` together with `metric = "gap"` silently gives the average; and of
/// several conflicting keys the first one silently wins. Here the keys are applied, and a conflict is refused.
///
/// ```
/// use opencompass::summary::{Combine, GroupConfig};
/// let text = r#"{"name": "spread", "subsets": ["mmlu", "ceval"], "std": true, "metric": "gap"}"#;
/// let group: GroupConfig = serde_json::from_str(text)?;
/// assert_eq!((group.combine(), group.metric()), (&Combine::Std, "gap"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "GroupTable", into = "GroupTable")]
pub struct GroupConfig {
    name: String,
    subsets: Vec<Subset>,
    metric: Option<String>,
    combine: Combine,
    /// Member -> formula of its score, checked.
    transforms: IndexMap<String, String>,
}

/// A member of a group, or a row of a table.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a name or [name, metric]")]
pub enum Subset {
    /// A dataset with its first metric.
    Name(String),
    /// A dataset with one of its metrics.
    Metric(String, String),
}

impl Subset {
    /// Returns the name of the dataset.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Metric(name, _) => name,
        }
    }
}

impl std::fmt::Display for Subset {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => out.write_str(name),
            Self::Metric(name, metric) => write!(out, "{name}/{metric}"),
        }
    }
}

/// A group as files write it: upstream's keys.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct GroupTable {
    name: String,
    subsets: Vec<Subset>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metric: Option<String>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    weights: IndexMap<String, f64>,
    #[serde(default)]
    sum: bool,
    #[serde(default)]
    std: bool,
    #[serde(default)]
    harmonic_mean: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ratio: bool,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    transforms: IndexMap<String, String>,
}

impl TryFrom<GroupTable> for GroupConfig {
    type Error = String;

    fn try_from(table: GroupTable) -> Result<Self, String> {
        let fail = |message: &str| Err(format!("group `{}`: {message}", table.name));
        if table.subsets.is_empty() {
            return fail("found no subsets, expected at least one");
        }
        let member = |name: &str| table.subsets.iter().any(|subset| subset.name() == name);
        if let Some(name) = table.weights.keys().find(|name| !member(name)) {
            return fail(&format!("found a weight of `{name}`, expected weights of its subsets"));
        }
        if !table.weights.is_empty() && table.weights.values().sum::<f64>() == 0.0 {
            return fail("found weights that sum to 0, expected another sum");
        }
        if let Some(name) = table.transforms.keys().find(|name| !member(name)) {
            return fail(&format!("found a transform of `{name}`, expected transforms of its subsets"));
        }
        for (name, formula) in &table.transforms {
            if let Err(error) = Transform::parse(formula) {
                return fail(&format!("transforms.{name}: {error}"));
            }
        }
        if table.ratio && table.subsets.len() != 2 {
            let found = counted(table.subsets.len(), "subset");
            return fail(&format!("found {found}, expected the two of a ratio"));
        }
        let weighs = !table.weights.is_empty();
        let combine = match [table.std, table.sum, table.harmonic_mean, table.ratio] {
            [false, false, false, false] if weighs => Combine::Weighted(table.weights),
            [false, false, false, false] => Combine::Average,
            [false, true, false, false] => Combine::Sum(table.weights),
            [true, false, false, false] if !weighs => Combine::Std,
            [false, false, true, false] if !weighs => Combine::Harmonic,
            [false, false, false, true] if !weighs => Combine::Ratio,
            _ => {
                return fail(
                    "found several of std, sum, harmonic_mean and weights, or ratio with one of them; expected one, \
                     or sum with weights",
                );
            }
        };
        Ok(Self {
            name: table.name,
            subsets: table.subsets,
            metric: table.metric,
            combine,
            transforms: table.transforms,
        })
    }
}

impl From<GroupConfig> for GroupTable {
    fn from(group: GroupConfig) -> Self {
        let GroupConfig { name, subsets, metric, combine, transforms } = group;
        let table = Self { name, subsets, metric, transforms, ..Self::default() };
        match combine {
            Combine::Average => table,
            Combine::Weighted(weights) => Self { weights, ..table },
            Combine::Sum(weights) => Self { weights, sum: true, ..table },
            Combine::Std => Self { std: true, ..table },
            Combine::Harmonic => Self { harmonic_mean: true, ..table },
            Combine::Ratio => Self { ratio: true, ..table },
        }
    }
}

impl GroupConfig {
    /// Creates a group of datasets, each with its first metric, combined by their average.
    #[must_use]
    pub fn new(name: impl Into<String>, members: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let subsets = members.into_iter().map(|name| Subset::Name(name.into())).collect();
        let transforms = IndexMap::new();
        Self { name: name.into(), subsets, metric: None, combine: Combine::Average, transforms }
    }

    /// Replaces the way of combining.
    #[must_use]
    pub fn with_combine(self, combine: Combine) -> Self {
        Self { combine, ..self }
    }

    /// Names the combined metric. The name changes nothing about the score.
    #[must_use]
    pub fn with_metric(self, metric: impl Into<String>) -> Self {
        Self { metric: Some(metric.into()), ..self }
    }

    /// Returns the group's name in tables.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the members: all by name, or all as pairs of name and metric.
    #[must_use]
    pub fn subsets(&self) -> &[Subset] {
        &self.subsets
    }

    /// Returns how the members' scores are combined.
    #[must_use]
    pub fn combine(&self) -> &Combine {
        &self.combine
    }

    /// Returns the name of the combined metric.
    #[must_use]
    pub fn metric(&self) -> &str {
        self.metric.as_deref().unwrap_or_else(|| self.combine.metric())
    }

    /// Returns what turns the members' scores into the group's: the transforms, then the combination.
    pub(crate) fn combined(&self) -> impl Fn(&[(String, f64)]) -> f64 + '_ {
        let formula = |(name, text): (&String, &String)| Some((name.clone(), Transform::parse(text).ok()?));
        let formulas: IndexMap<String, Transform> = self.transforms.iter().filter_map(formula).collect();
        move |scores| {
            let transformed = scores.iter().map(|(name, score)| {
                let score = formulas.get(name).map_or(*score, |formula| formula.apply(*score));
                (name.clone(), score)
            });
            self.combine.apply(&transformed.collect::<Vec<_>>())
        }
    }

    /// Returns the members whose score a model lacks, as they are written in the group.
    pub(super) fn missing(&self, board: &Board, model: &str) -> Vec<&Subset> {
        self.subsets.iter().filter(|subset| member_score(board, model, subset).is_none()).collect()
    }

    /// Adds the group's results for every model. A group that lacks some members is an error that names them;
    /// a group without any member's result is left out.
    pub(super) fn add_to(&self, board: &mut Board) {
        for model in board.models.clone() {
            let missing = self.missing(board, &model);
            if missing.len() == self.subsets.len() {
                continue;
            }
            if !missing.is_empty() {
                let error = format!("missing metrics: {}", python_str(&json!(missing)));
                let result = ResultMap::from_iter([("error".to_owned(), Value::from(error))]);
                board.raw[&model].insert(self.name.clone(), result);
                continue;
            }
            self.add_complete(board, &model);
        }
    }

    fn add_complete(&self, board: &mut Board, model: &str) {
        let members = self.member_scores(board, model);
        let combined = self.combined();
        let result: IndexMap<String, f64> =
            members.iter().map(|(metric, scores)| (metric.clone(), combined(scores))).collect();
        let raw: Map<String, Value> =
            result.iter().map(|(metric, score)| (metric.clone(), json!(score))).collect();
        board.raw[model].insert(self.name.clone(), raw);
        let mut modes: Vec<String> = self.subsets.iter().map(|subset| board.mode(subset.name())).collect();
        modes.sort();
        modes.dedup();
        let mode = if modes.len() == 1 { modes.remove(0) } else { "mixed".to_owned() };
        board.modes.insert(self.name.clone(), mode);
        let metrics = board.metrics.entry(self.name.clone()).or_default();
        for metric in result.keys() {
            if !metrics.contains(metric) {
                metrics.push(metric.clone());
            }
        }
        board.parsed[model].insert(self.name.clone(), result);
    }

    /// Returns metric -> (member, score): first the metrics that all members share, then the group's own metric
    /// over the members' first metrics.
    fn member_scores(&self, board: &Board, model: &str) -> IndexMap<String, Vec<(String, f64)>> {
        let mut scores = IndexMap::new();
        let first = self.subsets.first().map(Subset::name).unwrap_or_default();
        if self.subsets.iter().all(|subset| matches!(subset, Subset::Name(_))) {
            for metric in board.metrics.get(first).into_iter().flatten() {
                let of = |subset: &Subset| {
                    let score = board.parsed[model].get(subset.name())?.get(metric)?;
                    Some((subset.name().to_owned(), *score))
                };
                // A metric that one member lacks is not a metric of the group.
                if let Some(shared) = self.subsets.iter().map(of).collect::<Option<Vec<_>>>() {
                    scores.insert(metric.clone(), shared);
                }
            }
        }
        let own = self
            .subsets
            .iter()
            .filter_map(|subset| Some((subset.name().to_owned(), member_score(board, model, subset)?)));
        scores.insert(self.metric().to_owned(), own.collect());
        scores
    }
}

/// Returns a model's score of a group's member: the named metric, or the first one of the dataset.
fn member_score(board: &Board, model: &str, subset: &Subset) -> Option<f64> {
    let result = board.parsed.get(model)?.get(subset.name())?;
    let metric = match subset {
        Subset::Name(name) => board.metrics.get(name)?.first()?,
        Subset::Metric(_, metric) => metric,
    };
    result.get(metric).copied()
}
