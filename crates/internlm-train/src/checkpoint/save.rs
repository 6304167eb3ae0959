//! Writing checkpoints: the training thread hands a copy over and continues; at most one save is in flight.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use internlm_kit::file::{self, AtPath};
use internlm_kit::hash;
use internlm_model::ModelConfig;
use internlm_model::weights::write_file;
use serde::{Deserialize, Serialize};

use super::{State, list, step_folder};
use crate::optim::Moments;
use crate::parameters::ParameterInfo;
use crate::{Error, Result};

/// Length and hash of one file of a checkpoint.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRecord {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// The content of `COMPLETE`.
pub(super) type Complete = BTreeMap<String, FileRecord>;

/// A copy of everything a checkpoint holds.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The model's shape, written as `config.json`.
    pub model: ModelConfig,
    /// Counters and settings of the run.
    pub state: State,
    /// Names and shapes of the trained parameters.
    pub parameters: Vec<ParameterInfo>,
    /// Values of the trained parameters, in the same order.
    pub values: Vec<Vec<f32>>,
    /// AdamW's moments, in the same order.
    pub moments: Vec<Moments>,
    /// Whether these are all parameters of the model, which makes the folder a model folder.
    pub coverage: Coverage,
}

/// How much of the model is trained.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Coverage {
    /// Every parameter: the file is `model.safetensors`.
    Whole,
    /// Some are frozen: the file is `trainable.safetensors`.
    Part,
}

impl Coverage {
    /// Name of the file with the values.
    pub(super) fn file_name(self) -> &'static str {
        match self {
            Self::Whole => "model.safetensors",
            Self::Part => "trainable.safetensors",
        }
    }
}

impl Snapshot {
    /// Writes `checkpoints/step-N` and gives its path; it appears whole or not at all.
    ///
    /// # Errors
    /// Any error of writing; older checkpoints are untouched.
    pub fn write(&self, checkpoints: impl AsRef<Path>) -> Result<PathBuf> {
        let target = step_folder(checkpoints, self.state.step);
        file::replace_folder(&target, |folder| self.fill(folder))?;
        Ok(target)
    }

    /// Writes the files of a checkpoint; `COMPLETE`, which lists the others, comes last.
    fn fill(&self, folder: &Path) -> Result<()> {
        self.write_tensors(folder)?;
        file::write(folder.join("config.json"), pretty(&self.model.to_hf_json()))?;
        let state = serde_json::to_value(&self.state).expect("counters and strings are valid JSON");
        file::write(folder.join("state.json"), pretty(&state))?;
        let complete = serde_json::to_value(records(folder)?).expect("file records are valid JSON");
        Ok(file::write(folder.join("COMPLETE"), pretty(&complete))?)
    }

    fn write_tensors(&self, folder: &Path) -> Result<()> {
        let index: BTreeMap<&str, usize> =
            self.parameters.iter().enumerate().map(|(index, info)| (info.name.as_str(), index)).collect();
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        let dtype = internlm_model::config::DType::F32;
        let tensors: Vec<_> =
            self.parameters.iter().map(|info| (info.name.clone(), info.shape.clone())).collect();
        let path = folder.join(self.coverage.file_name());
        write_file(&path, &tensors, dtype, &metadata, &mut |name| Ok(self.values[index[name]].clone()))?;
        let moments: Vec<_> = (self.parameters.iter())
            .flat_map(|info| MOMENTS.map(|suffix| (format!("{}{suffix}", info.name), info.shape.clone())))
            .collect();
        let path = folder.join("optimizer.safetensors");
        write_file(&path, &moments, dtype, &metadata, &mut |name| {
            Ok(match name.strip_suffix(MOMENTS[0]) {
                Some(name) => self.moments[index[name]].first.clone(),
                None => self.moments[index[name.trim_end_matches(MOMENTS[1])]].second.clone(),
            })
        })?;
        Ok(())
    }
}

/// Suffixes of the moments in `optimizer.safetensors`: PyTorch's names.
pub(super) const MOMENTS: [&str; 2] = [".exp_avg", ".exp_avg_sq"];

/// Writes snapshots in the background and prunes old checkpoints.
#[derive(Debug)]
pub struct Saver {
    checkpoints: PathBuf,
    keep_last: usize,
    running: Option<JoinHandle<Result<PathBuf>>>,
}

impl Saver {
    /// A saver into `checkpoints` that keeps the newest `keep_last`. A run that was killed between writing a checkpoint
    /// and removing an old one has left one too many, which is removed now.
    ///
    /// # Errors
    /// A checkpoint that cannot be removed.
    pub fn open(checkpoints: impl Into<PathBuf>, keep_last: usize) -> Result<Self> {
        let saver = Self { checkpoints: checkpoints.into(), keep_last, running: None };
        prune(&saver.checkpoints, keep_last)?;
        Ok(saver)
    }

    /// Starts writing `snapshot`, after the previous save has ended.
    ///
    /// # Errors
    /// The error of the previous save, which was reported nowhere else.
    pub fn start(&mut self, snapshot: Snapshot) -> Result<()> {
        let previous = self.wait();
        let (checkpoints, keep_last) = (self.checkpoints.clone(), self.keep_last);
        self.running = Some(thread::spawn(move || {
            let path = snapshot.write(&checkpoints)?;
            prune(&checkpoints, keep_last)?;
            Ok(path)
        }));
        previous
    }

    /// Waits for the save in flight, if any.
    ///
    /// # Errors
    /// The error of that save.
    pub fn wait(&mut self) -> Result<()> {
        match self.running.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(_))) => Ok(()),
            Some(Ok(Err(error))) => Err(error),
            Some(Err(_)) => Err(Error::Thread { name: "save" }),
        }
    }
}

/// Removes all but the newest `keep_last` checkpoints.
fn prune(checkpoints: &Path, keep_last: usize) -> Result<()> {
    for (_, path) in list(checkpoints)?.into_iter().skip(keep_last) {
        // Renamed before it is removed: a kill in between leaves no half checkpoint under a good name.
        let doomed = path.with_extension("tmp");
        file::remove_dir_all(&doomed)?;
        fs::rename(&path, &doomed).at(&path, "rename")?;
        file::remove_dir_all(&doomed)?;
    }
    Ok(())
}

/// Length and hash of every file in `folder`.
fn records(folder: &Path) -> Result<Complete> {
    let mut files = Complete::new();
    for entry in fs::read_dir(folder).at(folder, "list")? {
        let path = entry.at(folder, "list")?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = fs::metadata(&path).at(&path, "read")?.len();
        let sha256 = hash::sha256_file(&path)?;
        files.insert(name, FileRecord { bytes, sha256 });
    }
    Ok(files)
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_removed_by_the_next_one() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let half_removed = folder.path().join("step-4.tmp");
        fs::create_dir_all(half_removed.join("part")).expect("creates");
        for step in [4, 8, 12] {
            fs::create_dir(step_folder(folder.path(), step)).expect("creates");
        }
        Saver::open(folder.path(), 2).expect("opens");
        let steps: Vec<u64> = list(folder.path()).expect("lists").into_iter().map(|(step, _)| step).collect();
        assert_eq!(steps, [12, 8]);
        assert!(!half_removed.exists());
    }
}
