//! Positions and windows in GGUF metadata and in the tensors of factors next to it.
//!
//! llama.cpp divides frequency i by factor i of `rope_freqs.weight`, every frequency by `rope.scaling.factor`, and
//! multiplies cosines and sines by `rope.scaling.attn_factor`, whatever the kind of scaling; `none` takes the factor back.
//! What is more than one of these at once becomes [`RopeScaling::LongRope`], which has a place for all of them.

use super::Keys;
use crate::config::{RopeScaling, SlidingWindow};
use crate::weights::TensorSource;
use crate::weights::gguf::{GgufFile, Value};

/// Keys of the rotation that are read here or in the config.
const READ: [&str; 9] = [
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scale_linear",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.attn_factor",
    "rope.scaling.original_context_length",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
];
/// Keys that are not implemented, with the value at which they change nothing.
const NEUTRAL: [(&str, f64); 3] = [
    ("rope.scaling.yarn_ext_factor", 1.0),
    ("rope.scaling.yarn_attn_factor", 1.0),
    ("rope.scaling.yarn_log_multiplier", 0.0),
];
/// Tensors of divisors of the frequencies, and LongRoPE's two lists of them.
pub(in crate::weights) const FACTORS: [&str; 3] =
    ["rope_freqs.weight", "rope_factors_short.weight", "rope_factors_long.weight"];

/// Width of a head beyond which a file is damaged; the config reports it.
const MAX_HEAD_DIM: usize = 1 << 16;

/// What the shape of the model says about its positions.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Width of one head.
    pub(super) head_dim: usize,
    /// Context length of the file.
    pub(super) context: usize,
}

impl Keys<'_> {
    /// The window of attention; 0 tokens mean that there is no window.
    pub(super) fn sliding_window(&mut self) -> Option<SlidingWindow> {
        let tokens = self.checked_size("attention.sliding_window")?;
        (tokens > 0).then(|| SlidingWindow::new(tokens))
    }

    /// How positions are stretched.
    pub(super) fn rope_scaling(&mut self, file: &GgufFile, shape: Shape) -> RopeScaling {
        self.refuse_unknown();
        if let Some(rotated) = self.checked_size("rope.dimension_count")
            && rotated != shape.head_dim
        {
            let expected = format!("expected the width of a head, {}", shape.head_dim);
            self.problem("rope.dimension_count", &rotated.to_string(), &expected);
        }
        let factor = self.linear_factor();
        let attention = self.checked_number("rope.scaling.attn_factor").unwrap_or(1.0);
        let original = self.checked_size("rope.scaling.original_context_length");
        let [freqs, short, long] = FACTORS.map(|name| self.factors(file, name, shape.head_dim));
        // llama.cpp takes a file without the key for a linear one.
        let kind = self.kind().unwrap_or_else(|| "linear".to_owned());
        let long_rope = |lists: [Vec<f64>; 2], original_max_position: usize, factor: f64| {
            let scaled = |list: Vec<f64>| -> Vec<f64> { list.into_iter().map(|x| x * factor).collect() };
            let [short_factor, long_factor] = lists.map(scaled);
            let attention_factor = attention;
            RopeScaling::LongRope { short_factor, long_factor, original_max_position, attention_factor }
        };
        match (kind.as_str(), freqs, short, long) {
            ("none" | "linear", None, None, None) if attention == 1.0 => match kind.as_str() {
                "none" => RopeScaling::None,
                _ if factor == 1.0 && self.get("rope.scaling.type").is_none() => RopeScaling::None,
                _ => RopeScaling::Linear { factor },
            },
            ("none" | "linear", freqs, None, None) => {
                let list = freqs.unwrap_or_else(|| vec![1.0; shape.head_dim.min(MAX_HEAD_DIM) / 2]);
                let factor = if kind == "none" { 1.0 } else { factor };
                long_rope([list.clone(), list], shape.context, factor)
            }
            ("yarn", None, None, None) => RopeScaling::Yarn {
                factor,
                original_max_position: original,
                // llama.cpp multiplies its own factor by YaRN's.
                attention_factor: (attention != 1.0).then(|| attention * (0.1 * factor.max(1.0).ln() + 1.0)),
                beta_fast: self.checked_number("rope.scaling.yarn_beta_fast").unwrap_or(32.0),
                beta_slow: self.checked_number("rope.scaling.yarn_beta_slow").unwrap_or(1.0),
            },
            ("longrope", None, Some(short), Some(long)) => {
                long_rope([short, long], original.unwrap_or(shape.context), factor)
            }
            (kind, freqs, short, long) => {
                // A tensor that could not be read is named already.
                if self.problems.is_empty() {
                    self.no_such_scaling(kind, [freqs, short, long]);
                }
                RopeScaling::None
            }
        }
    }

    /// Says which tensors of factors and which kind of scaling do not belong together.
    fn no_such_scaling(&mut self, kind: &str, lists: [Option<Vec<f64>>; 3]) {
        let there = FACTORS.into_iter().zip(&lists).filter(|(_, list)| list.is_some());
        let there: Vec<&str> = there.map(|(name, _)| name).collect();
        let there = if there.is_empty() { "no tensors of factors".to_owned() } else { there.join(" and ") };
        let expected = match kind {
            "none" | "linear" => "expected longrope beside factors for short and long contexts".to_owned(),
            "yarn" => "expected no tensors of factors".to_owned(),
            "longrope" => format!("expected {} and {} alone", FACTORS[1], FACTORS[2]),
            _ => "expected none, linear, yarn or longrope".to_owned(),
        };
        self.problem("rope.scaling.type", &format!("{kind} with {there}"), &expected);
    }

    /// Names the keys of the rotation that are not implemented.
    fn refuse_unknown(&mut self) {
        let prefix = format!("{}.", self.arch);
        let keys = self.metadata.iter().filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?, value)));
        let unknown: Vec<(String, String)> = keys
            .filter(|(key, value)| {
                let neutral = NEUTRAL.iter().find(|(known, _)| known == key).map(|(_, neutral)| *neutral);
                let harmless = neutral.is_some() && value.as_f64() == neutral;
                // Whether a model was trained further after stretching.
                let known = READ.contains(key) || *key == "rope.scaling.finetuned";
                key.starts_with("rope.") && !known && !harmless
            })
            .map(|(key, value)| (key.to_owned(), found(value)))
            .collect();
        for (key, found) in unknown {
            self.problem(&key, &found, "expected no such key: its positions are not implemented");
        }
    }

    /// The kind of scaling; `None` without the key.
    fn kind(&mut self) -> Option<String> {
        let value = self.get("rope.scaling.type")?;
        let kind = value.as_str().map(str::to_owned);
        if kind.is_none() {
            let found = found(value);
            self.problem("rope.scaling.type", &found, "expected none, linear, yarn or longrope");
        }
        kind
    }

    /// The divisor of all frequencies under its new or its old name; 0 means that there is no divisor.
    fn linear_factor(&mut self) -> f64 {
        let names = ["rope.scaling.factor", "rope.scale_linear"];
        let [new, old] = names.map(|name| self.checked_number(name).filter(|factor| *factor != 0.0));
        if let (Some(new), Some(old)) = (new, old)
            && new != old
        {
            let expected = format!("expected the {new} of rope.scaling.factor");
            self.problem("rope.scale_linear", &old.to_string(), &expected);
        }
        new.or(old).unwrap_or(1.0)
    }

    /// A tensor of divisors, one for each frequency.
    fn factors(&mut self, file: &GgufFile, name: &str, head_dim: usize) -> Option<Vec<f64>> {
        let info = file.info(name)?;
        if info.shape != [head_dim / 2] {
            let expected = format!("expected [{}], half the width of a head", head_dim / 2);
            self.problems.push(format!("tensor {name}: found shape {:?}, {expected}", info.shape));
            return None;
        }
        let values = match file.read_f32(name) {
            Ok(values) => values,
            Err(error) => {
                self.problems.push(error.to_string());
                return None;
            }
        };
        let positive = |value: &f32| *value > 0.0 && value.is_finite();
        if let Some(at) = values.iter().position(|value| !positive(value)) {
            let found = values[at];
            self.problems.push(format!("tensor {name}: found {found} at index {at}, expected numbers > 0"));
            return None;
        }
        Some(values.into_iter().map(super::shortest).collect())
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.metadata.get(&self.key(name))
    }

    fn problem(&mut self, name: &str, found: &str, expected: &str) {
        self.problems.push(format!("{}: found {found}, {expected}", self.key(name)));
    }

    /// A number that may be absent, but not of another type.
    pub(super) fn checked_number(&mut self, name: &str) -> Option<f64> {
        let number = self.number(name);
        if number.is_none()
            && let Some(value) = self.get(name)
        {
            let found = found(value);
            self.problem(name, &found, "expected a number");
        }
        number
    }

    /// A size that may be absent, but not of another type.
    fn checked_size(&mut self, name: &str) -> Option<usize> {
        let size = self.optional_size(name);
        if size.is_none()
            && let Some(value) = self.get(name)
        {
            let found = found(value);
            self.problem(name, &found, "expected a whole number");
        }
        size
    }
}

/// A value in a message.
fn found(value: &Value) -> String {
    match (value.as_str(), value.as_f64()) {
        (Some(text), _) => format!("{text:?}"),
        (_, Some(number)) => number.to_string(),
        _ => format!("{value:?}"),
    }
}
