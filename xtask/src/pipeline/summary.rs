//! The numbers of a run: collected from each stage's `summary.json`, one aligned table, one JSON file.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use super::stage::{STAGES, StageName};
use super::state::StageState;
use crate::numbers::{Row, display};

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

    /// All numbers, in chain and file order.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (stage, metrics) in &self.stages {
            for (metric, value) in metrics.as_object().into_iter().flatten() {
                let metric = metric.replace('_', " ");
                rows.push(Row { stage: stage.clone(), metric, value: display(value) });
            }
        }
        rows
    }

    /// One aligned table.
    pub(crate) fn table(&self) -> String {
        let rows = self.rows();
        let width = |of: fn(&Row) -> &str, least: usize| {
            rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0).max(least)
        };
        let (stage, metric) = (width(|row| &row.stage, 5), width(|row| &row.metric, 6));
        let value = width(|row| &row.value, 5);
        let mut table = format!("{:<stage$}  {:<metric$}  {:>value$}\n", "stage", "metric", "value");
        table += &format!("{}\n", "-".repeat(stage + metric + value + 4));
        let mut previous = "";
        for row in &rows {
            let name = if row.stage == previous { "" } else { &row.stage };
            table += &format!("{name:<stage$}  {:<metric$}  {:>value$}\n", row.metric, row.value);
            previous = &row.stage;
        }
        table
    }
}

/// The file with the state of a stage.
pub(crate) fn state_path(run: &Path, stage: StageName) -> std::path::PathBuf {
    run.join(".state").join(format!("{}.json", stage.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
        let words = |row: &Row| format!("{} {}={}", row.stage, row.metric, row.value);
        let shown: Vec<String> = summary.rows().iter().map(words).collect();
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
