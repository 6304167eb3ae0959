//! `turbomind inspect`: what a model file holds, and which tiles its matrices become.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use internlm_kit::file;
use internlm_model::weights::gguf::{GgufFile, Value};
use internlm_model::weights::int4::{self, QuantizationConfig};
use internlm_model::weights::{StoredModel, TensorInfo, TensorSource};
use serde::Serialize;
use serde_json::json;

use super::model::ModelPath;
use crate::format::int4::tile_format;
use crate::tile::{TileFormat, column_groups};
use crate::{Error, Result};

/// Show what a model file holds: keys, tensors, types, bytes, and the tiles they become
#[derive(Args, Debug)]
#[command(
    override_usage = "turbomind inspect [OPTIONS] <MODEL>",
    after_help = "Examples:
  turbomind inspect model.gguf
  turbomind inspect folder --json"
)]
pub(super) struct InspectArguments {
    #[command(flatten)]
    model: ModelPath,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The answer, as the JSON object has it.
#[derive(Debug, Serialize)]
struct Inspection {
    model: PathBuf,
    /// Metadata of a GGUF file or `config.json`; long arrays as their lengths.
    keys: BTreeMap<String, serde_json::Value>,
    tensors: Vec<Tensor>,
    /// Sums by stored type.
    types: BTreeMap<&'static str, Total>,
    /// Bytes of all tensors as stored.
    bytes: usize,
    /// Bytes of all tiles.
    tile_bytes: usize,
}

/// One tensor as the file has it.
#[derive(Debug, Serialize)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    #[serde(rename = "type")]
    encoding: &'static str,
    bytes: usize,
    /// `null` for vectors and for parts of a matrix that is named by another tensor.
    tiles: Option<Tiles>,
}

/// The tiles of one matrix.
#[derive(Clone, Copy, Debug, Serialize)]
struct Tiles {
    format: &'static str,
    /// Column groups of 16 outputs.
    groups: usize,
    bytes: usize,
}

/// Sum over the tensors of one type.
#[derive(Debug, Default, Serialize)]
struct Total {
    tensors: usize,
    bytes: usize,
}

pub(super) fn run(arguments: &InspectArguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let path = arguments.model.as_path();
    let stored = arguments.model.open()?;
    let quantization = QuantizationConfig::read(&stored)?;
    let mut inspection = Inspection {
        model: path.to_path_buf(),
        keys: keys(path)?,
        tensors: Vec::new(),
        types: BTreeMap::new(),
        bytes: 0,
        tile_bytes: 0,
    };
    for name in stored.source.names() {
        let Some(info) = stored.source.info(&name) else { continue };
        let bytes = info.encoding.byte_length(&info.shape).unwrap_or_default();
        let tiles = tiles(&stored, &name, &info, quantization.as_ref())?;
        let total = inspection.types.entry(info.encoding.name()).or_default();
        total.tensors += 1;
        total.bytes += bytes;
        inspection.bytes += bytes;
        inspection.tile_bytes += tiles.map_or(0, |tiles| tiles.bytes);
        let encoding = info.encoding.name();
        inspection.tensors.push(Tensor { name, shape: info.shape, encoding, bytes, tiles });
    }
    if arguments.json {
        return Ok(writeln!(out, "{}", serde_json::to_string(&inspection)?)?);
    }
    Ok(write_table(&inspection, out)?)
}

/// Finds the tiles that a tensor becomes: matrices of floats or blocks, and the packed weights of 4-bit matrices.
fn tiles(
    stored: &StoredModel,
    name: &str,
    info: &TensorInfo,
    quantization: Option<&QuantizationConfig>,
) -> Result<Option<Tiles>> {
    // The packed weights speak for their matrix; scales and zero points become part of its tiles.
    let packed = [".qweight", ".weight_packed"].iter().find_map(|suffix| name.strip_suffix(suffix));
    if let (Some(prefix), Some(config)) = (packed, quantization) {
        let source: &dyn TensorSource = stored.source.as_ref();
        let found = int4::find(source, prefix, config).map_err(internlm_model::Error::from)?;
        return Ok(found.map(|matrix| plan(tile_format(&matrix), matrix.outputs(), matrix.inputs())));
    }
    let scales = [".scales", ".weight_scale"].iter().any(|suffix| name.ends_with(suffix));
    match (TileFormat::of(info.encoding), &info.shape[..]) {
        (Some(format), [outputs, inputs]) if !scales => Ok(Some(plan(format, *outputs, *inputs))),
        _ => Ok(None),
    }
}

/// The sizes of a matrix as tiles.
fn plan(format: TileFormat, outputs: usize, inputs: usize) -> Tiles {
    Tiles {
        format: format.name(),
        groups: column_groups(outputs),
        bytes: format.matrix_bytes(outputs, inputs),
    }
}

/// Reads the metadata of a GGUF file, or the keys of a folder's `config.json`.
fn keys(path: &Path) -> Result<BTreeMap<String, serde_json::Value>> {
    if path.is_file() {
        let file = GgufFile::open(path)?;
        return Ok(file.metadata().iter().map(|(key, value)| (key.to_owned(), short(value))).collect());
    }
    let config = path.join("config.json");
    if !config.exists() {
        return Ok(BTreeMap::new());
    }
    let object = serde_json::from_str(&file::read_to_string(&config)?);
    object.map_err(|source| Error::Json { path: config, expected: "a JSON object", source })
}

/// A value of the metadata; an array of more than 16 entries becomes a text that says how many there are.
fn short(value: &Value) -> serde_json::Value {
    match value {
        Value::Unsigned(value) => json!(value),
        Value::Signed(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::Bool(value) => json!(value),
        Value::Text(value) => json!(value),
        Value::Array(values) if values.len() > 16 => json!(format!("[{} values]", values.len())),
        Value::Array(values) => values.iter().map(|value| short(&value)).collect(),
    }
}

/// Writes keys, then tensors, then sums, aligned in columns.
fn write_table(inspection: &Inspection, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{}", inspection.model.display())?;
    let width = inspection.keys.keys().map(String::len).max().unwrap_or(0);
    for (key, value) in &inspection.keys {
        let value: String = value.to_string().chars().take(80).collect();
        writeln!(out, "  {key:<width$}  {value}")?;
    }
    let width = inspection.tensors.iter().map(|tensor| tensor.name.len()).max().unwrap_or(0);
    writeln!(
        out,
        "{:<width$}  {:<15} {:<5} {:>12} {:>6} {:>7} {:>12}",
        "tensor", "shape", "type", "bytes", "tiles", "groups", "tile bytes"
    )?;
    for Tensor { name, shape, encoding, bytes, tiles } in &inspection.tensors {
        let shape = format!("{shape:?}");
        let tiles = tiles.map_or_else(
            || format!("{:>6}", "-"),
            |tiles| format!("{:>6} {:>7} {:>12}", tiles.format, tiles.groups, tiles.bytes),
        );
        writeln!(out, "{name:<width$}  {shape:<15} {encoding:<5} {bytes:>12} {tiles}")?;
    }
    for (encoding, Total { tensors, bytes }) in &inspection.types {
        writeln!(out, "{encoding}: {tensors} tensors, {bytes} bytes")?;
    }
    writeln!(out, "all: {} bytes, tiles {} bytes", inspection.bytes, inspection.tile_bytes)
}
