//! The summary table: picking metrics, adding groups, formatting scores.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::GroupConfig;
use super::group::Subset;
use super::tabulate::tabulate;
use super::text;

/// Metrics that tables show first, in this order.
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
/// Metrics that tables never show.
const HIDDEN_METRICS: [&str; 4] = ["bp", "sys_len", "ref_len", "type"];

/// One cell's results without details: metrics, or `error`.
pub type ResultMap = Map<String, Value>;

/// A dataset as tables name it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SummaryDataset {
    /// The name.
    pub name: String,
    /// Six digits of the prompt hash.
    pub version: String,
    /// `gen`, `ppl` or `ll`.
    pub mode: String,
}

/// Everything a summary is made of.
#[derive(Clone, Debug, Default)]
pub struct SummaryInput {
    /// Models in column order.
    pub models: Vec<String>,
    /// Datasets in row order.
    pub datasets: Vec<SummaryDataset>,
    /// Model -> dataset -> result.
    pub results: IndexMap<String, IndexMap<String, ResultMap>>,
    /// Groups, which may contain earlier groups.
    pub groups: Vec<GroupConfig>,
    /// Rows by name, or `[name, metric]`; all without it.
    pub rows: Option<Vec<Subset>>,
}

/// Results while groups are added.
pub(super) struct Board {
    pub(super) models: Vec<String>,
    /// Model -> dataset -> result as it is.
    pub(super) raw: IndexMap<String, IndexMap<String, ResultMap>>,
    /// Model -> dataset -> shown metrics.
    pub(super) parsed: IndexMap<String, IndexMap<String, IndexMap<String, f64>>>,
    /// Dataset -> metrics in order.
    pub(super) metrics: IndexMap<String, Vec<String>>,
    /// Dataset -> mode.
    pub(super) modes: IndexMap<String, String>,
}

impl Board {
    pub(super) fn mode(&self, name: &str) -> String {
        self.modes.get(name).cloned().unwrap_or_else(|| "unknown".to_owned())
    }

    fn new(input: &SummaryInput) -> Self {
        let modes = input.datasets.iter().map(|dataset| (dataset.name.clone(), dataset.mode.clone()));
        let mut board = Self {
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
                let Some(result) = input.results.get(model).and_then(|results| results.get(&dataset.name))
                else {
                    continue;
                };
                raw.insert(dataset.name.clone(), result.clone());
                let shown = shown_metrics(result);
                if shown.is_empty() {
                    continue;
                }
                board.metrics.entry(dataset.name.clone()).or_insert_with(|| ordered(&shown));
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
    let place =
        |name: &String| FIRST_METRICS.iter().position(|first| first == name).unwrap_or(FIRST_METRICS.len());
    names.sort_by_key(place);
    names
}

/// A finished summary.
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
    /// Header and rows.
    pub rows: Vec<Vec<String>>,
    raw: String,
}

impl Summary {
    /// Makes the table.
    #[must_use]
    pub fn new(input: &SummaryInput) -> Self {
        let board = Board::new(input);
        let mut rows = vec![["dataset", "version", "metric", "mode"].map(str::to_owned).to_vec()];
        rows[0].extend(input.models.iter().cloned());
        for (name, metric) in row_names(input, &board) {
            rows.push(row(input, &board, &name, metric.as_deref()));
        }
        Self { rows, raw: text::raw(&board.models, &board.raw) }
    }

    /// The table of a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        tabulate(&self.rows)
    }

    /// The csv file; commas in cells become spaces.
    #[must_use]
    pub fn csv(&self) -> String {
        let line =
            |row: &Vec<String>| row.iter().map(|cell| cell.replace(',', " ")).collect::<Vec<_>>().join(",");
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
    }

    /// The markdown file.
    #[must_use]
    pub fn markdown(&self) -> String {
        text::markdown(&self.rows)
    }

    /// The txt file: the table in all forms and the raw results, under `label`.
    #[must_use]
    pub fn txt(&self, label: &str) -> String {
        text::txt(label, &self.rows, &self.table(), &self.raw)
    }
}

/// Rows as (dataset, metric), none for a dataset without results.
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
        let mark = if is_partial(board, model, name) { "!" } else { "" };
        cells.push(score.map_or_else(dash, |score| format!("{score:.2}{mark}")));
    }
    cells
}

/// Whether some of the cell's items have no answer; see `unanswered` in the results.
fn is_partial(board: &Board, model: &str, name: &str) -> bool {
    board.raw[model].get(name).is_some_and(|result| result.contains_key("unanswered"))
}
