//! [`Metaspace`]: SentencePiece's spaces as a pre-tokenizer of `tokenizer.json`, and where `LlamaTokenizer` puts them.

use serde_json::{Value, json};

use crate::tokenizer::settings::PrefixSettings;

/// SentencePiece's stand-in for a space.
const SPACE: &str = "\u{2581}";

/// Which of the texts between added tokens get a space in front, unless they begin with one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Metaspace {
    Always,
    /// The one at the start of the whole text.
    First,
    Never,
}

impl Metaspace {
    /// From the step of the file; `None` when it asks for something else than we can do.
    pub(super) fn of(json: &Value) -> Option<Self> {
        if json["replacement"] != SPACE || json["split"] != false || json["add_prefix_space"] == false {
            return None;
        }
        match json["prepend_scheme"].as_str()? {
            "always" => Some(Self::Always),
            "first" => Some(Self::First),
            "never" => Some(Self::Never),
            _ => None,
        }
    }

    /// The text with its spaces; `place` counts the parts of the whole text.
    pub(super) fn apply(self, text: &str, place: usize) -> String {
        let spaced = text.replace(' ', SPACE);
        let prefix = match self {
            Self::Always => true,
            Self::First => place == 0,
            Self::Never => false,
        };
        // Nothing is put in front of nothing.
        match prefix && !spaced.is_empty() && !spaced.starts_with(SPACE) {
            true => SPACE.to_owned() + &spaced,
            false => spaced,
        }
    }
}

/// Gives a file of Llama 2's kind the spaces of transformers' `LlamaTokenizer`, which takes the vocabulary and the
/// merges of the file and nothing else: a normalizer or pre-tokenizer of the file may put a space behind every added
/// token, the class does so only with `legacy` (`tokenization_llama.py` of transformers 5.24). Whether it did.
pub(super) fn respace(json: &mut Value, prefix: &PrefixSettings) -> bool {
    let normalizer = json!({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": SPACE},
        {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]});
    let is_prepended = json["normalizer"] == normalizer && json["pre_tokenizer"].is_null();
    let step = &json["pre_tokenizer"];
    let is_spaced =
        json["normalizer"].is_null() && step["type"] == "Metaspace" && step["replacement"] == SPACE;
    if !prefix.is_llama() || json["model"]["type"] != "BPE" || !(is_prepended || is_spaced) {
        return false;
    }
    let scheme = match (prefix.add_prefix_space, prefix.legacy) {
        (Some(false), _) => "never",
        (_, Some(true)) => "always",
        _ => "first",
    };
    json["normalizer"] = Value::Null;
    json["pre_tokenizer"] =
        json!({"type": "Metaspace", "replacement": SPACE, "prepend_scheme": scheme, "split": false});
    true
}
