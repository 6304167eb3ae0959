//! [`QuantizationConfig`]: the settings of a quantizer as far as they say what stored words mean.

use std::path::Path;

use serde_json::{Map, Value};

use super::keys;
use super::source::Packing;
use crate::weights::Quantization;
use crate::{Error, ModelConfig, Result};

/// How the quantized matrices of a model are stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QuantizationConfig {
    /// Layout of the nibbles: `quant_method` with `version` or `checkpoint_format`.
    pub packing: Packing,
    /// Inputs per group: `group_size`; `None` is a whole row (-1).
    pub group: Option<usize>,
    /// Which further tensors each matrix must have.
    pub needs: Needs,
    /// Where the zero points come from.
    pub zeros: ZeroPoints,
}

/// A tensor that a config promises in addition to weights and scales (and the zero points of AWQ and GPTQ).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Needs {
    /// Nothing but weights, scales and usual zero points.
    Nothing,
    /// compressed-tensors that is not `symmetric`: zero points.
    Zeros,
    /// GPTQ with `desc_act`: the groups of the inputs.
    InputGroups,
}

/// Where zero points come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ZeroPoints {
    /// From the tensors, as the packing says.
    Stored,
    /// 8 everywhere, whatever is stored: the matrices are symmetric.
    Eight,
}

/// What the settings say about zero points.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Symmetry {
    /// All zero points are 8, by this key: `sym`, `symmetric`, `zero_point`.
    Stated(&'static str),
    /// Nothing is said, and the quantizer's default is symmetric.
    Assumed,
    /// Zero points are stored.
    Denied,
}

impl QuantizationConfig {
    /// Reads the settings in a config alone; `None` when it has none.
    ///
    /// # Errors
    /// A method, layout or size that is not read; all problems at once.
    pub(crate) fn of(config: &ModelConfig) -> Result<Option<Self>> {
        let quantization = Quantization::own(config, Path::new("config.json"))?;
        quantization.map(|quantization| Ok(Self::parse(&quantization)?.0)).transpose()
    }

    /// Reads the settings alone.
    ///
    /// # Errors
    /// A method, layout or size that is not read; all problems at once.
    pub(super) fn parse(quantization: &Quantization) -> Result<(Self, Symmetry)> {
        let settings = &quantization.settings;
        let mut problems = Vec::new();
        let read = match quantization.method() {
            "awq" => Some(awq(settings, &mut problems)),
            "gptq" => Some(gptq(settings, &mut problems)),
            "compressed-tensors" => compressed_tensors(settings, &mut problems),
            _ => {
                expect(settings, &["quant_method"], &["awq", "gptq", "compressed-tensors"], &mut problems);
                None
            }
        };
        match read.filter(|_| problems.is_empty()) {
            Some(read) => Ok(read),
            None => {
                let problems = problems.iter().map(|problem| quantization.problem(problem)).collect();
                Err(Error::Weights { path: quantization.path.clone(), problems })
            }
        }
    }
}

fn awq(settings: &Map<String, Value>, problems: &mut Vec<String>) -> (QuantizationConfig, Symmetry) {
    keys::check(keys::INT4, settings, "", problems);
    for key in ["version", "format", "checkpoint_format"] {
        if settings.get(key).is_some_and(|value| !value.is_null()) {
            expect(settings, &[key], &["gemm"], problems);
        }
    }
    bits(settings, &["bits", "w_bit"], problems);
    let group = group(settings, &["group_size", "q_group_size"], problems);
    let symmetric = flag(settings, "zero_point", problems) == Some(false);
    let symmetry = if symmetric { Symmetry::Stated("zero_point") } else { Symmetry::Denied };
    let (packing, needs, zeros) = (Packing::Awq, Needs::Nothing, ZeroPoints::Stored);
    (QuantizationConfig { packing, group, needs, zeros }, symmetry)
}

fn gptq(settings: &Map<String, Value>, problems: &mut Vec<String>) -> (QuantizationConfig, Symmetry) {
    keys::check(keys::INT4, settings, "", problems);
    let names = ["checkpoint_format", "format"];
    let format = names.iter().find_map(|name| settings.get(*name).filter(|value| !value.is_null()));
    if format.is_some() {
        expect(settings, &names, &["gptq", "gptq_v2"], problems);
    }
    let both = names.map(|name| settings.get(name).and_then(Value::as_str));
    if let [Some(first), Some(second)] = both
        && !first.eq_ignore_ascii_case(second)
    {
        problems.push(format!("format: found {second}, checkpoint_format says {first}"));
    }
    let second = format.and_then(Value::as_str).is_some_and(|format| format.eq_ignore_ascii_case("gptq_v2"));
    let packing = if second { Packing::GptqV2 } else { Packing::Gptq };
    bits(settings, &["bits"], problems);
    if let Some(rules) = settings.get("dynamic").and_then(Value::as_object) {
        // A rule that begins with `-:` leaves modules as they are, which the names of their tensors show.
        if let Some(rule) = rules.keys().find(|rule| !rule.starts_with("-:")) {
            problems.push(format!("dynamic: found a rule of its own for {rule}, expected none"));
        }
    }
    let group = group(settings, &["group_size"], problems);
    let ordered = flag(settings, "desc_act", problems) == Some(true);
    let needs = if ordered { Needs::InputGroups } else { Needs::Nothing };
    let symmetry = match flag(settings, "sym", problems) {
        Some(true) => Symmetry::Stated("sym"),
        Some(false) => Symmetry::Denied,
        None => Symmetry::Assumed,
    };
    (QuantizationConfig { packing, group, needs, zeros: ZeroPoints::Stored }, symmetry)
}

/// Reads compressed-tensors; the weights of all `config_groups` must be stored alike.
fn compressed_tensors(
    settings: &Map<String, Value>,
    problems: &mut Vec<String>,
) -> Option<(QuantizationConfig, Symmetry)> {
    keys::check(keys::COMPRESSED, settings, "", problems);
    expect(settings, &["format"], &["pack-quantized"], problems);
    let groups = settings.get("config_groups").and_then(Value::as_object);
    let schemes: Vec<_> =
        groups.into_iter().flat_map(|groups| groups.values()).filter_map(Value::as_object).collect();
    for scheme in &schemes {
        keys::check(keys::SCHEME, scheme, "config_groups: ", problems);
    }
    let mut all = schemes.iter().map(|scheme| scheme.get("weights").and_then(Value::as_object));
    let Some(Some(weights)) = all.next() else {
        problems.push("config_groups: found no weights, expected one scheme".to_owned());
        return None;
    };
    if all.any(|other| other != Some(weights)) {
        problems.push("config_groups: found several schemes, expected one".to_owned());
    }
    keys::check(keys::WEIGHTS, weights, "config_groups: weights: ", problems);
    bits(weights, &["num_bits"], problems);
    expect(weights, &["type"], &["int"], problems);
    expect(weights, &["strategy"], &["group", "channel"], problems);
    let channel = weights.get("strategy").and_then(Value::as_str) == Some("channel");
    let group = if channel { None } else { group(weights, &["group_size"], problems) };
    let symmetric = flag(weights, "symmetric", problems) != Some(false);
    let needs = if symmetric { Needs::Nothing } else { Needs::Zeros };
    let symmetry = if symmetric { Symmetry::Stated("symmetric") } else { Symmetry::Denied };
    let (packing, zeros) = (Packing::CompressedTensors, ZeroPoints::Stored);
    Some((QuantizationConfig { packing, group, needs, zeros }, symmetry))
}

/// The value of a key by its first name that is there, and that name.
fn value<'a>(object: &'a Map<String, Value>, names: &[&'static str]) -> (&'static str, &'a Value) {
    let found =
        names.iter().find_map(|name| Some((*name, object.get(*name).filter(|value| !value.is_null())?)));
    found.unwrap_or((names[0], &Value::Null))
}

/// A key whose value must be one of some words, in letters of any case.
fn expect(object: &Map<String, Value>, names: &[&'static str], words: &[&str], problems: &mut Vec<String>) {
    let (key, found) = value(object, names);
    let is_known = |found: &str| words.iter().any(|word| word.eq_ignore_ascii_case(found));
    if !found.as_str().is_some_and(is_known) {
        problems.push(format!("{key}: found {found}, expected {}", words.join(" or ")));
    }
}

/// A key that is `true`, `false`, or absent.
fn flag(object: &Map<String, Value>, name: &'static str, problems: &mut Vec<String>) -> Option<bool> {
    let (key, found) = value(object, &[name]);
    if found.as_bool().is_none() && !found.is_null() {
        problems.push(format!("{key}: found {found}, expected true or false"));
    }
    found.as_bool()
}

fn bits(object: &Map<String, Value>, names: &[&'static str], problems: &mut Vec<String>) {
    let (key, found) = value(object, names);
    if found.as_u64() != Some(4) {
        problems.push(format!("{key}: found {found}, expected 4"));
    }
}

fn group(object: &Map<String, Value>, names: &[&'static str], problems: &mut Vec<String>) -> Option<usize> {
    let (key, found) = value(object, names);
    if found.as_i64() == Some(-1) {
        return None;
    }
    let size = found.as_u64().and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
    if size.is_none() {
        problems.push(format!("{key}: found {found}, expected a size or -1"));
    }
    size
}
