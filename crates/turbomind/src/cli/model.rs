//! [`ModelPath`] and [`ModelOptions`]: which model is run, and how.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use internlm_model::config::RopeScaling;
use internlm_model::weights::{self, StoredModel};
use internlm_model::{ModelConfig, Tokenizer};

use crate::{Compute, Engine, EngineConfig, Error, Isa, KvFormat, Result};

/// The model of a verb: a positional argument, or `--model` as before.
#[derive(Args, Debug)]
pub(super) struct ModelPath {
    /// GGUF file, Hugging Face folder or InternEvo checkpoint
    #[arg(value_name = "MODEL", required_unless_present = "model_option")]
    model: Option<PathBuf>,
    /// GGUF file or model folder: the old name of the positional MODEL
    #[arg(long = "model", value_name = "MODEL", hide = true, conflicts_with = "model")]
    model_option: Option<PathBuf>,
}

impl ModelPath {
    pub(super) fn as_path(&self) -> &Path {
        self.model.as_deref().or(self.model_option.as_deref()).expect("clap requires one of the two")
    }

    /// Opens the files and reads their config.
    pub(super) fn open(&self) -> Result<StoredModel> {
        Ok(weights::open_stored(self.as_path())?)
    }

    pub(super) fn tokenizer(&self) -> Result<Tokenizer> {
        Ok(Tokenizer::load(self.as_path())?)
    }
}

/// Options of every verb that runs the model.
#[derive(Args, Debug)]
pub(super) struct ModelOptions {
    #[command(flatten)]
    path: ModelPath,
    /// Number of threads [default: the physical cores this process may use]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), allow_negative_numbers = true)]
    threads: Option<u16>,
    /// Instruction set: scalar, avx2, avxvnni or avx512 [default: the fastest one of this machine]
    #[arg(long, value_parser = isa)]
    isa: Option<Isa>,
    /// Format of keys and values: f32, f16, int8, int4 or int4-plain
    #[arg(long, value_name = "FORMAT", default_value_t = KvFormat::F16)]
    kv: KvFormat,
    /// Numbers that matrix products are computed with
    #[arg(long, value_enum, value_name = "NUMBERS", default_value_t = Products::Int8)]
    compute: Products,
}

/// [`Compute`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Products {
    /// Quantized weights times 8-bit activations
    Int8,
    /// Floats everywhere, keys and values included; slow
    F32,
}

fn isa(name: &str) -> Result<Isa, String> {
    let names = Isa::ALL.map(Isa::name).join(", ");
    Isa::ALL.into_iter().find(|isa| isa.name() == name).ok_or_else(|| format!("expected one of {names}"))
}

impl ModelOptions {
    /// The model's file or folder.
    pub(super) fn path(&self) -> &ModelPath {
        &self.path
    }

    /// Loads the model with blocks for `sequences` sequences of `length` tokens; passes have up to `pass` tokens.
    pub(super) fn load(&self, sequences: usize, length: usize, pass: usize) -> Result<Engine> {
        let compute = match self.compute {
            Products::Int8 => Compute::Int8,
            Products::F32 => Compute::F32,
        };
        let config = EngineConfig::new().with_compute(compute).with_kv(self.kv).with_max_batched_tokens(pass);
        let blocks = sequences.saturating_mul(length.div_ceil(config.block_tokens)).max(1);
        let mut config = config.with_kv_blocks(blocks);
        config.threads = self.threads.map(usize::from);
        config.isa = self.isa;
        Engine::load(self.path.as_path(), &config)
    }
}

/// Refuses a sequence of `length` tokens that does not fit into the model's context; `what` says what it is for.
pub(super) fn check_context(config: &ModelConfig, length: usize, what: &str) -> Result<()> {
    let stretches = matches!(config.rope_scaling, RopeScaling::Dynamic { .. });
    if stretches || length <= config.max_position {
        return Ok(());
    }
    let expected = format!("at most the context's {}", config.max_position);
    Err(Error::argument(what, format!("{length} tokens"), expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_instruction_sets_are_read_back() {
        for set in Isa::ALL {
            assert_eq!(isa(set.name()), Ok(set));
        }
        assert_eq!(isa("mmx"), Err("expected one of scalar, avx2, avxvnni, avx512".to_owned()));
    }
}
