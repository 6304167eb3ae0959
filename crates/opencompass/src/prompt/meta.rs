//! The meta template: the text that a model expects around the turns of a dialogue.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// One role of a meta template.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MetaRole {
    /// Name of the role in dataset templates.
    pub role: String,
    /// Text before the turn. Default: empty.
    #[serde(default)]
    pub begin: String,
    /// Text after the turn. Default: empty.
    #[serde(default)]
    pub end: String,
    /// Text of the turn if a dialogue round has no turn of this role. Default: empty.
    #[serde(default)]
    pub prompt: String,
    /// Name of the role in messages: `HUMAN`, `BOT` or `SYSTEM`.
    #[serde(default)]
    pub api_role: Option<String>,
    /// Whether the model speaks this role. A prompt for generation stops after its `begin`.
    #[serde(default)]
    pub generate: bool,
}

/// A role, or text between roles.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a role")]
pub enum MetaPart {
    /// Text between roles, which messages leave out.
    Text(String),
    /// One role of a dialogue round.
    Role(MetaRole),
}

/// The meta template of a model.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MetaTemplate {
    /// Text before everything else. Default: empty.
    #[serde(default)]
    pub begin: String,
    /// One dialogue round: its roles in their order.
    pub round: Vec<MetaPart>,
    /// Roles that may appear only at the beginning or end of a template.
    #[serde(default)]
    pub reserved_roles: Vec<MetaRole>,
    /// Text after everything else, unless the model continues the prompt. Default: empty.
    #[serde(default)]
    pub end: String,
    /// Id of the token that ends the model's turn; only informative.
    #[serde(default)]
    pub eos_token_id: Option<u32>,
}

impl MetaTemplate {
    /// Returns the template of chat APIs: messages of `HUMAN`, `SYSTEM` and `BOT`, which generates.
    #[must_use]
    pub fn api() -> Self {
        let role = |name: &str| MetaRole {
            role: name.to_owned(),
            api_role: Some(name.to_owned()),
            generate: name == "BOT",
            ..MetaRole::default()
        };
        Self {
            round: vec![MetaPart::Role(role("HUMAN")), MetaPart::Role(role("BOT"))],
            reserved_roles: vec![role("SYSTEM")],
            ..Self::default()
        }
    }

    /// Returns every role by name.
    pub(super) fn roles(&self) -> IndexMap<&str, &MetaRole> {
        let in_round = self.round.iter().filter_map(|part| match part {
            MetaPart::Role(role) => Some(role),
            MetaPart::Text(_) => None,
        });
        in_round.chain(&self.reserved_roles).map(|role| (role.role.as_str(), role)).collect()
    }

    /// Returns the position of a role inside the round.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.round.iter().position(|part| matches!(part, MetaPart::Role(role) if role.role == name))
    }
}
