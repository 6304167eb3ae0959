//! `internlm-model logits`: scores of every position, for comparing with a reference.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde::Deserialize;

use super::model::ModelArg;
use crate::attend::Causal;
use crate::config::DType;
use crate::decoder::Decoder;
use crate::parameter::numbers;
use crate::{Error, Precision, TokenId, device, weights};

/// Compute the scores of every position of given token ids
///
/// Writes a safetensors file with one tensor per sequence, of shape [tokens, vocabulary] in f32. Reward models give one
/// score per token instead, in tensors called scores.
#[derive(Args, Debug)]
#[command(
    override_usage = "internlm-model logits [OPTIONS] <MODEL> <--ids <IDS>|--packed <PACKED>> --out <OUT>",
    after_help = "Examples:
  internlm-model logits runs/tiny/pretrain/hf --ids ids.json --out logits.safetensors
  internlm-model logits model.gguf --packed rows.json --out logits.safetensors"
)]
pub(super) struct LogitsArgs {
    #[command(flatten)]
    model: ModelArg,
    /// Score the id lists of this file, a JSON list of lists; list I, alone from position 0, becomes `logits.I`
    #[arg(long, required_unless_present = "packed", conflicts_with = "packed")]
    ids: Option<PathBuf>,
    /// Score the rows of this file, a JSON list of {"input_ids": [..], "cu_seqlens": [..]}; sample J of row I becomes `logits.I.J`
    #[arg(long)]
    packed: Option<PathBuf>,
    /// Write this safetensors file
    #[arg(long)]
    out: PathBuf,
    /// Compute on this device: cpu, cuda:N or vulkan:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Compute in this number format: f32-exact, or bf16 or f16 on a GPU
    #[arg(long, default_value_t)]
    precision: Precision,
}

/// Samples that share a row.
#[derive(Deserialize)]
struct PackedRow {
    input_ids: Vec<TokenId>,
    cu_seqlens: Vec<usize>,
}

pub(super) fn run(args: &LogitsArgs) -> anyhow::Result<()> {
    let device = device::parse(&args.device)?;
    let rows = read_rows(args)?;
    let decoder = Decoder::load_in(args.model.path(), &device, args.precision)?;
    check_ids(args, &rows, decoder.config().vocab)?;
    // A reward model has one score per position instead of logits.
    let name = if decoder.logits_width() == 1 { "scores" } else { "logits" };
    let mut tensors = Vec::new();
    let mut values = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let ids = decoder.ids(&row.input_ids, &device)?;
        let hidden = decoder.forward(ids, &mut Causal::packed(&row.cu_seqlens));
        let logits = numbers(decoder.logits(hidden));
        let width = decoder.logits_width();
        for (sample, pair) in row.cu_seqlens.windows(2).enumerate() {
            let key = match args.packed {
                Some(_) => format!("{name}.{index}.{sample}"),
                None => format!("{name}.{index}"),
            };
            let shape = if width == 1 { vec![pair[1] - pair[0]] } else { vec![pair[1] - pair[0], width] };
            tensors.push((key.clone(), shape));
            values.insert(key, logits[pair[0] * width..pair[1] * width].to_vec());
        }
    }
    weights::write_file(&args.out, &tensors, DType::F32, &BTreeMap::new(), &mut |name| {
        values.remove(name).ok_or_else(|| Error::tensor(name, "written twice"))
    })?;
    Ok(())
}

/// The file of ids or rows.
fn input(args: &LogitsArgs) -> anyhow::Result<&Path> {
    args.packed.as_deref().or(args.ids.as_deref()).context("--ids or --packed is needed")
}

fn read_rows(args: &LogitsArgs) -> anyhow::Result<Vec<PackedRow>> {
    let path = input(args)?;
    if args.packed.is_some() {
        let rows: Vec<PackedRow> = super::json::read(path, "a JSON list of packed rows")?;
        for (index, row) in rows.iter().enumerate() {
            check(path, index, row)?;
        }
        return Ok(rows);
    }
    let lists: Vec<Vec<TokenId>> = super::json::read(path, "a JSON list of id lists")?;
    let rows =
        lists.into_iter().map(|input_ids| PackedRow { cu_seqlens: vec![0, input_ids.len()], input_ids });
    let rows: Vec<PackedRow> = rows.collect();
    match rows.iter().position(|row| row.input_ids.is_empty()) {
        Some(index) => {
            let name = format!("{}: element {index}", path.display());
            Err(Error::argument(name, "no ids", "at least one").into())
        }
        None => Ok(rows),
    }
}

/// Checks that the vocabulary has all ids of the rows.
fn check_ids(args: &LogitsArgs, rows: &[PackedRow], vocab: usize) -> anyhow::Result<()> {
    let path = input(args)?.display();
    let key = if args.packed.is_some() { ": input_ids" } else { "" };
    for (index, row) in rows.iter().enumerate() {
        super::ids::check(format_args!("{path}: element {index}{key}"), &row.input_ids, vocab)?;
    }
    Ok(())
}

/// Checks the borders of the samples of row number `index`.
fn check(path: &Path, index: usize, row: &PackedRow) -> Result<(), Error> {
    let (first, last) = (row.cu_seqlens.first(), row.cu_seqlens.last());
    let sorted = row.cu_seqlens.windows(2).all(|pair| pair[0] < pair[1]);
    if first == Some(&0) && last == Some(&row.input_ids.len()) && row.cu_seqlens.len() > 1 && sorted {
        return Ok(());
    }
    let name = format!("{}: element {index}: cu_seqlens", path.display());
    let expected = format!("to rise from 0 to the number of ids, {}", row.input_ids.len());
    Err(Error::argument(name, format!("{:?}", row.cu_seqlens), expected))
}
