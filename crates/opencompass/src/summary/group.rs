//! Groups: one score from several datasets.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::table::{Board, ResultMap};
use crate::prompt::python_str;

/// A group of datasets with a score of its own.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GroupConfig {
    /// Name in tables.
    pub name: String,
    /// The members: all by name, or all as `[name, metric]`.
    pub subsets: Vec<Subset>,
    /// Name of the metric; that of the kind of average without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Member -> weight.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub weights: IndexMap<String, f64>,
    /// Sum instead of average.
    #[serde(default)]
    pub sum: bool,
    /// Population standard deviation instead of average.
    #[serde(default)]
    pub std: bool,
    /// Harmonic mean instead of average.
    #[serde(default)]
    pub harmonic_mean: bool,
}

/// One member of a group.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a name or [name, metric]")]
pub enum Subset {
    /// A dataset by its first metric.
    Name(String),
    /// A dataset's metric.
    Metric(String, String),
}

impl Subset {
    fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Metric(name, _) => name,
        }
    }
}

impl GroupConfig {
    /// The name of the group's own metric.
    fn own_metric(&self) -> &str {
        match &self.metric {
            Some(metric) => metric,
            None if self.std => "standard_deviation",
            None if self.sum => "sum",
            None if !self.weights.is_empty() => "weighted_average",
            None if self.harmonic_mean => "harmonic_mean",
            None => "naive_average",
        }
    }

    /// Adds the group's results of every model. A group with a missing member is an error that names it; a
    /// group without any member's result is left out.
    pub(super) fn add_to(&self, board: &mut Board) {
        for model in board.models.clone() {
            let parsed = &board.parsed[&model];
            let (there, missing): (Vec<&Subset>, Vec<&Subset>) =
                self.subsets.iter().partition(|subset| match subset {
                    Subset::Name(name) => parsed.contains_key(name),
                    Subset::Metric(name, metric) => {
                        parsed.get(name).is_some_and(|result| result.contains_key(metric))
                    }
                });
            if there.is_empty() {
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
        let result: IndexMap<String, f64> =
            members.iter().map(|(metric, scores)| (metric.clone(), self.combine(scores))).collect();
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

    /// Metric -> (member, score): metrics that all members share, then the group's own over first metrics.
    fn member_scores(&self, board: &Board, model: &str) -> IndexMap<String, Vec<(String, f64)>> {
        let parsed = &board.parsed[model];
        let mut scores = IndexMap::new();
        let first = self.subsets.first().map(Subset::name).unwrap_or_default();
        if self.subsets.iter().all(|subset| matches!(subset, Subset::Name(_))) {
            let shared = board.metrics[first].iter().filter(|metric| {
                self.subsets.iter().all(|subset| board.metrics[subset.name()].contains(metric))
            });
            for metric in shared {
                let of = |subset: &Subset| (subset.name().to_owned(), parsed[subset.name()][metric]);
                scores.insert(metric.clone(), self.subsets.iter().map(of).collect());
            }
        }
        let own = self.subsets.iter().map(|subset| match subset {
            Subset::Name(name) => (name.clone(), parsed[name][&board.metrics[name][0]]),
            Subset::Metric(name, metric) => (name.clone(), parsed[name][metric]),
        });
        scores.insert(self.own_metric().to_owned(), own.collect());
        scores
    }

    /// One score from the members'; the kind of average applies to shared metrics too.
    fn combine(&self, scores: &[(String, f64)]) -> f64 {
        let count = scores.len() as f64;
        let total: f64 = scores.iter().map(|(_, score)| score).sum();
        let kind = self.own_metric();
        if kind == "standard_deviation" {
            let mean = total / count;
            return (scores.iter().map(|(_, score)| (score - mean).powi(2)).sum::<f64>() / count).sqrt();
        }
        if kind == "harmonic_mean" {
            // Upstream: with a score of 0 or less, every score counts as at least 1.
            let floor = if scores.iter().any(|(_, score)| *score <= 0.0) { 1.0 } else { f64::MIN_POSITIVE };
            return count / scores.iter().map(|(_, score)| 1.0 / score.max(floor)).sum::<f64>();
        }
        let (numerator, denominator) = if self.weights.is_empty() {
            (total, count)
        } else {
            let weight = |name: &str| self.weights.get(name).copied().unwrap_or(0.0);
            let weighted = scores.iter().filter(|(name, _)| weight(name) != 0.0);
            (weighted.map(|(name, score)| score * weight(name)).sum(), self.weights.values().sum::<f64>())
        };
        if kind == "sum" { numerator } else { numerator / denominator }
    }
}
