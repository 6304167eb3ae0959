//! Means of what the model measured: perplexities, MinK% and bits per character.

use serde_json::Value;

use crate::score::verdict::detail;
use crate::score::{Detail, Evaluate, Metrics, ScoredItem, Scores};

/// What is measured per item, and how the items become one number. The answer is an object with the fields that
/// upstream's inferencers record, or a number where there is only one field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Measure {
    /// `AveragePPLEvaluator`: the mean of `ppl`.
    Perplexity,
    /// `AverageMinKEvaluator`: the mean of `mink`.
    MinK,
    /// `AverageInferencePPLEvaluator`: the sum of `ppl` by the sum of `token_len`.
    PerToken,
    /// `BPCEvaluator`: the sum of `loss` by `total_chr_num` of the first item and the natural logarithm of 2.
    BitsPerCharacter,
}

impl Measure {
    fn fields(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Perplexity => ("ppl", None),
            Self::MinK => ("mink", None),
            Self::PerToken => ("ppl", Some("token_len")),
            Self::BitsPerCharacter => ("loss", Some("total_chr_num")),
        }
    }

    fn metric(self) -> &'static str {
        match self {
            Self::Perplexity | Self::PerToken => "average_ppl",
            Self::MinK => "average_mink",
            Self::BitsPerCharacter => "bpc",
        }
    }

    /// The two numbers of an item; `None` if it has not been measured.
    fn of(self, item: &ScoredItem<'_>) -> Option<(f64, f64)> {
        let (value, weight) = self.fields();
        let number = |name: &str| item.pred.get(name).and_then(Value::as_f64);
        let value = number(value).or_else(|| item.pred.as_f64())?;
        Some((value, weight.map_or(Some(1.0), number)?))
    }

    fn total(self, numbers: &[(f64, f64)]) -> f64 {
        let sum: f64 = numbers.iter().map(|(value, _)| value).sum();
        let weights: f64 = match self {
            Self::BitsPerCharacter => numbers[0].1 * std::f64::consts::LN_2,
            _ => numbers.iter().map(|(_, weight)| weight).sum(),
        };
        sum / weights
    }
}

impl Evaluate for Measure {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let measured: Vec<Option<(f64, f64)>> = items.iter().map(|item| self.of(item)).collect();
        let known: Vec<(f64, f64)> = measured.iter().flatten().copied().collect();
        let mut metrics = Metrics::new();
        if !known.is_empty() {
            metrics.insert(self.metric().to_owned(), self.total(&known));
        }
        let judged = |(item, measured): (&ScoredItem<'_>, &Option<(f64, f64)>)| Detail {
            score: measured.map(|(value, _)| value),
            ..detail(item)
        };
        let details = items.iter().zip(&measured).map(judged).collect();
        Scores { metrics, details, answered: known.len(), ..Scores::default() }
    }
}
