//! The numbers of a run: collected from each stage's `summary.json`, one aligned table, one JSON file.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use super::stage::{STAGES, StageName};
use super::state::StageState;

/// Metrics of all finished stages in chain order.
#[derive(Debug)]
pub(crate) struct Summary {
    /// `{stage: {metric: value}}`, in chain and file order.
    pub(crate) stages: Map<String, Value>,
}

impl Summary {
    /// Collects what the stages of `run` (`runs/<recipe>`) have written.
    pub(crate) fn collect(run: &Path) -> Result<Self> {
        let mut stages = Map::new();
        for stage in &STAGES {
            let path = run.join(stage.name.as_str()).join("summary.json");
            let Ok(bytes) = std::fs::read(&path) else { continue };
            let mut metrics: Map<String, Value> = serde_json::from_slice(&bytes)
                .with_context(|| format!("{}: expected a flat JSON object", path.display()))?;
            if let Some(state) = StageState::load(&state_path(run, stage.name)) {
                metrics.insert("stage_seconds".to_owned(), state.seconds.into());
            }
            stages.insert(stage.name.as_str().to_owned(), Value::Object(metrics));
        }
        Ok(Self { stages })
    }

    /// Writes `summary.json` beside the report.
    pub(crate) fn save(&self, run: &Path) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(&self.stages)?;
        Ok(internlm_kit::atomic::write(&run.join("summary.json"), &bytes)?)
    }

    /// `(stage, metric, value)` rows as shown to a person.
    pub(crate) fn rows(&self) -> Vec<(String, String, String)> {
        let mut rows = Vec::new();
        for (stage, metrics) in &self.stages {
            for (metric, value) in metrics.as_object().into_iter().flatten() {
                rows.push((stage.clone(), metric.replace('_', " "), display(value)));
            }
        }
        rows
    }

    /// One aligned table.
    pub(crate) fn table(&self) -> String {
        let rows = self.rows();
        let width = |of: fn(&(String, String, String)) -> &str, least: usize| {
            rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0).max(least)
        };
        let (stage, metric) = (width(|row| &row.0, 5), width(|row| &row.1, 6));
        let value = width(|row| &row.2, 5);
        let mut table = format!("{:<stage$}  {:<metric$}  {:>value$}\n", "stage", "metric", "value");
        table += &format!("{}\n", "-".repeat(stage + metric + value + 4));
        let mut previous = "";
        for row in &rows {
            let name = if row.0 == previous { "" } else { &row.0 };
            table += &format!("{name:<stage$}  {:<metric$}  {:>value$}\n", row.1, row.2);
            previous = &row.0;
        }
        table
    }
}

/// Where the state of a stage lies.
pub(crate) fn state_path(run: &Path, stage: StageName) -> std::path::PathBuf {
    run.join(".state").join(format!("{}.json", stage.as_str()))
}

/// Numbers with thousands separators and at most four significant decimals; text as it is.
pub(crate) fn display(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => thousands(integer),
            None => decimal(number.as_f64().unwrap_or(f64::NAN)),
        },
        other => other.to_string(),
    }
}

fn decimal(value: f64) -> String {
    if value.abs() >= 1000.0 {
        return thousands(value.round() as i64);
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_read_well() {
        let shown = |value: Value| display(&value);
        assert_eq!(shown(json!(1_234_567)), "1,234,567");
        assert_eq!(shown(json!(-1000)), "-1,000");
        assert_eq!(shown(json!(1.93456)), "1.9346");
        assert_eq!(shown(json!(0.97)), "0.97");
        assert_eq!(shown(json!(7676.4)), "7,676");
        assert_eq!(shown(json!("q4")), "q4");
    }

    #[test]
    fn table_is_aligned() {
        let stages = json!({"data": {"pages": 3000}, "agent": {"agent_accuracy": 97.0, "questions": 100}});
        let summary = Summary { stages: stages.as_object().expect("object").clone() };
        let table = summary.table();
        let widths: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
    }
}
