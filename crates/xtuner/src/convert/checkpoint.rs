//! Training checkpoints as what a finished run writes: a model folder, or an adapter.

use std::path::Path;

use burn::module::Module;
use internlm_kit::file;
use internlm_model::decoder::Decoder;
use internlm_model::weights::{SafetensorsFile, TensorSource};
use internlm_train::checkpoint::{self, Coverage};
use internlm_train::parameters;

use super::FolderOptions;
use crate::config::{FinetuneConfig, Method, ObjectiveConfig};
use crate::lora::{Adapter, AdapterConfig};
use crate::{Error, Result, reward, setup};

/// The file of a checkpoint in which everything is trained: the folder is a model folder.
const WHOLE: &str = "model.safetensors";
/// The file of a checkpoint with frozen parts, which holds what is trained.
const PART: &str = "trainable.safetensors";

/// The model of the checkpoint folder `checkpoint` of a run of `config`, with its adapters: in training mode, which knows
/// what is trained, unless everything is.
pub(crate) fn load_checkpoint(config: &FinetuneConfig, checkpoint: &Path) -> Result<Decoder> {
    if checkpoint.join(WHOLE).is_file() {
        // Complete, and every file as it was written.
        checkpoint::open(checkpoint, &[], Coverage::Whole)?;
        return Ok(Decoder::load(checkpoint, &setup::device_of(config)?)?);
    }
    let setup = match &config.objective {
        ObjectiveConfig::Reward(reward) => reward::load(config, reward)?.1,
        _ => setup::load(config)?,
    };
    let mut decoder = setup.decoder.train();
    let trained = parameters::trainable(&decoder);
    let path = checkpoint.join(PART);
    if path.is_file() {
        let stored = SafetensorsFile::open(&path)?.names();
        if let Some(name) = stored.iter().find(|name| trained.iter().all(|info| info.name != **name)) {
            let found = format!("the tensor {name}");
            return Err(Error::mismatch(
                path.display().to_string(),
                found,
                "what the config says is trained",
            ));
        }
    }
    let loaded = checkpoint::open(checkpoint, &trained, Coverage::Part)?;
    parameters::restore(&mut decoder, loaded.values);
    Ok(decoder)
}

/// Writes the checkpoint folder `checkpoint` of a run of `config` as the folder `out`: an adapter when the run trains
/// adapters, else a model folder with the tokenizer of the base.
///
/// # Errors
/// A checkpoint that is incomplete, damaged or of another model, and errors of writing.
pub fn export_checkpoint(
    config: &FinetuneConfig,
    checkpoint: impl AsRef<Path>,
    out: impl AsRef<Path>,
    options: FolderOptions,
) -> Result<()> {
    let (checkpoint, out) = (checkpoint.as_ref(), out.as_ref());
    let base = &config.model.path;
    let decoder = load_checkpoint(config, checkpoint)?;
    if checkpoint.join(WHOLE).is_file() {
        return options.export(&decoder, base, out);
    }
    match config.model.method {
        Method::Full => options.export(&decoder.valid(), base, out),
        _ => {
            let adapter = Adapter::of(&decoder, AdapterConfig::new(&config.lora_tuning(), base));
            file::replace_folder(out, |folder| adapter.write(folder))
        }
    }
}
