//! [`find`]: the tensors of one 4-bit matrix by their names.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::settings::{Needs, QuantizationConfig, ZeroPoints};
use super::source::{Int4Parts, Int4Source, Packing};
use crate::Error;
use crate::weights::{Encoding, TensorSource};

/// What is wrong with a tensor of a packed matrix.
#[derive(Debug)]
pub struct Problem {
    /// The file that holds the tensor, or should hold it.
    file: PathBuf,
    /// One sentence: tensor, found, expected.
    text: String,
}

impl Problem {
    /// The sentence for a message that names `model` already: the tensor's file is named when it is another one.
    pub fn text(&self, model: &Path) -> String {
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

/// The matrix whose tensors begin with `prefix` (`model.layers.0.self_attn.q_proj`); `None` when it is not quantized.
///
/// # Errors
/// Tensors that are missing, or of another type or shape.
pub fn find<'a>(
    source: &'a dyn TensorSource,
    prefix: &str,
    config: &QuantizationConfig,
) -> Result<Option<Int4Source<'a>>, Problem> {
    let [weights, zeros, scales, input_groups] = config.tensors(prefix);
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
    let zeros = match config.zeros {
        ZeroPoints::Eight => None,
        ZeroPoints::Stored => {
            let needed = config.packing != Packing::CompressedTensors || config.needs == Needs::Zeros;
            read_if(source, &zeros, needed, &zeros_shape)?
        }
    };
    // Missing scales are reported by `read` below, with any encoding.
    let scale_encoding = source.info(&scales).map_or(Encoding::F16, |info| info.encoding);
    let parts = Int4Parts {
        packing: config.packing,
        outputs,
        inputs,
        group,
        weights: read(source, &weights, Encoding::I32, &words)?,
        zeros,
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
    if source.info(name).is_none() {
        return Err(problem_of(source, name, &format!("missing, expected {encoding} {shape:?}")));
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
