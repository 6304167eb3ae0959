//! [`same_shape`]: whether the weights of one model can take the place of another's.

use internlm_model::ModelConfig;
use serde_json::{Map, Value};

use crate::{Error, Result};

/// The field of the request that names the other model.
const NAME: &str = "path";

/// Checks that `found` computes with the shapes, positions and ids of `expected`; only the numbers of the weights and how
/// they are stored may differ.
///
/// # Errors
/// [`Error::Refused`] that names everything that differs.
pub(super) fn same_shape(expected: &ModelConfig, found: &ModelConfig) -> Result<()> {
    let (expected, found) = (described(expected), described(found));
    let new = found.keys().filter(|name| !expected.contains_key(*name));
    let difference = |name: &String| {
        let (expected, found) = (value(&expected, name), value(&found, name));
        (expected != found).then(|| format!("{name}: found {found}, expected {expected}"))
    };
    let differences: Vec<String> = expected.keys().chain(new).filter_map(difference).collect();
    if differences.is_empty() {
        return Ok(());
    }
    let message = format!("found a model that differs from the running one: {}", differences.join("; "));
    Err(Error::field(NAME, message))
}

/// What a computation depends on, by the names of config files.
fn described(config: &ModelConfig) -> Map<String, Value> {
    let mut config = config.clone();
    // GGUF files have these numbers with fewer digits.
    config.eps = f64::from(config.eps as f32);
    config.rope_theta = f64::from(config.rope_theta as f32);
    config.extra.clear();
    config.pad = None;
    match serde_json::to_value(&config) {
        Ok(Value::Object(mut values)) => {
            values.remove("dtype");
            values
        }
        _ => Map::new(),
    }
}

/// The value of a key, null when it has none.
fn value<'a>(values: &'a Map<String, Value>, name: &str) -> &'a Value {
    values.get(name).unwrap_or(&Value::Null)
}

#[cfg(test)]
mod tests {
    use internlm_model::{ModelSize, TokenId};

    use super::*;

    fn config() -> ModelConfig {
        let size = ModelSize { hidden: 64, layers: 2, heads: 4, inter: 160, vocab: 300 };
        ModelConfig::new(size).with_kv_heads(2).with_max_position(128)
    }

    #[test]
    fn how_weights_are_stored_may_differ() {
        let mut other = config();
        other.eps = f64::from(1e-5_f32);
        other.pad = Some(TokenId(7));
        other.extra.insert("transformers_version".to_owned(), Value::from("5"));
        assert!(same_shape(&config(), &other).is_ok());
    }

    #[test]
    fn everything_that_differs_is_named() {
        let size = ModelSize { hidden: 64, layers: 3, heads: 4, inter: 160, vocab: 320 };
        let mut other = ModelConfig::new(size).with_kv_heads(2).with_max_position(128);
        other.tied = true;
        let error = same_shape(&config(), &other).expect_err("differs");
        let message = error.to_string();
        for words in ["layers: found 3, expected 2", "vocab: found 320, expected 300", "tied: found true"] {
            assert!(message.contains(words), "{message}");
        }
        assert!(!message.contains("hidden"), "{message}");
        assert!(matches!(error, Error::Refused { status: 400, .. }), "{error:?}");
    }
}
