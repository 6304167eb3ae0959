//! The settings of a quantizer against what is stored: two statements about one folder, of which none is taken in
//! silence when they contradict each other.
//!
//! GPTQ has two forms: the first one stores zero points less one. A folder that is labelled with the wrong form would be
//! off by one scale in every weight. Where the matrices are symmetric the label does not matter, since all zero points
//! are 8; vLLM's kernels for symmetric GPTQ do not read the stored ones either.

use std::path::Path;

use super::settings::{Needs, QuantizationConfig, Symmetry, ZeroPoints};
use super::source::{Packing, word};
use crate::weights::{Encoding, Quantization, StoredModel, TensorSource};
use crate::{Error, Result};

impl QuantizationConfig {
    /// Reads the settings of a model and compares them with its tensors; `None` when the model is not quantized.
    ///
    /// # Errors
    /// A method, layout or size that is not read, and settings that contradict what is stored; all problems at once.
    pub fn read(model: &StoredModel) -> Result<Option<Self>> {
        let Some(quantization) = &model.quantization else { return Ok(None) };
        let (config, symmetry) = Self::parse(quantization)?;
        settle(config, symmetry, quantization, model.source.as_ref()).map(Some)
    }

    /// The names of the tensors of a matrix, those that may be absent as well; the weights come first.
    pub(crate) fn tensors(&self, prefix: &str) -> [String; 4] {
        names(self.packing).map(|end| format!("{prefix}.{end}"))
    }
}

/// The ends of the names of a matrix's tensors: weights, zero points, scales, groups of the inputs.
pub(super) fn names(packing: Packing) -> [&'static str; 4] {
    match packing {
        Packing::CompressedTensors => ["weight_packed", "weight_zero_point", "weight_scale", "weight_g_idx"],
        _ => ["qweight", "qzeros", "scales", "g_idx"],
    }
}

/// Settles how the tensors of `source` are read.
///
/// # Errors
/// Settings that contradict the tensors.
pub(super) fn settle(
    config: QuantizationConfig,
    symmetry: Symmetry,
    quantization: &Quantization,
    source: &dyn TensorSource,
) -> Result<QuantizationConfig> {
    let fail = |problem: String| Error::Weights {
        path: quantization.path.clone(),
        problems: vec![quantization.problem(&problem)],
    };
    groups(config, source).map_err(fail)?;
    let zeros = Zeros::read(config.packing, source);
    let zeros = zeros.settle(config.packing, symmetry, &quantization.path).map_err(fail)?;
    let config = QuantizationConfig { zeros, ..config };
    missing_parts(config, source).map_err(fail)?;
    let shuffled = shuffled(config, source);
    if config.needs != Needs::InputGroups && shuffled > 0 {
        let place = quantization.path.display();
        tracing::warn!(
            "{place}: desc_act is not set, but g_idx orders the inputs of {shuffled} matrices: it is used"
        );
    }
    Ok(config)
}

/// The beginnings of the names of all packed matrices.
fn prefixes(packing: Packing, source: &dyn TensorSource) -> Vec<String> {
    let end = format!(".{}", names(packing)[0]);
    source.names().iter().filter_map(|name| name.strip_suffix(&end).map(str::to_owned)).collect()
}

/// Compares the size of the groups with the number of scales.
fn groups(config: QuantizationConfig, source: &dyn TensorSource) -> Result<(), String> {
    let [weights, _, scales, _] = names(config.packing);
    let mut other = Vec::new();
    for prefix in prefixes(config.packing, source) {
        let shape = |name: &str| source.info(&format!("{prefix}.{name}")).map(|info| info.shape);
        let (Some(weights), Some(scales)) = (shape(weights), shape(scales)) else { continue };
        let ([first, second], [rows, columns]) = (&weights[..], &scales[..]) else { continue };
        let (inputs, stored) = match config.packing {
            Packing::Awq => (*first, *rows),
            Packing::Gptq | Packing::GptqV2 => (first.saturating_mul(8), *rows),
            Packing::CompressedTensors => (second.saturating_mul(8), *columns),
        };
        let group = config.group.unwrap_or(inputs).max(1);
        if stored > 0 && inputs.is_multiple_of(stored) && stored != inputs / group {
            other.push((prefix, inputs / stored));
        }
    }
    let Some((prefix, found)) = other.first() else { return Ok(()) };
    let expected = config.group.map_or_else(|| "whole rows".to_owned(), |group| format!("groups of {group}"));
    Err(format!(
        "bits and group_size: found {expected} of 4 bits, but the scales of {} matrices have groups of {found}, such as \
         those of {prefix}",
        other.len()
    ))
}

/// Names a part that the settings promise and that several matrices lack; one alone is named when it is read.
fn missing_parts(config: QuantizationConfig, source: &dyn TensorSource) -> Result<(), String> {
    let [_, zeros, scales, input_groups] = names(config.packing);
    let packs_zeros = config.packing != Packing::CompressedTensors || config.needs == Needs::Zeros;
    for (part, needed) in [
        (zeros, packs_zeros && config.zeros == ZeroPoints::Stored),
        (scales, true),
        (input_groups, config.needs == Needs::InputGroups),
    ] {
        let is_missing = |prefix: &String| source.info(&format!("{prefix}.{part}")).is_none();
        let mut without = prefixes(config.packing, source);
        without.retain(is_missing);
        if let [first, _, ..] = &without[..]
            && needed
        {
            let count = without.len();
            return Err(format!(
                "found {count} matrices without {part}, such as {first}, expected it in all"
            ));
        }
    }
    Ok(())
}

/// The zero points of a folder, by matrix.
struct Zeros {
    /// Number of matrices that store zero points.
    count: usize,
    /// Matrices that store nothing but this number.
    sevens: usize,
    eights: usize,
    /// A tensor with other numbers.
    mixed: Option<String>,
}

impl Zeros {
    fn read(packing: Packing, source: &dyn TensorSource) -> Self {
        let mut zeros = Self { count: 0, sevens: 0, eights: 0, mixed: None };
        for prefix in prefixes(packing, source) {
            let name = format!("{prefix}.{}", names(packing)[1]);
            // A tensor of another type is named when its matrix is read.
            let is_packed = source.info(&name).is_some_and(|info| info.encoding == Encoding::I32);
            let Some(bytes) = is_packed.then(|| source.read_bytes(&name).ok()).flatten() else { continue };
            zeros.count += 1;
            let all = |nibbles: u32| (0..bytes.len() / 4).all(|at| word(&bytes, 4 * at) == nibbles);
            if all(0x8888_8888) {
                zeros.eights += 1;
            } else if all(0x7777_7777) {
                zeros.sevens += 1;
            } else {
                zeros.mixed.get_or_insert(name);
            }
        }
        zeros
    }

    /// Which zero points are meant; `packing` says what the stored ones stand for, `file` names the settings.
    fn settle(self, packing: Packing, symmetry: Symmetry, file: &Path) -> Result<ZeroPoints, String> {
        let file = file.display();
        // Matrices whose zero points are 8 as labelled, and matrices whose are 8 in the other form of the format.
        let (right, wrong) = match packing {
            Packing::Gptq => (self.sevens, self.eights),
            Packing::GptqV2 => (self.eights, self.sevens),
            Packing::Awq | Packing::CompressedTensors => (self.eights, 0),
        };
        let all_eight = right + wrong == self.count;
        let (label, other) = match packing {
            Packing::GptqV2 => ("gptq_v2", "gptq"),
            _ => ("gptq", "gptq_v2"),
        };
        match symmetry {
            Symmetry::Stated(key) if !all_eight => Err(format!(
                "{key}: says that all zero points are 8, but others are stored, such as in {}",
                self.mixed.as_deref().unwrap_or("several tensors")
            )),
            Symmetry::Stated(_) | Symmetry::Assumed if all_eight => {
                if wrong > 0 {
                    tracing::warn!(
                        "{file}: the zero points of {wrong} matrices contradict the format {label}: they are 8 in the \
                         format {other}; 8 is used, as the matrices are symmetric"
                    );
                }
                Ok(ZeroPoints::Eight)
            }
            _ => {
                if wrong > 0 && wrong == self.count {
                    tracing::warn!(
                        "{file}: all zero points would be 8 in the format {other}, and none is in the format {label} \
                         that the settings name: the label is followed, check it"
                    );
                }
                Ok(ZeroPoints::Stored)
            }
        }
    }
}

/// Number of matrices whose inputs do not belong to the groups in order.
fn shuffled(config: QuantizationConfig, source: &dyn TensorSource) -> usize {
    let is_shuffled = |prefix: &String| {
        let name = format!("{prefix}.{}", names(config.packing)[3]);
        let is_packed = source.info(&name).is_some_and(|info| info.encoding == Encoding::I32);
        let bytes = is_packed.then(|| source.read_bytes(&name).ok()).flatten();
        bytes.is_some_and(|bytes| {
            let count = bytes.len() / 4;
            let group = config.group.unwrap_or(count).max(1);
            (0..count).any(|input| word(&bytes, 4 * input) as usize != input / group)
        })
    };
    prefixes(config.packing, source).iter().filter(|prefix| is_shuffled(prefix)).count()
}
