//! An agent without tools, `Agent` in lagent 0.5: the reply is the answer.

use internlm_model::chat::Message;
use serde::{Deserialize, Serialize};

use super::Scene;

/// Settings of an agent without tools.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Plain {
    /// System text before the conversation. Default: none.
    pub system: Option<String>,
    /// Instruction about the form of the answer, which is added to the system text. Default: none.
    pub format: Option<String>,
}

impl Plain {
    /// Returns the messages of the next request.
    pub(crate) fn prompt(&self, scene: &Scene<'_>) -> Vec<Message> {
        let parts: Vec<&str> =
            [&self.system, &self.format].into_iter().flatten().map(String::as_str).collect();
        let system = (!parts.is_empty()).then(|| Message::system(parts.join("\n")));
        system.into_iter().chain(scene.history.iter().cloned()).collect()
    }
}
