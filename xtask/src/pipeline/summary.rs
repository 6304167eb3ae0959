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

    /// Writes `summary.json` next to the report.
    pub(crate) fn save(&self, run: &Path) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(&self.stages)?;
        Ok(internlm_kit::file::write(run.join("summary.json"), bytes)?)
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

/// The file with the state of a stage.
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
    fn thousands_only_add_separators() {
        for value in [0, 7, -7, 999, 1000, -999_999, 12_345_678, i64::MAX, i64::MIN] {
            let text = thousands(value);
            assert_eq!(text.replace(',', ""), value.to_string());
            let groups: Vec<&str> = text.trim_start_matches('-').split(',').collect();
            assert!(
                groups[1..].iter().all(|group| group.len() == 3) && (1..=3).contains(&groups[0].len()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_summary_has_the_stages_that_ran_with_their_time() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let write = |name: &str, text: &str| {
            internlm_kit::file::write(folder.path().join(name), text).expect("writes")
        };
        write("agent/summary.json", r#"{"agent_accuracy": 97.0}"#);
        write("data/summary.json", r#"{"pages": 3000, "kept": 12}"#);
        write(".state/data.json", r#"{"fingerprint": "a", "artefacts": {}, "seconds": 75}"#);
        let summary = Summary::collect(folder.path()).expect("collects");
        let shown: Vec<String> =
            summary.rows().into_iter().map(|row| format!("{} {}={}", row.0, row.1, row.2)).collect();
        assert_eq!(
            shown,
            ["data pages=3,000", "data kept=12", "data stage seconds=75", "agent agent accuracy=97"]
        );
        summary.save(folder.path()).expect("saves");
        let saved = std::fs::read_to_string(folder.path().join("summary.json")).expect("reads");
        assert_eq!(serde_json::from_str::<Map<String, Value>>(&saved).expect("JSON"), summary.stages);
        write("data/summary.json", "[1]");
        assert!(
            Summary::collect(folder.path()).expect_err("no object").to_string().contains("data/summary.json")
        );
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
