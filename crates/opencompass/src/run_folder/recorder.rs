//! [`Recorder`]: writes answers into the temporary prediction files of a run while it is under way.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use internlm_kit::file::AtPath;
use internlm_kit::journal;
use serde_json::json;

use super::RunFolder;
use super::json::remove_file;
use crate::model::{Answer, Answering, Model, Profile, Request};
use crate::plan::Plan;
use crate::{Error, Evaluation, Result};

/// Where the answers of one model belong: key of a request -> files and items.
type Places = BTreeMap<String, Vec<(usize, usize)>>;

/// The temporary prediction files of one model, `predictions/MODEL/tmp_DATASET.jsonl`.
struct Notes {
    places: Places,
    /// Path of the file of each dataset; opened when its first answer arrives.
    paths: Vec<PathBuf>,
    files: Mutex<Vec<Option<File>>>,
}

/// A model that notes its answers. What it notes is only for people who watch a run: a run resumes from its store.
pub struct Recorder {
    model: Box<dyn Model>,
    notes: Arc<OnceLock<Notes>>,
}

/// Switches the notes of a [`Recorder`] on, once its plan is known.
#[derive(Clone)]
pub struct RecorderSwitch(Arc<OnceLock<Notes>>);

impl Recorder {
    /// Wraps a model. It notes nothing until the switch is used.
    #[must_use]
    pub fn new(model: Box<dyn Model>) -> (Self, RecorderSwitch) {
        let notes = Arc::new(OnceLock::new());
        (Self { model, notes: notes.clone() }, RecorderSwitch(notes))
    }

    async fn asked(&self, request: &Request) -> Result<Answer> {
        let answer = self.model.answer(request).await?;
        if let Some(notes) = self.notes.get() {
            notes.note(&request.key(&self.profile().identity), &answer)?;
        }
        Ok(answer)
    }
}

impl Model for Recorder {
    fn profile(&self) -> &Profile {
        self.model.profile()
    }

    fn answer<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        Box::pin(self.asked(request))
    }
}

impl Notes {
    fn note(&self, key: &str, answer: &Answer) -> Result<()> {
        let mut files = self.files.lock().expect("a thread that holds the lock does not panic");
        for (dataset, item) in self.places.get(key).into_iter().flatten() {
            let path = &self.paths[*dataset];
            let line = journal::line(&json!({ "item": item, "answer": answer }));
            let written = line.and_then(|line| {
                let file = match &mut files[*dataset] {
                    Some(file) => file,
                    empty => {
                        if let Some(folder) = path.parent() {
                            std::fs::create_dir_all(folder)?;
                        }
                        empty.insert(OpenOptions::new().create(true).append(true).open(path)?)
                    }
                };
                file.write_all(&line)
            });
            written.at(path, "append to").map_err(Error::File)?;
        }
        Ok(())
    }
}

impl RecorderSwitch {
    /// Starts the notes of the model at `place` in the evaluation, for the requests of `plan` in `folder`.
    pub fn start(&self, folder: &RunFolder, (evaluation, plan): (&Evaluation, &Plan), place: usize) {
        let model = &evaluation.profiles()[place].name;
        let mut places = Places::new();
        for cell in plan.cells.iter().filter(|cell| cell.model == place) {
            for (item, asked) in cell.items().iter().enumerate() {
                for ask in asked.known_asks() {
                    places.entry(ask.key.clone()).or_default().push((cell.dataset, item));
                }
            }
        }
        let path = |name: &str| folder.temporary_predictions(model, name);
        let paths: Vec<PathBuf> = evaluation.datasets().iter().map(|set| path(&set.config.name)).collect();
        let files = Mutex::new(paths.iter().map(|_| None).collect());
        // A second start would be for another plan of the same run, whose answers have the same places.
        let _ = self.0.set(Notes { places, paths, files });
    }
}

impl RunFolder {
    /// Returns the path of the answers so far, `predictions/MODEL/tmp_DATASET.jsonl`. It exists while a run is under way.
    #[must_use]
    pub fn temporary_predictions(&self, model: &str, dataset: &str) -> PathBuf {
        self.path().join(format!("predictions/{model}/tmp_{dataset}.jsonl"))
    }

    /// Removes the answers so far of a cell, whose predictions are written now.
    pub(super) fn remove_temporary(&self, model: &str, dataset: &str) -> Result<()> {
        remove_file(&self.temporary_predictions(model, dataset))
    }
}
