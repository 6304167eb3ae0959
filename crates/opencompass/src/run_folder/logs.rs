//! The logs of a run, one file per stage and cell as in upstream: `logs/{infer,eval}/MODEL/DATASET.out`.

use std::fmt::Write;

use internlm_kit::file;

use super::RunFolder;
use crate::counted::counted;
use crate::plan::{Plan, Work};
use crate::{CellResult, CellState, Evaluation, Failures, Result, Store};

impl RunFolder {
    /// Writes the logs of asking: how many requests each cell has, and the errors of those that failed.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File).
    pub fn write_infer_logs(
        &self,
        (evaluation, plan): (&Evaluation, &Plan),
        store: &Store,
        failures: &Failures,
    ) -> Result<()> {
        for cell in &plan.cells {
            let mut text = format!("{}\n", cell.name);
            match &cell.work {
                Work::Refused(reason) => line(&mut text, &format!("refused: {reason}")),
                Work::Ready(items) => {
                    let asks = || items.iter().flat_map(|item| item.known_asks().map(move |ask| (item, ask)));
                    let stored = asks().filter(|(_, ask)| store.get(&ask.key).is_some()).count();
                    let (count, all) = (counted(items.len(), "item"), counted(asks().count(), "request"));
                    line(&mut text, &format!("{count}, {all}, {} stored", counted(stored, "answer")));
                    for (item, ask) in asks() {
                        if let Some(error) = failures.get(&ask.key) {
                            line(&mut text, &format!("row {}, answer {}: {error}", item.row, item.replica));
                        }
                    }
                }
            }
            file::write(self.log("infer", evaluation, (cell.model, cell.dataset)), text)?;
        }
        Ok(())
    }

    /// Writes the logs of scoring: the metrics of each cell, and what is missing.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File).
    pub(super) fn write_eval_log(&self, evaluation: &Evaluation, cell: &CellResult) -> Result<()> {
        let mut text = String::new();
        match &cell.state {
            CellState::Refused(reason) => line(&mut text, &format!("refused: {reason}")),
            CellState::Scored { predictions, scores, .. } => {
                for (metric, score) in &scores.metrics {
                    line(&mut text, &format!("{metric}: {score}"));
                }
                let items = counted(scores.details.len(), "item");
                line(&mut text, &format!("{} of {items} answered", scores.answered));
                for prediction in predictions {
                    if let Some(error) = &prediction.error {
                        line(
                            &mut text,
                            &format!("row {}, answer {}: {error}", prediction.row, prediction.replica),
                        );
                    }
                }
            }
        }
        Ok(file::write(self.log("eval", evaluation, (cell.model, cell.dataset)), text)?)
    }

    fn log(
        &self,
        stage: &str,
        evaluation: &Evaluation,
        (model, dataset): (usize, usize),
    ) -> std::path::PathBuf {
        let model = &evaluation.profiles()[model].name;
        let dataset = &evaluation.datasets()[dataset].config.name;
        self.path().join(format!("logs/{stage}/{model}/{dataset}.out"))
    }
}

fn line(text: &mut String, content: &str) {
    writeln!(text, "{content}").expect("a String takes every write");
}
