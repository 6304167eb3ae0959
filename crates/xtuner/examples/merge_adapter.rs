//! Puts an adapter on its base model and writes the merged model: `merge_adapter BASE ADAPTER OUT`.

use std::path::PathBuf;

use anyhow::Context;
use internlm_model::decoder::Decoder;
use internlm_model::{Tokenizer, device};
use xtuner::export_model;
use xtuner::lora::Adapter;

fn main() -> anyhow::Result<()> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [base, folder, out] = paths.as_slice() else {
        anyhow::bail!("usage: merge_adapter BASE ADAPTER OUT");
    };
    let decoder = Decoder::load(base, &device::parse("cpu")?)?;
    let adapter = Adapter::read(folder).context("reading the adapter")?;
    let tuned = adapter.apply(decoder, folder)?;
    export_model(&tuned.merged(), &Tokenizer::load(base)?, base, out)?;
    Ok(())
}
