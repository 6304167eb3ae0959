//! [`Tuning`]: sampling settings that one request changes.

use serde::{Deserialize, Serialize};

use crate::run::Sampling;

/// Sampling settings of one request; what is absent stays as the agent's file has it.
///
/// ```
/// use lagent::client::Tuning;
/// use lagent::run::Sampling;
///
/// let mut tuning = Tuning::default();
/// tuning.max_tokens = Some(64);
/// assert_eq!(tuning.apply(&Sampling::default()).max_tokens, 64);
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Tuning {
    /// Sampling temperature, 0 to 2. With 0 decoding is greedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Probability mass of nucleus sampling, above 0 and at most 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Maximum number of tokens of each reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Random seed, used with a temperature above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Texts that end a reply, in addition to those of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Vec<String>>,
}

impl Tuning {
    /// Returns the settings of a model request with the changes of this one.
    #[must_use]
    pub fn apply(&self, params: &Sampling) -> Sampling {
        let mut params = params.clone();
        params.temperature = self.temperature.unwrap_or(params.temperature);
        params.top_p = self.top_p.unwrap_or(params.top_p);
        params.max_tokens = self.max_tokens.unwrap_or(params.max_tokens);
        params.seed = self.seed.unwrap_or(params.seed);
        params.stop.extend(self.stop.iter().flatten().cloned());
        params
    }

    /// Returns the first setting that is out of its range, with what was found and expected.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, String)> {
        if let Some(found) = self.temperature.filter(|value| !(0.0..=2.0).contains(value)) {
            return Some(("temperature", format!("found {found}, expected 0 to 2")));
        }
        if let Some(found) = self.top_p.filter(|value| !(*value > 0.0 && *value <= 1.0)) {
            return Some(("top_p", format!("found {found}, expected above 0, at most 1")));
        }
        if self.max_tokens == Some(0) {
            return Some(("max_tokens", "found 0, expected at least 1".to_owned()));
        }
        let is_empty = self.stop.iter().flatten().any(String::is_empty);
        is_empty.then(|| ("stop", "found an empty text, expected texts that end a reply".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_given_changes() {
        let base = Sampling { temperature: 0.5, stop: vec!["a".to_owned()], ..Sampling::default() };
        assert_eq!(Tuning::default().apply(&base), base);
        let tuning = Tuning { stop: Some(vec!["b".to_owned()]), seed: Some(3), ..Tuning::default() };
        let tuned = tuning.apply(&base);
        assert_eq!((tuned.seed, tuned.temperature, tuned.stop.join("|").as_str()), (3, 0.5, "a|b"));
        assert_eq!(serde_json::to_string(&tuning).expect("serializes"), r#"{"seed":3,"stop":["b"]}"#);
    }

    #[test]
    fn values_out_of_range_are_named() {
        let tuning = |json: serde_json::Value| serde_json::from_value::<Tuning>(json).expect("a tuning");
        for (json, name) in [
            (serde_json::json!({"temperature": 3}), Some("temperature")),
            (serde_json::json!({"top_p": 0}), Some("top_p")),
            (serde_json::json!({"max_tokens": 0}), Some("max_tokens")),
            (serde_json::json!({"stop": [""]}), Some("stop")),
            (serde_json::json!({"temperature": 2, "top_p": 1, "max_tokens": 1, "stop": ["x"]}), None),
        ] {
            assert_eq!(tuning(json.clone()).problem().map(|(name, _)| name), name, "{json}");
        }
    }
}
