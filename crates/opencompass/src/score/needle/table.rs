//! The evaluators of this folder by name.

use serde::Deserialize;

use super::retrieval::{Multiple, Parallel, Single, WithoutKeyword};
use crate::Result;
use crate::prompt::python_str;
use crate::score::Evaluate;
use crate::score::entry::{EvaluatorEntry, Setup};
use crate::score::text::{judged, plain};

/// Entries of the registry.
pub(in crate::score) const ENTRIES: &[EvaluatorEntry] = &[
    EvaluatorEntry {
        name: "needle",
        upstream: &["NeedleBenchOriginEvaluator"],
        has_fixed: false,
        make: single,
    },
    EvaluatorEntry {
        name: "needle_v2",
        upstream: &[],
        has_fixed: false,
        make: |setup| plain(setup, Single { without: WithoutKeyword::Nothing }),
    },
    EvaluatorEntry {
        name: "needle_multi",
        upstream: &["NeedleBenchMultiEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, Multiple),
    },
    EvaluatorEntry {
        name: "needle_parallel",
        upstream: &["NeedleBenchParallelEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, Parallel),
    },
    EvaluatorEntry {
        name: "needle_atc",
        upstream: &["NeedleBenchATCEvaluator"],
        has_fixed: false,
        make: |setup| {
            judged(setup, "score", |item, _| item.pred_text().trim() == python_str(&item.answer).trim())
        },
    },
];

/// Arguments of `needle`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Whether the answer is cut to the length of the needle before they are compared. Default: false.
    #[serde(default)]
    use_trim: bool,
}

fn single(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    let Arguments { use_trim } = setup.named.arguments()?;
    let without = if use_trim { WithoutKeyword::TrimmedLikeness } else { WithoutKeyword::Likeness };
    Ok(Box::new(Single { without }))
}
