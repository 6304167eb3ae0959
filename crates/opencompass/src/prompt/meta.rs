//! The meta template: what a model wants around the turns of a dialogue.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// One role of a meta template.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MetaRole {
    /// The role's name in dataset templates.
    pub role: String,
    /// Printed before the turn.
    #[serde(default)]
    pub begin: String,
    /// Printed after the turn.
    #[serde(default)]
    pub end: String,
    /// Printed when a dialogue round has no turn of this role.
    #[serde(default)]
    pub prompt: String,
    /// The role's name in messages: `HUMAN`, `BOT` or `SYSTEM`.
    #[serde(default)]
    pub api_role: Option<String>,
    /// The model speaks this role: a prompt to go on from stops after its `begin`.
    #[serde(default)]
    pub generate: bool,
}

/// Text between roles, or a role.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a role")]
pub enum MetaPart {
    /// Text between roles; message form ignores it.
    Text(String),
    /// A role.
    Role(MetaRole),
}

/// A model's meta template.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MetaTemplate {
    /// Before everything.
    #[serde(default)]
    pub begin: String,
    /// One dialogue round: roles in their order.
    pub round: Vec<MetaPart>,
    /// Roles that may stand only in a template's beginning or end.
    #[serde(default)]
    pub reserved_roles: Vec<MetaRole>,
    /// After everything, unless the model goes on.
    #[serde(default)]
    pub end: String,
    /// Id that ends the model's turn; informative.
    #[serde(default)]
    pub eos_token_id: Option<u32>,
}

impl MetaTemplate {
    /// The template of chat APIs: `HUMAN`, `BOT` (which generates) and `SYSTEM` as messages.
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

    /// Every role by name.
    pub(super) fn roles(&self) -> IndexMap<&str, &MetaRole> {
        let in_round = self.round.iter().filter_map(|part| match part {
            MetaPart::Role(role) => Some(role),
            MetaPart::Text(_) => None,
        });
        in_round.chain(&self.reserved_roles).map(|role| (role.role.as_str(), role)).collect()
    }

    /// Place of a role inside the round.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.round.iter().position(|part| matches!(part, MetaPart::Role(role) if role.role == name))
    }
}
