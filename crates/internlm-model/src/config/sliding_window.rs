//! [`SlidingWindow`]: attention that sees the last tokens only (Beltagy et al., "Longformer", 2020; Mistral 7B).

use serde::{Deserialize, Serialize};

/// How far back the queries of a model see, and in which layers.
///
/// With a window of w tokens the query at position i sees the keys of the positions `i - w + 1 ..= i`, as in
/// transformers and llama.cpp.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SlidingWindow {
    /// Number of keys that a query sees, its own included; at least 1.
    pub tokens: usize,
    /// Layers that see everything, in rising order. Default: none, every layer has the window.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub full_layers: Vec<usize>,
}

impl SlidingWindow {
    /// A window of `tokens` keys in every layer.
    #[must_use]
    pub const fn new(tokens: usize) -> Self {
        Self { tokens, full_layers: Vec::new() }
    }

    /// The window of one layer; `None` where queries see all keys before them.
    #[must_use]
    pub fn of_layer(&self, layer: usize) -> Option<usize> {
        self.full_layers.binary_search(&layer).is_err().then_some(self.tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_the_list_see_everything() {
        let window = SlidingWindow { tokens: 7, full_layers: vec![0, 2] };
        assert_eq!([0, 1, 2, 3].map(|layer| window.of_layer(layer)), [None, Some(7), None, Some(7)]);
        let text = "tokens = 7\nfull-layers = [0, 2]";
        assert_eq!(toml::from_str::<SlidingWindow>(text).expect("parses"), window);
        assert_eq!(toml::from_str::<SlidingWindow>("tokens = 7").expect("parses"), SlidingWindow::new(7));
    }
}
