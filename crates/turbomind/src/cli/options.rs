//! [`ModelOptions`]: which model is run, and how.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use internlm_model::ModelConfig;
use internlm_model::config::RopeScaling;

use crate::kv::KvFormat;
use crate::simd::Isa;
use crate::{Compute, Engine, EngineConfig, Error, Result};

/// Options of every verb that runs the model.
#[derive(Args, Debug)]
pub(super) struct ModelOptions {
    /// GGUF file or model folder.
    #[arg(long)]
    pub(super) model: PathBuf,
    /// Threads; default: the physical cores this process may use.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Instruction set: scalar, avx2, avxvnni or avx512; default: the fastest there is.
    #[arg(long, value_parser = isa)]
    isa: Option<Isa>,
    /// Keys and values: f32, f16, int8, int4 or int4-plain.
    #[arg(long, default_value_t = KvFormat::F16)]
    kv: KvFormat,
    /// What products are computed in; f32 dequantizes everything, keys and values are then f32 too.
    #[arg(long, value_enum, default_value_t = Products::Int8)]
    compute: Products,
}

/// [`Compute`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Products {
    /// Quantized weights times 8-bit activations.
    Int8,
    /// Floats everywhere.
    F32,
}

fn isa(name: &str) -> Result<Isa, String> {
    let names = Isa::ALL.map(Isa::name).join(", ");
    Isa::ALL.into_iter().find(|isa| isa.name() == name).ok_or_else(|| format!("expected one of {names}"))
}

impl ModelOptions {
    /// Loads the model with room for `sequences` sequences of `length` tokens, `pass` tokens at a time.
    pub(super) fn load(&self, sequences: usize, length: usize, pass: usize) -> Result<Engine> {
        let config = EngineConfig {
            threads: self.threads.map(usize::from),
            isa: self.isa,
            compute: match self.compute {
                Products::Int8 => Compute::Int8,
                Products::F32 => Compute::F32,
            },
            kv: self.kv,
            max_batched_tokens: pass,
            ..EngineConfig::default()
        };
        let blocks = sequences.saturating_mul(length.div_ceil(config.block_tokens)).max(1);
        Engine::load(&self.model, &EngineConfig { kv_blocks: Some(blocks), ..config })
    }
}

/// An error unless a sequence of `length` tokens fits into the model's context; `what` says what they are for.
pub(super) fn check_context(config: &ModelConfig, length: usize, what: &str) -> Result<()> {
    let stretches = matches!(config.rope_scaling, RopeScaling::Dynamic { .. });
    if stretches || length <= config.max_position {
        return Ok(());
    }
    let most = config.max_position;
    Err(Error::Invalid(format!("{what}: found {length} tokens, expected at most the context's {most}")))
}
