//! Finds the 4-bit matrices of a Hugging Face folder: `quantization_config` says how they are packed, the tensors'
//! names say which they are.
//!
//! The keys are those that `transformers` writes for AWQ, GPTQ and compressed-tensors; keys that do not change the
//! numbers of a stored weight are ignored.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use internlm_model::ModelConfig;
use internlm_model::weights::{Encoding, TensorSource};
use serde_json::Value;

use super::int4::{Int4Parts, Int4Source, Packing};
use crate::Error;

/// How the quantized matrices of a model are stored: `quantization_config` of its `config.json`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct QuantizationConfig {
    /// Layout of the nibbles: `quant_method` with `version` or `checkpoint_format`.
    pub(crate) packing: Packing,
    /// Inputs per group: `group_size`; `None` is a whole row (-1).
    pub(crate) group: Option<usize>,
    /// Which further tensors each matrix must have.
    pub(crate) needs: Needs,
}

/// A tensor that a config promises in addition to weights and scales (and the zero points of AWQ and GPTQ).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Needs {
    /// Nothing but weights, scales and usual zero points.
    Nothing,
    /// compressed-tensors that is not `symmetric`: zero points.
    Zeros,
    /// GPTQ with `desc_act`: the groups of the inputs.
    InputGroups,
}

/// What is wrong with a tensor of a packed matrix.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The file that holds the tensor, or should hold it.
    file: PathBuf,
    /// One sentence: tensor, found, expected.
    text: String,
}

impl Problem {
    /// The sentence for a message that names `model` already: the tensor's file is named when it is another one.
    pub(crate) fn text(&self, model: &Path) -> String {
        match self.file.file_name() {
            Some(name) if self.file != model => format!("{}: {}", name.display(), self.text),
            _ => self.text.clone(),
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Weights { path: problem.file, problems: vec![problem.text] }
    }
}

impl QuantizationConfig {
    /// Reads it; `None` when the model is not quantized. `path` names the config in messages.
    ///
    /// # Errors
    /// A method, layout or size that has no tiles; all problems at once.
    pub(crate) fn read(config: &ModelConfig, path: &Path) -> crate::Result<Option<Self>> {
        let Some(object) = config.extra.get("quantization_config").filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let mut problems = Vec::new();
        let read = match object.get("quant_method").and_then(Value::as_str) {
            Some("awq") => awq(object, &mut problems),
            Some("gptq") => gptq(object, &mut problems),
            Some("compressed-tensors") => compressed_tensors(object, &mut problems),
            _ => {
                expect(object, "quant_method", &["awq", "gptq", "compressed-tensors"], &mut problems);
                None
            }
        };
        match read.filter(|_| problems.is_empty()) {
            Some(read) => Ok(Some(read)),
            None => Err(Error::Weights { path: path.to_path_buf(), problems }),
        }
    }
}

fn awq(object: &Value, problems: &mut Vec<String>) -> Option<QuantizationConfig> {
    if object.get("version").is_some() {
        expect(object, "version", &["gemm", "GEMM"], problems);
    }
    bits(object, "bits", problems);
    let group = group(object, problems);
    Some(QuantizationConfig { packing: Packing::Awq, group, needs: Needs::Nothing })
}

fn gptq(object: &Value, problems: &mut Vec<String>) -> Option<QuantizationConfig> {
    let packing = match object.get("checkpoint_format").and_then(Value::as_str) {
        Some("gptq_v2") => Packing::GptqV2,
        Some("gptq") | None => Packing::Gptq,
        Some(_) => {
            expect(object, "checkpoint_format", &["gptq", "gptq_v2"], problems);
            Packing::Gptq
        }
    };
    bits(object, "bits", problems);
    if object.get("dynamic").and_then(Value::as_object).is_some_and(|rules| !rules.is_empty()) {
        problems.push("quantization_config: dynamic: found rules per module, expected none".to_owned());
    }
    let group = group(object, problems);
    let ordered = object.get("desc_act") == Some(&Value::Bool(true));
    let needs = if ordered { Needs::InputGroups } else { Needs::Nothing };
    Some(QuantizationConfig { packing, group, needs })
}

/// Reads compressed-tensors; the weights of all `config_groups` must be stored alike.
fn compressed_tensors(object: &Value, problems: &mut Vec<String>) -> Option<QuantizationConfig> {
    expect(object, "format", &["pack-quantized"], problems);
    let groups = object.get("config_groups").and_then(Value::as_object);
    let mut all = groups.into_iter().flat_map(|groups| groups.values()).map(|group| group.get("weights"));
    let Some(Some(weights)) = all.next() else {
        problems.push("quantization_config: config_groups: found no weights, expected one scheme".to_owned());
        return None;
    };
    if all.any(|other| other != Some(weights)) {
        problems.push("quantization_config: config_groups: found several schemes, expected one".to_owned());
    }
    bits(weights, "num_bits", problems);
    expect(weights, "type", &["int"], problems);
    expect(weights, "strategy", &["group", "channel"], problems);
    let channel = weights.get("strategy").and_then(Value::as_str) == Some("channel");
    let group = if channel { None } else { group(weights, problems) };
    let symmetric = weights.get("symmetric") != Some(&Value::Bool(false));
    let needs = if symmetric { Needs::Nothing } else { Needs::Zeros };
    Some(QuantizationConfig { packing: Packing::CompressedTensors, group, needs })
}

/// A key whose value must be one of some words.
fn expect(object: &Value, key: &str, words: &[&str], problems: &mut Vec<String>) {
    let found = object.get(key).unwrap_or(&Value::Null);
    if !found.as_str().is_some_and(|found| words.contains(&found)) {
        problems.push(format!("quantization_config: {key}: found {found}, expected {}", words.join(" or ")));
    }
}

fn bits(object: &Value, key: &str, problems: &mut Vec<String>) {
    let found = object.get(key).unwrap_or(&Value::Null);
    if found.as_u64() != Some(4) {
        problems.push(format!("quantization_config: {key}: found {found}, expected 4"));
    }
}

fn group(object: &Value, problems: &mut Vec<String>) -> Option<usize> {
    let found = object.get("group_size").unwrap_or(&Value::Null);
    if found.as_i64() == Some(-1) {
        return None;
    }
    let size = found.as_u64().and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
    if size.is_none() {
        problems.push(format!("quantization_config: group_size: found {found}, expected a size or -1"));
    }
    size
}

/// The matrix whose tensors begin with `prefix` (`model.layers.0.self_attn.q_proj`); `None` when it is not quantized.
///
/// # Errors
/// Tensors that are missing, of another type or shape, or that have no tiles.
pub(crate) fn find<'a>(
    source: &'a dyn TensorSource,
    prefix: &str,
    config: &QuantizationConfig,
) -> Result<Option<Int4Source<'a>>, Problem> {
    let names = match config.packing {
        Packing::CompressedTensors => ["weight_packed", "weight_zero_point", "weight_scale", "weight_g_idx"],
        _ => ["qweight", "qzeros", "scales", "g_idx"],
    };
    let [weights, zeros, scales, input_groups] = names.map(|name| format!("{prefix}.{name}"));
    let Some(info) = source.info(&weights) else { return Ok(None) };
    let (outputs, inputs) = match (config.packing, &info.shape[..]) {
        (Packing::Awq, [inputs, words]) => (words.checked_mul(8), Some(*inputs)),
        (Packing::Gptq | Packing::GptqV2, [words, outputs]) => (Some(*outputs), words.checked_mul(8)),
        (Packing::CompressedTensors, [outputs, words]) => (Some(*outputs), words.checked_mul(8)),
        _ => (None, None),
    };
    let (Some(outputs), Some(inputs)) = (outputs, inputs) else {
        let problem = format!("shape: found {:?}, expected a matrix", info.shape);
        return Err(problem_of(source, &weights, &problem));
    };
    let group = config.group.unwrap_or(inputs).max(1);
    // Whether the groups are whole is checked by `Int4Source::new`, with all other lengths.
    let groups = inputs / group;
    let (words, zeros_shape, scales_shape) = match config.packing {
        Packing::CompressedTensors => (info.shape.clone(), [outputs.div_ceil(8), groups], [outputs, groups]),
        _ => (info.shape.clone(), [groups, outputs / 8], [groups, outputs]),
    };
    let zeros_needed = config.packing != Packing::CompressedTensors || config.needs == Needs::Zeros;
    // Missing scales are reported by `read` below, with any encoding.
    let scale_encoding = source.info(&scales).map_or(Encoding::F16, |info| info.encoding);
    let parts = Int4Parts {
        packing: config.packing,
        outputs,
        inputs,
        group,
        weights: read(source, &weights, Encoding::I32, &words)?,
        zeros: read_if(source, &zeros, zeros_needed, &zeros_shape)?,
        scales: read(source, &scales, scale_encoding, &scales_shape)?,
        scale_encoding,
        input_groups: read_if(source, &input_groups, config.needs == Needs::InputGroups, &[inputs])?,
    };
    Int4Source::new(parts).map(Some).map_err(|problem| problem_of(source, prefix, &problem))
}

/// The bytes of a tensor that must have this type and shape.
fn read<'a>(
    source: &'a dyn TensorSource,
    name: &str,
    encoding: Encoding,
    shape: &[usize],
) -> Result<Cow<'a, [u8]>, Problem> {
    if let Some(info) = source.info(name)
        && (info.encoding != encoding || info.shape != shape)
    {
        let problem = format!("found {} {:?}, expected {encoding} {shape:?}", info.encoding, info.shape);
        return Err(problem_of(source, name, &problem));
    }
    source.read_bytes(name).map_err(|error| Problem { file: source.file(name), text: error.to_string() })
}

/// As [`read`], of an i32 tensor that is there or is needed.
fn read_if<'a>(
    source: &'a dyn TensorSource,
    name: &str,
    needed: bool,
    shape: &[usize],
) -> Result<Option<Cow<'a, [u8]>>, Problem> {
    if needed || source.info(name).is_some() {
        return read(source, name, Encoding::I32, shape).map(Some);
    }
    Ok(None)
}

fn problem_of(source: &dyn TensorSource, name: &str, problem: &str) -> Problem {
    Problem { file: source.file(name), text: format!("tensor {name}: {problem}") }
}

#[cfg(test)]
mod tests;
