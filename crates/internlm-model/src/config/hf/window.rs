//! Sliding windows in `config.json`: Mistral's `sliding_window`, Qwen2's four keys, transformers' `layer_types`.

use serde_json::{Map, Value, json};

use crate::config::keys::Keys;
use crate::config::model_config::MAX_LAYERS;
use crate::config::{Family, ModelConfig, SlidingWindow};

/// `sliding_window` of transformers' config classes, for files that do not say.
const DEFAULT_TOKENS: f64 = 4096.0;
/// `max_window_layers` of transformers' Qwen2Config.
const DEFAULT_FULL_LAYERS: f64 = 28.0;

/// The window of a model of `layers` layers.
pub(super) fn read(keys: &mut Keys, family: Family, layers: usize) -> Option<SlidingWindow> {
    // A damaged number of layers is reported with the sizes; here it must not cost memory.
    let layers = layers.min(MAX_LAYERS);
    let sliding = sliding_layers(keys, layers);
    let window = match family {
        Family::Mistral => tokens(keys).map(SlidingWindow::new),
        Family::Qwen2 => qwen2(keys, sliding.as_deref(), layers),
        _ => None,
    };
    let window = window.filter(|window| (0..layers).any(|layer| window.of_layer(layer).is_some()));
    let has_window = |layer| window.as_ref().and_then(|window| window.of_layer(layer)).is_some();
    if let Some(sliding) = sliding
        && let Some(layer) = (0..layers).find(|layer| sliding[*layer] != has_window(*layer))
    {
        let [found, expected] = [sliding[layer], has_window(layer)].map(kind_of);
        let expected = format!("expected {expected} by the keys next to it");
        keys.problem(format!("layer_types[{layer}]: found {found}, {expected}"));
    }
    window
}

/// Qwen2 has a window only when `use_sliding_window` says so, and then in its last layers or in those of the list.
fn qwen2(keys: &mut Keys, sliding: Option<&[bool]>, layers: usize) -> Option<SlidingWindow> {
    if keys.peek("use_sliding_window").is_some_and(Value::is_null) {
        keys.take("use_sliding_window");
    }
    if !keys.flag("use_sliding_window") {
        // Released models leave numbers in these keys that nobody reads.
        keys.take("sliding_window");
        keys.take("max_window_layers");
        return None;
    }
    let tokens = tokens(keys);
    let full_layers = match sliding {
        Some(sliding) => {
            keys.take("max_window_layers");
            (0..layers).filter(|layer| !sliding[*layer]).collect()
        }
        None => (0..whole(keys, "max_window_layers", DEFAULT_FULL_LAYERS).min(layers)).collect(),
    };
    Some(SlidingWindow { tokens: tokens?, full_layers })
}

/// `sliding_window`; null means that there is no window.
fn tokens(keys: &mut Keys) -> Option<usize> {
    if keys.peek("sliding_window").is_some_and(Value::is_null) {
        keys.take("sliding_window");
        return None;
    }
    Some(whole(keys, "sliding_window", DEFAULT_TOKENS))
}

/// A whole number that falls back to the upstream class's default with a warning.
fn whole(keys: &mut Keys, key: &str, default: f64) -> usize {
    let number = keys.number_or(key, default);
    if number < 0.0 || number.fract() != 0.0 {
        keys.problem(format!("{key}: found {number}, expected a whole number"));
    }
    number as usize
}

/// For each layer whether `layer_types` gives it a window; `None` without the key or when it cannot be used.
fn sliding_layers(keys: &mut Keys, layers: usize) -> Option<Vec<bool>> {
    let value = keys.take("layer_types").filter(|value| !value.is_null())?;
    let kind = |value: &Value| [false, true].into_iter().find(|has| value.as_str() == Some(kind_of(*has)));
    let list: Option<Vec<bool>> = value.as_array().and_then(|list| list.iter().map(kind).collect());
    if list.as_ref().is_none_or(|list| list.len() != layers) {
        let expected = format!("expected full_attention or sliding_attention for each of {layers} layers");
        keys.problem(format!("layer_types: found {value}, {expected}"));
        return None;
    }
    list
}

/// The name of a layer with or without a window.
const fn kind_of(has_window: bool) -> &'static str {
    if has_window { "sliding_attention" } else { "full_attention" }
}

/// Writes the keys of the family into `object`.
pub(super) fn write(config: &ModelConfig, object: &mut Map<String, Value>) {
    let tokens = config.sliding_window.as_ref().map(|window| window.tokens);
    match (config.family, &config.sliding_window) {
        // Without the key transformers would take its own default.
        (Family::Mistral, _) => {
            object.insert("sliding_window".to_owned(), json!(tokens));
        }
        (Family::Qwen2, Some(window)) => {
            object.insert("use_sliding_window".to_owned(), json!(true));
            object.insert("sliding_window".to_owned(), json!(tokens));
            // Older versions know this key alone, newer ones the list.
            let full = window.full_layers.len();
            if window.full_layers.iter().copied().eq(0..full) {
                object.insert("max_window_layers".to_owned(), json!(full));
            }
            let kinds = (0..config.layers).map(|layer| kind_of(config.window(layer).is_some()));
            let kinds: Vec<&str> = kinds.collect();
            object.insert("layer_types".to_owned(), json!(kinds));
        }
        _ => {}
    }
}
