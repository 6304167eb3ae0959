//! Every key of `tokenizer_config.json` that transformers documents, and what becomes of it here: nothing that changes
//! ids is passed over.
//!
//! The keys are those of `tokenization_utils_base.py` of transformers 5.24 and of its tokenizer classes for the
//! families of this crate.

use std::path::Path;

use serde_json::{Map, Value};

use crate::{Error, Result};

/// What becomes of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rule {
    /// It is read.
    Read,
    /// Only its usual value is accepted: ids would differ.
    Refused(Usual),
    /// It has no part in ids or text.
    Harmless,
}

/// The value with which a key asks for nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Usual {
    False,
    Empty,
}

impl Usual {
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::False => value.is_null() || *value == Value::Bool(false),
            Self::Empty => match value {
                Value::Null => true,
                Value::Array(items) => items.is_empty(),
                Value::Object(items) => items.is_empty(),
                _ => false,
            },
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::False => "false",
            Self::Empty => "nothing inside",
        }
    }
}

use Rule::{Harmless, Read, Refused};

/// Key, rule, and why.
pub(super) const KEYS: &[(&str, Rule, &str)] = &[
    ("bos_token", Read, "the first token, and a variable of chat templates"),
    ("eos_token", Read, "ends an answer, and a variable of chat templates"),
    ("unk_token", Read, "a special token, and a variable of chat templates"),
    ("sep_token", Read, "a special token, and a variable of chat templates"),
    ("pad_token", Read, "fills batches, and a variable of chat templates"),
    ("cls_token", Read, "a special token, and a variable of chat templates"),
    ("mask_token", Read, "a special token, and a variable of chat templates"),
    ("additional_special_tokens", Read, "special tokens without a role"),
    ("extra_special_tokens", Read, "special tokens without a role, or by roles of their own"),
    ("model_specific_special_tokens", Read, "special tokens by roles of their own"),
    ("added_tokens_decoder", Read, "added tokens by id, with their flags"),
    ("add_bos_token", Read, "whether sequences start with the first token"),
    ("add_prefix_space", Read, "whether a space is put in front of text"),
    ("legacy", Read, "whether it also puts one behind special tokens"),
    ("tokenizer_class", Read, "decides what legacy is when it is not there"),
    ("chat_template", Read, "one template or several by name"),
    ("split_special_tokens", Refused(Usual::False), "special tokens of the prompt would be spelled"),
    ("fix_mistral_regex", Refused(Usual::False), "another pre-tokenizer than that of tokenizer.json"),
    ("sp_model_kwargs", Refused(Usual::Empty), "options of sentencepiece, sampling among them"),
    ("init_inputs", Refused(Usual::Empty), "arguments of an unknown class by place"),
    ("add_eos_token", Harmless, "a prompt is continued: nothing puts the last token behind it"),
    ("model_max_length", Harmless, "the context is that of the model's config"),
    ("max_len", Harmless, "an older name of model_max_length"),
    ("max_length", Harmless, "lengths are the caller's business"),
    ("truncation_side", Harmless, "nothing is cut off"),
    ("truncation_strategy", Harmless, "nothing is cut off"),
    ("stride", Harmless, "nothing is cut off"),
    ("padding_side", Harmless, "sequences are not padded"),
    ("pad_to_multiple_of", Harmless, "sequences are not padded"),
    ("pad_token_type_id", Harmless, "these families have no token types"),
    ("token_type_ids_pattern", Harmless, "these families have no token types"),
    ("special_tokens_pattern", Harmless, "the class adds tokens that chat templates write themselves"),
    ("model_input_names", Harmless, "names of Python arguments"),
    ("clean_up_tokenization_spaces", Harmless, "text is what the ids spell, as in llama.cpp"),
    (
        "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output",
        Harmless,
        "text is what the ids spell",
    ),
    ("spaces_between_special_tokens", Harmless, "text is what the ids spell"),
    ("errors", Harmless, "bytes that are not UTF-8 become U+FFFD"),
    ("do_lower_case", Harmless, "the normalizer of the vocabulary says what happens to case"),
    ("use_default_system_prompt", Harmless, "a default of older chat templates"),
    ("response_schema", Harmless, "how Python parses answers"),
    ("response_template", Harmless, "how Python parses answers"),
    ("chat_control_tokens", Harmless, "special tokens of messages always stay text here"),
    ("backend", Harmless, "the library that Python uses"),
    ("auto_map", Harmless, "Python code of the model"),
    ("processor_class", Harmless, "Python code of the model"),
    ("tokenizer_file", Harmless, "a path on another machine"),
    ("vocab_file", Harmless, "a path on another machine"),
    ("merges_file", Harmless, "a path on another machine"),
    ("special_tokens_map_file", Harmless, "a path on another machine"),
    ("added_tokens_file", Harmless, "a path on another machine"),
    ("name_or_path", Harmless, "where the files came from"),
    ("is_local", Harmless, "where the files came from"),
    ("local_files_only", Harmless, "where the files came from"),
    ("files_loaded", Harmless, "where the files came from"),
    ("from_slow", Harmless, "how the files were made"),
    ("trust_remote_code", Harmless, "whether Python may run code of the model"),
    ("verbose", Harmless, "whether Python logs"),
];

/// Refuses keys that would change ids and are not applied; all of them at once.
pub(super) fn check(keys: &Map<String, Value>, path: &Path) -> Result<()> {
    let refused = KEYS.iter().filter_map(|(key, rule, why)| match rule {
        Refused(usual) => {
            let value = keys.get(*key).filter(|value| !usual.holds(value))?;
            Some(format!("{key}: found {value}, expected {}: {why}", usual.name()))
        }
        _ => None,
    });
    let refused: Vec<String> = refused.collect();
    match refused.is_empty() {
        true => Ok(()),
        false => Err(Error::tokenizer(path, refused.join("; "))),
    }
}
