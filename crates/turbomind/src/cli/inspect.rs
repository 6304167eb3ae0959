//! `turbomind inspect`: what a model file holds and which tiles it becomes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use internlm_model::weights::gguf::{GgufFile, Value};
use internlm_model::weights::{self, StoredModel, TensorInfo, TensorSource};
use serde::Serialize;
use serde_json::json;

use super::ids;
use crate::format::quantized::{self, QuantizationConfig};
use crate::tile::{Matrix, TileFormat};
use crate::{Error, Result};

/// Show keys, tensors, types, bytes and the tiles that every matrix becomes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  turbomind inspect --model model.gguf
  turbomind inspect --model folder --json")]
pub(super) struct InspectArguments {
    /// GGUF file or model folder.
    #[arg(long)]
    model: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The answer.
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

pub(super) fn run(arguments: &InspectArguments) -> anyhow::Result<String> {
    let path = &arguments.model;
    let stored = weights::open_stored(path)?;
    let quantization = QuantizationConfig::read(&stored.config, path)?;
    let mut inspection = Inspection {
        model: path.clone(),
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
    if arguments.json { super::json(&inspection) } else { Ok(text(&inspection)) }
}

/// The tiles that a tensor becomes: matrices of floats or blocks, and the packed weights of 4-bit matrices.
fn tiles(
    stored: &StoredModel,
    name: &str,
    info: &TensorInfo,
    quantization: Option<&QuantizationConfig>,
) -> Result<Option<Tiles>> {
    let packed = [".qweight", ".weight_packed"].iter().find_map(|suffix| name.strip_suffix(suffix));
    if let (Some(prefix), Some(config)) = (packed, quantization) {
        let source: &dyn TensorSource = stored.source.as_ref();
        let found = quantized::find(source, prefix, config)?;
        return Ok(found.map(|matrix| plan(matrix.format(), matrix.outputs(), matrix.inputs())));
    }
    let scales = [".scales", ".weight_scale"].iter().any(|suffix| name.ends_with(suffix));
    match (TileFormat::of(info.encoding), &info.shape[..]) {
        (Some(format), [outputs, inputs]) if !scales => Ok(Some(plan(format, *outputs, *inputs))),
        _ => Ok(None),
    }
}

fn plan(format: TileFormat, outputs: usize, inputs: usize) -> Tiles {
    Tiles {
        format: format.name(),
        groups: Matrix::groups_of(outputs),
        bytes: Matrix::bytes(format, outputs, inputs),
    }
}

fn keys(path: &Path) -> Result<BTreeMap<String, serde_json::Value>> {
    if path.is_file() {
        let file = GgufFile::open(path)?;
        return Ok(file.metadata().iter().map(|(key, value)| (key.to_owned(), short(value))).collect());
    }
    let config = path.join("config.json");
    if !config.exists() {
        return Ok(BTreeMap::new());
    }
    let object = serde_json::from_str(&ids::read(&config)?);
    object.map_err(|error| Error::Invalid(format!("{}: expected a JSON object: {error}", config.display())))
}

/// A value; arrays of more than 16 entries as text that says how many.
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

fn text(inspection: &Inspection) -> String {
    let mut lines = vec![inspection.model.display().to_string()];
    let width = inspection.keys.keys().map(String::len).max().unwrap_or(0);
    for (key, value) in &inspection.keys {
        let value: String = value.to_string().chars().take(80).collect();
        lines.push(format!("  {key:<width$}  {value}"));
    }
    let width = inspection.tensors.iter().map(|tensor| tensor.name.len()).max().unwrap_or(0);
    let head = ("tensor", "shape", "type", "bytes", "tiles", "groups", "tile bytes");
    let (name, shape, encoding, bytes, format, groups, tile_bytes) = head;
    lines.push(format!(
        "{name:<width$}  {shape:<15} {encoding:<5} {bytes:>12} {format:>6} {groups:>7} {tile_bytes:>12}"
    ));
    for Tensor { name, shape, encoding, bytes, tiles } in &inspection.tensors {
        let shape = format!("{shape:?}");
        let tiles = tiles.map_or_else(
            || format!("{:>6}", "-"),
            |tiles| format!("{:>6} {:>7} {:>12}", tiles.format, tiles.groups, tiles.bytes),
        );
        lines.push(format!("{name:<width$}  {shape:<15} {encoding:<5} {bytes:>12} {tiles}"));
    }
    for (encoding, Total { tensors, bytes }) in &inspection.types {
        lines.push(format!("{encoding}: {tensors} tensors, {bytes} bytes"));
    }
    lines.push(format!("all: {} bytes, tiles {} bytes", inspection.bytes, inspection.tile_bytes));
    lines.join("\n") + "\n"
}
