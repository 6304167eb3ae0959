//! What judges and the sandbox did for the verdicts of a cell: `evidence/MODEL/DATASET.json`.

use serde_json::{Map, Value, json};

use super::RunFolder;
use super::json::{remove_file, write_json};
use crate::{CellResult, Evaluation, Failures, Result, Store};

impl RunFolder {
    /// Writes the prompts of judges and the programs behind the verdicts of all cells, with their outcomes, by the number
    /// of the item. A cell whose evaluator asks nobody has no file.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File).
    pub fn write_evidence(
        &self,
        evaluation: &Evaluation,
        results: &[CellResult],
        (store, failures): (&Store, &Failures),
    ) -> Result<()> {
        for cell in results {
            let model = &evaluation.profiles()[cell.model].name;
            let dataset = &evaluation.datasets()[cell.dataset].config.name;
            let path = self.path().join(format!("evidence/{model}/{dataset}.json"));
            let items = evaluation.evidence(cell, store, failures)?;
            let items = items.iter().enumerate().filter(|(_, evidence)| !evidence.is_empty());
            let items: Map<String, Value> =
                items.map(|(item, evidence)| (item.to_string(), json!(evidence))).collect();
            if items.is_empty() {
                remove_file(&path)?;
            } else {
                write_json(&path, &Value::Object(items))?;
            }
        }
        Ok(())
    }
}
