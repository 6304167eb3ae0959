//! [`BaseWeights`]: the weights that a run starts from, told apart by a hash of their files.

use std::fs;
use std::path::{Path, PathBuf};

use internlm_kit::file::AtPath;
use internlm_kit::hash;
use internlm_model::weights::gguf::GgufFile;

use crate::Result;

/// Endings of the names of weight files, and of the indexes that list them.
const WEIGHTS: [&str; 5] = [".safetensors", ".bin", ".pt", ".gguf", ".index.json"];

/// The weights that a run starts from. Checkpoints do not hold them when they are frozen, so that a run which resumes
/// has to find the same ones.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct BaseWeights {
    /// The setting that names the model, for messages: `model.path`.
    pub setting: &'static str,
    /// Start of the sha256 over the names and the bytes of the weight files.
    pub hash: String,
}

impl BaseWeights {
    /// Reads the weight files of the model folder, or the GGUF file, that the user gave as `setting`.
    ///
    /// # Errors
    /// A folder or file that cannot be read.
    pub fn read(setting: &'static str, model: impl AsRef<Path>) -> Result<Self> {
        let mut text = String::new();
        for path in weight_files(model.as_ref())? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            text.push_str(&format!("{name} {}\n", hash::sha256_file(&path)?));
        }
        Ok(Self { setting, hash: hash::sha256(&text)[..16].to_owned() })
    }
}

/// The weight files of `model` in the order of their names.
fn weight_files(model: &Path) -> Result<Vec<PathBuf>> {
    if model.is_file() {
        // A GGUF model may have several files, whichever of them was given.
        let is_gguf = model.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
        return Ok(match is_gguf.then(|| GgufFile::open(model)).transpose()? {
            Some(file) => file.files().map(Path::to_path_buf).collect(),
            None => vec![model.to_path_buf()],
        });
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(model).at(model, "list")? {
        let path = entry.at(model, "list")?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if WEIGHTS.iter().any(|ending| name.ends_with(ending)) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_bytes_of_weight_files_count_and_other_files_do_not() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("writes");
        let read = || BaseWeights::read("model.path", folder.path()).expect("reads").hash;
        write("model-1.safetensors", "a");
        write("model-2.safetensors", "b");
        let first = read();
        write("README.md", "about");
        assert_eq!(read(), first);
        write("model-2.safetensors", "c");
        let changed = read();
        fs::rename(folder.path().join("model-2.safetensors"), folder.path().join("model-3.safetensors"))
            .expect("renames");
        assert!(first != changed && changed != read(), "{first} {changed}");
        let file = BaseWeights::read("model.path", folder.path().join("model-1.safetensors")).expect("reads");
        assert_eq!(file.hash.len(), 16);
        let error = BaseWeights::read("model.path", folder.path().join("absent")).expect_err("no folder");
        assert!(error.to_string().contains("absent"), "{error}");
    }
}
