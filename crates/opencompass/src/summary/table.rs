//! The summary table: picks metrics, adds groups and formats scores.

use indexmap::IndexMap;

use super::board::{Board, ResultMap};
use super::tabulate::tabulate;
use super::text;
use super::{GroupConfig, Subset};

/// Metrics that tables show first, in this order (`METRIC_WHITELIST` upstream).
const FIRST_METRICS: [&str; 12] = [
    "score",
    "auc_score",
    "accuracy",
    "humaneval_pass@1",
    "rouge1",
    "avg_toxicity_score",
    "bleurt_diff",
    "matthews_correlation",
    "truth",
    "f1",
    "exact_match",
    "extract_rate",
];
/// Metrics that tables never show (`METRIC_BLACKLIST` upstream).
const HIDDEN_METRICS: [&str; 4] = ["bp", "sys_len", "ref_len", "type"];

/// The columns of a table that describe a dataset.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SummaryDataset {
    /// Name in the first column of the table.
    pub name: String,
    /// First six hexadecimal digits of the prompt hash.
    pub version: String,
    /// Inference mode: `gen`, `ppl` or `ll`.
    pub mode: String,
}

/// Everything that a summary is made of.
#[derive(Clone, Debug, Default)]
pub struct SummaryInput {
    /// Models in column order.
    pub models: Vec<String>,
    /// Datasets in row order.
    pub datasets: Vec<SummaryDataset>,
    /// Results by model and dataset; a missing one leaves its cell empty.
    pub results: IndexMap<String, IndexMap<String, ResultMap>>,
    /// Groups of datasets. A group may contain earlier groups.
    pub groups: Vec<GroupConfig>,
    /// Rows of the table. Default: every dataset and group with each of its metrics.
    pub rows: Option<Vec<Subset>>,
}

/// Sorts the results by model and dataset, then adds the groups in their order.
fn board(input: &SummaryInput) -> Board {
    let modes = input.datasets.iter().map(|dataset| (dataset.name.clone(), dataset.mode.clone()));
    let mut board = Board {
        models: input.models.clone(),
        raw: IndexMap::new(),
        parsed: IndexMap::new(),
        metrics: IndexMap::new(),
        modes: modes.collect(),
    };
    for model in &input.models {
        let mut raw = IndexMap::new();
        let mut parsed = IndexMap::new();
        for dataset in &input.datasets {
            let results = input.results.get(model);
            let Some(result) = results.and_then(|results| results.get(&dataset.name)) else { continue };
            raw.insert(dataset.name.clone(), result.clone());
            let shown = shown_metrics(result);
            if shown.is_empty() {
                continue;
            }
            let metrics = board.metrics.entry(dataset.name.clone()).or_insert_with(|| ordered(&shown));
            for metric in ordered(&shown) {
                // A metric that only a later model has would otherwise be lost.
                if !metrics.contains(&metric) {
                    metrics.push(metric);
                }
            }
            parsed.insert(dataset.name.clone(), shown);
        }
        board.raw.insert(model.clone(), raw);
        board.parsed.insert(model.clone(), parsed);
    }
    for group in &input.groups {
        group.add_to(&mut board);
    }
    board
}

fn shown_metrics(result: &ResultMap) -> IndexMap<String, f64> {
    if result.contains_key("error") {
        return IndexMap::new();
    }
    let shown = result.iter().filter(|(metric, _)| !HIDDEN_METRICS.contains(&metric.as_str()));
    shown.filter_map(|(metric, value)| Some((metric.clone(), value.as_f64()?))).collect()
}

fn ordered(metrics: &IndexMap<String, f64>) -> Vec<String> {
    let mut names: Vec<String> = metrics.keys().cloned().collect();
    names.sort_by_key(|name| place(name));
    names
}

/// Returns the place of a metric in the order of tables.
fn place(metric: &str) -> usize {
    FIRST_METRICS.iter().position(|first| *first == metric).unwrap_or(FIRST_METRICS.len())
}

/// Returns the metric that a table shows first, of a dataset with these metrics.
pub(crate) fn headline_metric<'a>(metrics: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    metrics.filter(|metric| !HIDDEN_METRICS.contains(&metric.as_str())).min_by_key(|metric| place(metric))
}

/// A finished table that can be printed in several forms.
///
/// ```
/// use opencompass::summary::{Summary, SummaryDataset, SummaryInput};
/// let result = serde_json::json!({"accuracy": 70.85});
/// let input = SummaryInput {
///     models: vec!["tiny".into()],
///     datasets: vec![SummaryDataset { name: "gsm8k".into(), version: "1d7fe4".into(), mode: "gen".into() }],
///     results: [("tiny".to_string(), [("gsm8k".to_string(), result.as_object().unwrap().clone())].into())].into(),
///     ..SummaryInput::default()
/// };
/// assert_eq!(Summary::new(&input).csv(), "dataset,version,metric,mode,tiny\ngsm8k,1d7fe4,accuracy,gen,70.85\n");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The header, then the rows; every cell as text.
    pub rows: Vec<Vec<String>>,
    /// Groups without a score, one `MODEL x GROUP: reason` each.
    pub problems: Vec<String>,
    raw: String,
}

impl Summary {
    /// Creates the table from the results.
    #[must_use]
    pub fn new(input: &SummaryInput) -> Self {
        let board = board(input);
        let mut rows = vec![["dataset", "version", "metric", "mode"].map(str::to_owned).to_vec()];
        rows[0].extend(input.models.iter().cloned());
        for (name, metric) in row_names(input, &board) {
            rows.push(row(input, &board, &name, metric.as_deref()));
        }
        Self { rows, problems: problems(input, &board), raw: text::raw(&board.models, &board.raw) }
    }

    /// Formats the table for a terminal, as Python's `tabulate` does.
    #[must_use]
    pub fn table(&self) -> String {
        tabulate(&self.rows)
    }

    /// Formats the csv file. Commas inside cells become spaces, as in upstream.
    #[must_use]
    pub fn csv(&self) -> String {
        let line =
            |row: &Vec<String>| row.iter().map(|cell| cell.replace(',', " ")).collect::<Vec<_>>().join(",");
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
    }

    /// Formats the markdown file.
    #[must_use]
    pub fn markdown(&self) -> String {
        text::markdown(&self.rows)
    }

    /// Formats the txt file: `label`, the table in three forms, and the raw results.
    #[must_use]
    pub fn txt(&self, label: &str) -> String {
        text::txt(label, &self.rows, &self.table(), &self.raw)
    }
}

/// Names the groups that lack members. Upstream leaves such a group out of the table, or empty, without a word.
fn problems(input: &SummaryInput, board: &Board) -> Vec<String> {
    let mut problems = Vec::new();
    for model in &board.models {
        for group in &input.groups {
            let missing = group.missing(board, model);
            if !missing.is_empty() {
                let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
                problems.push(format!("{model} x {}: found no score of {}", group.name(), names.join(", ")));
            }
        }
    }
    problems
}

/// Lists the rows as (dataset, metric). A dataset without results has no metric.
fn row_names(input: &SummaryInput, board: &Board) -> Vec<(String, Option<String>)> {
    if let Some(rows) = &input.rows {
        let name = |row: &Subset| match row {
            Subset::Name(name) => (name.clone(), None),
            Subset::Metric(name, metric) => (name.clone(), Some(metric.clone())),
        };
        return rows.iter().map(name).collect();
    }
    let mut rows = Vec::new();
    for dataset in &input.datasets {
        match board.metrics.get(&dataset.name) {
            Some(metrics) => {
                rows.extend(metrics.iter().map(|metric| (dataset.name.clone(), Some(metric.clone()))))
            }
            None => rows.push((dataset.name.clone(), None)),
        }
    }
    for (name, metrics) in &board.metrics {
        for metric in metrics {
            let row = (name.clone(), Some(metric.clone()));
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
    }
    rows
}

fn row(input: &SummaryInput, board: &Board, name: &str, metric: Option<&str>) -> Vec<String> {
    let dash = || "-".to_owned();
    let known = board.metrics.get(name);
    let metric = match (known, metric) {
        (Some(known), None) => Some(known[0].as_str()),
        (Some(known), Some(metric)) if known.iter().any(|known| known == metric) => Some(metric),
        _ => None,
    };
    let Some(metric) = metric else {
        let cells = std::iter::repeat_with(dash).take(3 + input.models.len());
        return std::iter::once(name.to_owned()).chain(cells).collect();
    };
    let version = input.datasets.iter().find(|dataset| dataset.name == name);
    let mut cells = vec![
        name.to_owned(),
        version.map_or_else(dash, |dataset| dataset.version.clone()),
        metric.to_owned(),
        board.modes.get(name).cloned().unwrap_or_else(dash),
    ];
    for model in &input.models {
        let score = board.parsed[model].get(name).and_then(|result| result.get(metric));
        let marks = marks(board, model, name);
        cells.push(score.map_or_else(dash, |score| format!("{score:.2}{marks}")));
    }
    cells
}

/// The marks of a doubtful score: `!` if some items have no answer, `?` if the scores do not tell the labels apart,
/// see `unanswered` and `ties` in the results.
fn marks(board: &Board, model: &str, name: &str) -> String {
    let has = |key: &str| board.raw[model].get(name).is_some_and(|result| result.contains_key(key));
    let marks = [("unanswered", '!'), ("ties", '?')];
    marks.into_iter().filter(|(key, _)| has(key)).map(|(_, mark)| mark).collect()
}
