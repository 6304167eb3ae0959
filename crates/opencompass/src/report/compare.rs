//! Compares two runs cell by cell: the difference of scores, whether it is more than chance, and the items that changed.

use indexmap::IndexMap;
use serde_json::Value;

use super::cells::{Cell, Run};
use crate::Result;
use crate::run_folder::RunFolder;
use crate::statistics::{Bootstrap, PairedTest, Sample, agree};

/// One model on one dataset in two runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CellDifference {
    /// Model of the first run, and of the second if it has another name.
    pub model: String,
    /// Dataset of both runs.
    pub dataset: String,
    /// The headline metric of the first run.
    pub metric: String,
    /// Score in the first run.
    pub first: f64,
    /// Score in the second run.
    pub second: f64,
    /// The paired bootstrap over the items that both runs have. Absent if the items do not match or have no scores of
    /// their own.
    pub test: Option<PairedTest>,
    /// Keys of the items that only the second run has right.
    pub gained: Vec<String>,
    /// Keys of the items that only the first run has right.
    pub lost: Vec<String>,
    /// Whether items with the same key expect different answers: the runs asked different questions, and nothing is
    /// compared item by item.
    pub other_questions: bool,
}

/// What a run says about one item.
struct Item {
    score: f64,
    /// Key of the item, or the question that it belongs to with others.
    question: String,
    /// The expected answer as it is in the data.
    gold: Value,
}

type Items = IndexMap<String, Item>;

/// Compares the cells that two runs have in common. Models are matched by name; if each run has exactly one model, these
/// two are compared whatever their names.
///
/// # Errors
/// [`Error::UnknownName`](crate::Error::UnknownName) when a folder has no scored run;
/// [`Error::Content`](crate::Error::Content) when a file of it is damaged.
pub fn compare(first: &RunFolder, second: &RunFolder) -> Result<Vec<CellDifference>> {
    let (one, two) = (Run::read(first, 0)?, Run::read(second, 0)?);
    let mut differences = Vec::new();
    for (cell, other) in pairs(&one, &two) {
        let (Some((metric, before)), Some((_, after))) = (&cell.headline, &other.headline) else { continue };
        let before_items = items(first, &cell.model, &cell.dataset)?;
        let after_items = items(second, &other.model, &cell.dataset)?;
        let other_questions = before_items
            .iter()
            .any(|(key, item)| after_items.get(key).is_some_and(|other| other.gold != item.gold));
        let changed = |from: &Items, to: &Items| {
            let more = |(key, item): &(&String, &Item)| {
                !other_questions && to.get(*key).is_some_and(|other| other.score > item.score)
            };
            from.iter().filter(more).map(|(key, _)| key.clone()).collect::<Vec<String>>()
        };
        let test = || paired((&before_items, *before), (&after_items, *after));
        let model = match other.model == cell.model {
            true => cell.model.clone(),
            false => format!("{} / {}", cell.model, other.model),
        };
        differences.push(CellDifference {
            model,
            dataset: cell.dataset.clone(),
            metric: metric.clone(),
            first: *before,
            second: *after,
            test: if other_questions { None } else { test() },
            gained: changed(&before_items, &after_items),
            lost: changed(&after_items, &before_items),
            other_questions,
        });
    }
    Ok(differences)
}

/// Returns the cells that two runs have in common and whose headlines are the same metric.
pub(super) fn pairs<'a>(one: &'a Run, two: &'a Run) -> Vec<(&'a Cell, &'a Cell)> {
    let mut pairs = Vec::new();
    for cell in &one.cells {
        let partner = match (&one.models[..], &two.models[..]) {
            ([_], [model]) => model,
            _ => &cell.model,
        };
        let Some(other) = two.cell(partner, &cell.dataset) else { continue };
        if let (Some((metric, _)), Some((same, _))) = (&cell.headline, &other.headline)
            && metric == same
        {
            pairs.push((cell, other));
        }
    }
    pairs
}

/// Returns a cell's items by key, as far as they have scores of their own.
fn items(folder: &RunFolder, model: &str, dataset: &str) -> Result<Items> {
    let results = folder.read_if_present("results", model, dataset)?.unwrap_or_default();
    let predictions = folder.read_if_present("predictions", model, dataset)?.unwrap_or_default();
    let item = |(key, detail): (&String, &Value)| {
        let correct = detail["correct"].as_bool().map(|correct| f64::from(u8::from(correct)));
        let score = detail["score"].as_f64().or(correct)?;
        let question = detail["qid"].as_str().unwrap_or(key).to_owned();
        Some((key.clone(), Item { score, question, gold: predictions[key]["gold"].clone() }))
    };
    Ok(results["details"].as_object().into_iter().flatten().filter_map(item).collect())
}

/// Tests the difference over the items, if the scores are the means of the items' scores.
fn paired((first, before): (&Items, f64), (second, after): (&Items, f64)) -> Option<PairedTest> {
    if first.len() != second.len() || first.keys().any(|key| !second.contains_key(key)) {
        return None;
    }
    [1.0, 100.0].into_iter().find_map(|scale| {
        let sample = |items: &Items| {
            let value =
                |(key, item): (&String, &Item)| (item.question.clone(), scale * items[key].score, 1.0);
            Sample::of(first.iter().map(value))
        };
        let (one, two) = (sample(first), sample(second));
        let means = agree(one.statistic(), before) && agree(two.statistic(), after);
        means.then(|| Bootstrap::default().paired(&one, &two)).flatten()
    })
}
