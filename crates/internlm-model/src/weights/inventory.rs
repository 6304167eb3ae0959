//! What the files hold against what the config demands, by name: tensors that are missing, and tensors that nobody
//! reads.
//!
//! A tensor that is stored and not used changes the model: it is refused by name, unless it is known to change no
//! number.

use std::collections::BTreeSet;

use super::gguf::FACTORS;
use super::names::{self, NameStyle, Parts, Slot};
use super::qkv::Heads;
use super::{StoredModel, TensorSource};
use crate::config::RopeScaling;
use crate::error::some_of;
use crate::rope::Rope;
use crate::{ModelConfig, Result};

/// Ends of names of tensors that change no number, and why.
const HARMLESS: [(&str, &str); 7] = [
    (".inv_freq", "frequencies of the rotation, which the config gives"),
    (".cos_cached", "a table of the rotation, which the config gives"),
    (".sin_cached", "a table of the rotation, which the config gives"),
    (".attn_rot_embd.weight", "frequencies of the rotation, as old GGUF files store them"),
    (".k_scale", "scale of a cache in 8-bit floats, which is not used"),
    (".v_scale", "scale of a cache in 8-bit floats, which is not used"),
    (".weight_shape", "the shape of a packed matrix, which its parts have too"),
];
/// Ends of names of tensors that hold the frequencies of the rotation.
const FREQUENCIES: [&str; 2] = [".inv_freq", ".attn_rot_embd.weight"];
/// Beginnings of names of heads for other tasks, which change nothing before them.
const OTHER_HEADS: [&str; 4] = ["v_head.", "score.", "classifier.", "cls."];
/// What the packed numbers of a matrix have in place of `.weight`, and the tensors that belong to them: AWQ and GPTQ,
/// compressed-tensors.
const PACKED: [[&str; 4]; 2] = [
    [".qweight", ".qzeros", ".scales", ".g_idx"],
    [".weight_packed", ".weight_zero_point", ".weight_scale", ".weight_g_idx"],
];

/// Takes the stored head of a folder that says its head is the embedding, where the two differ: as transformers 5 does,
/// with a note for the log.
///
/// # Errors
/// Matrices that cannot be read.
pub(super) fn untie(
    config: &mut ModelConfig,
    source: &dyn TensorSource,
    style: NameStyle,
) -> Result<Option<String>> {
    let (head, embedding) = (stored_name(Slot::Output, style), stored_name(Slot::Embedding, style));
    // A reward model has a head of another kind.
    if !config.tied || Slot::output(config).is_some() || source.info(&head).is_none() {
        return Ok(None);
    }
    if equal(source, &head, &embedding)? {
        return Ok(None);
    }
    config.tied = false;
    Ok(Some(format!(
        "{}: {head} differs from {embedding}, although `tie_word_embeddings` is true: the stored {head} is used",
        source.file(&head).display()
    )))
}

/// The name of the weight of a slot outside of the blocks.
fn stored_name(slot: Slot, style: NameStyle) -> String {
    let name = slot.weight();
    names::parts(&name, style).map_or(name, |parts| parts.first().to_owned())
}

/// Whether two matrices hold the same numbers.
fn equal(source: &dyn TensorSource, first: &str, second: &str) -> Result<bool> {
    let (Some(one), Some(other)) = (source.info(first), source.info(second)) else { return Ok(false) };
    if one.shape != other.shape {
        return Ok(false);
    }
    if one.encoding == other.encoding {
        return Ok(source.read_bytes(first)? == source.read_bytes(second)?);
    }
    Ok(source.read_f32(first)? == source.read_f32(second)?)
}

/// A note for the log about stored frequencies of the rotation that are neither those of the config nor the ones without
/// scaling. They are not used, as in transformers since 4.32: a model that was stretched by them alone rotates otherwise.
pub(super) fn other_frequencies(config: &ModelConfig, source: &dyn TensorSource) -> Option<String> {
    let mut plain = config.clone();
    plain.rope_scaling = RopeScaling::None;
    let known = [config, &plain].map(|config| Rope::new(config).inverse_frequencies(0));
    // Some files hold them in 16 bits.
    let close = |found: f32, known: f32| (found - known).abs() <= 0.01 * known + 1e-6;
    let equal = |found: &[f32], known: &[f32]| {
        found.len() == known.len() && found.iter().zip(known).all(|(found, known)| close(*found, *known))
    };
    let differs =
        |name: &str| source.read_f32(name).is_ok_and(|found| !known.iter().any(|known| equal(&found, known)));
    let names = source.names();
    let mut stored = names.iter().filter(|name| FREQUENCIES.iter().any(|end| name.ends_with(end)));
    let name = stored.find(|name| differs(name))?;
    let file = source.file(name);
    Some(format!("{}: {name} differs from the frequencies of the config, which are used", file.display()))
}

/// What is wrong with the names of a model's tensors: at most one line for those that are missing and one for those
/// that are not used. Shapes are not compared. What is worth knowing about the files goes to the log.
///
/// # Errors
/// Biases that cannot be read.
pub fn name_problems(model: &StoredModel) -> Result<Vec<String>> {
    let (config, source) = (&model.config, model.source.as_ref());
    let stored = source.names();
    model.notes.iter().for_each(|note| tracing::warn!("{note}"));
    // A config that promises absurdly many layers must not fill the memory with names.
    if config.layers > stored.len() {
        let (found, count) = (config.layers, stored.len());
        return Ok(vec![format!("layers: found {found} in the config, the files hold only {count} tensors")]);
    }
    let ends: &[&str] = match &model.quantization {
        None => &[],
        Some(quantization) => &PACKED[usize::from(quantization.method() == "compressed-tensors")],
    };
    let is_packed = |name: &str| {
        let packed = |prefix: &str, end: &&str| source.info(&format!("{prefix}{end}")).is_some();
        let prefix = name.strip_suffix(".weight");
        prefix.zip(ends.first()).is_some_and(|(prefix, end)| packed(prefix, end))
    };
    let is_stored = |name: &str| source.info(name).is_some() || is_packed(name);
    let demanded = demanded(model);
    let missing: Vec<_> = demanded.iter().filter(|(name, _)| !is_stored(name)).collect();
    let known: BTreeSet<&str> = demanded.iter().map(|(name, _)| name.as_str()).collect();
    let mut unused = Vec::new();
    for name in &stored {
        let prefix = ends.iter().find_map(|end| name.strip_suffix(end));
        let is_known = known.contains(name.as_str())
            || prefix.is_some_and(|prefix| known.contains(format!("{prefix}.weight").as_str()));
        if !is_known && !is_harmless(model, name)? {
            unused.push(name.as_str());
        }
    }
    let mut problems = Vec::new();
    match &missing[..] {
        [] => {}
        [(name, shape)] => problems.push(format!("tensor {name}: missing, expected {shape:?}")),
        _ => {
            let names: Vec<&str> = missing.iter().map(|(name, _)| name.as_str()).collect();
            problems.push(format!("{} tensors: missing: {}", names.len(), some_of(&names)));
        }
    }
    let twice: Vec<&str> =
        stored.iter().map(String::as_str).filter(|name| known.contains(name) && is_packed(name)).collect();
    if !twice.is_empty() {
        let names = some_of(&twice);
        problems.push(format!("found matrices that are stored twice, as floats and packed: {names}"));
    }
    if !unused.is_empty() {
        let (family, names) = (config.family.name(), some_of(&unused));
        problems.push(format!("found tensors that a model of the family {family} does not use: {names}"));
    }
    Ok(problems)
}

/// The tensors of the files that a config demands: name, shape.
fn demanded(model: &StoredModel) -> Vec<(String, Vec<usize>)> {
    let rows = Heads::of(&model.config, model.order).rows();
    let mut all = Vec::new();
    for (name, shape) in names::expected(&model.config) {
        match names::parts(&name, model.style) {
            Some(Parts::One(part)) => all.push((part, shape)),
            Some(Parts::Qkv(parts)) => all.extend(parts.into_iter().zip(rows).map(|(part, rows)| {
                let mut shape = shape.clone();
                shape[0] = rows;
                (part, shape)
            })),
            None => all.push((name, shape)),
        }
    }
    all
}

/// Whether a tensor that the config does not demand changes no number.
fn is_harmless(model: &StoredModel, name: &str) -> Result<bool> {
    let source = model.source.as_ref();
    if HARMLESS.iter().any(|(end, _)| name.ends_with(end)) {
        return Ok(true);
    }
    // Read with the config.
    if model.style == NameStyle::Gguf && FACTORS.contains(&name) {
        return Ok(true);
    }
    // Quantizers store a bias for every matrix; where the model has none it is zero.
    if name.ends_with(".bias") && source.read_f32(name)?.iter().all(|value| *value == 0.0) {
        return Ok(true);
    }
    let is_head = name == stored_name(Slot::Output, model.style);
    // A tied head has been compared with the embedding when the folder was opened.
    if is_head && model.config.tied && Slot::output(&model.config).is_none() {
        return Ok(true);
    }
    let is_other = is_head || OTHER_HEADS.iter().any(|head| name.starts_with(head));
    if is_other {
        tracing::warn!("{}: {name} is not used", source.file(name).display());
    }
    Ok(is_other)
}
