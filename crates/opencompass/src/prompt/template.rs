//! Templates of a dataset: for the question, for the shots, one per label.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Part, PromptList, Section, Turn};

/// Plain text, or a turn, at the beginning or end of a dialogue.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a turn with `role` and `prompt`")]
pub enum TextOrTurn {
    /// Plain text.
    Text(String),
    /// A turn.
    Turn(Turn),
}

/// A dialogue template.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rounds {
    /// Before the dialogue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begin: Vec<TextOrTurn>,
    /// The dialogue.
    pub rounds: Vec<Turn>,
    /// After the dialogue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub end: Vec<TextOrTurn>,
}

/// What one label's prompt looks like.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a table with `rounds`")]
pub enum LabelTemplate {
    /// Plain text.
    Text(String),
    /// A dialogue.
    Rounds(Rounds),
}

/// A template: text, dialogue, or one of the two per label.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Template {
    /// Plain text with `{field}` marks.
    Text(String),
    /// A dialogue.
    Rounds(Rounds),
    /// One template per label, in the file's order.
    Labels(IndexMap<String, LabelTemplate>),
}

/// The `[prompt]` table of a dataset file.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PromptConfig {
    /// The template of one shot; without it the question's own template is used for shots too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ice: Option<ShotConfig>,
    /// Where shots go, usually `</E>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ice_token: Option<String>,
    /// A text template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Before the dialogue.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub begin: Vec<TextOrTurn>,
    /// A dialogue template.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Turn>,
    /// After the dialogue.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub end: Vec<TextOrTurn>,
    /// One template per label.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub labels: IndexMap<String, LabelTemplate>,
}

/// A shot's template: text, or a table like `[prompt]` itself.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a table with `rounds` or `labels`")]
pub enum ShotConfig {
    /// Plain text.
    Text(String),
    /// One dialogue.
    Rounds(Rounds),
    /// One template per label.
    Labels {
        /// Label -> template.
        labels: IndexMap<String, LabelTemplate>,
    },
}

impl PromptConfig {
    /// The question's template.
    ///
    /// # Errors
    /// A sentence, unless exactly one of `text`, `rounds` and `labels` is given.
    pub fn template(&self) -> Result<Template, String> {
        let given = [self.text.is_some(), !self.rounds.is_empty(), !self.labels.is_empty()];
        match given {
            [true, false, false] => Ok(Template::Text(self.text.clone().unwrap_or_default())),
            [false, true, false] => Ok(Template::Rounds(Rounds {
                begin: self.begin.clone(),
                rounds: self.rounds.clone(),
                end: self.end.clone(),
            })),
            [false, false, true] => Ok(Template::Labels(self.labels.clone())),
            [false, false, false] => {
                Err("prompt: found none, expected one of text, rounds, labels".to_owned())
            }
            _ => Err("prompt: found several, expected one of text, rounds, labels".to_owned()),
        }
    }

    /// The template of one shot.
    ///
    /// # Errors
    /// Like [`PromptConfig::template`].
    pub fn shot_template(&self) -> Result<Template, String> {
        match &self.ice {
            None => self.template(),
            Some(ShotConfig::Text(text)) => Ok(Template::Text(text.clone())),
            Some(ShotConfig::Rounds(rounds)) => Ok(Template::Rounds(rounds.clone())),
            Some(ShotConfig::Labels { labels }) => Ok(Template::Labels(labels.clone())),
        }
    }
}

impl Template {
    /// The labels in order; none for a text or dialogue template.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        match self {
            Self::Labels(labels) => labels.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// The prompt of `label`, or of the first label, before fields are replaced.
    ///
    /// # Errors
    /// A sentence, when `label` has no template.
    fn encode(&self, label: Option<&str>, section: Section) -> Result<PromptList, String> {
        match self {
            Self::Text(text) => Ok(PromptList::Text(text.clone())),
            Self::Rounds(rounds) => Ok(rounds.encode(section)),
            Self::Labels(labels) => {
                let template = match label {
                    None => labels.values().next(),
                    Some(label) => labels.get(label),
                };
                match template {
                    Some(LabelTemplate::Text(text)) => Ok(PromptList::Text(text.clone())),
                    Some(LabelTemplate::Rounds(rounds)) => Ok(rounds.encode(section)),
                    None => {
                        let known: Vec<&str> = labels.keys().map(String::as_str).collect();
                        Err(format!(
                            "label `{}`: expected one of {}",
                            label.unwrap_or_default(),
                            known.join(", ")
                        ))
                    }
                }
            }
        }
    }

    /// One shot: the template of the row's own label, `token` removed, fields replaced.
    ///
    /// # Errors
    /// A sentence, when the row's label has no template.
    pub fn shot(
        &self,
        row: &Map<String, Value>,
        label: &str,
        token: Option<&str>,
    ) -> Result<PromptList, String> {
        let list = self.encode(Some(label), Section::Shot)?;
        let empty = PromptList::Text(String::new());
        let list = match token {
            Some(token) => list.insert(token, &empty)?,
            None => list,
        };
        Ok(list.format(row))
    }

    /// The question with `shots` in place of `token`. For generation `label` is none.
    ///
    /// # Errors
    /// A sentence, when `label` has no template or the shots do not fit.
    pub fn question(
        &self,
        row: &Map<String, Value>,
        label: Option<&str>,
        token: Option<&str>,
        shots: &PromptList,
    ) -> Result<PromptList, String> {
        let list = self.encode(label, Section::Round)?;
        let list = match token {
            Some(token) => list.insert(token, shots)?,
            None => list,
        };
        Ok(list.format(row))
    }

    /// Joins shots. Dialogue templates need no separator; texts and per-label dialogues get `separator`
    /// between or behind each and `eos` at the end.
    #[must_use]
    pub fn join(&self, shots: Vec<PromptList>, separator: &str, eos: &str) -> PromptList {
        let (separator, eos) = if matches!(self, Self::Rounds(_)) { ("", "") } else { (separator, eos) };
        if !shots.iter().any(|shot| matches!(shot, PromptList::Parts(_))) {
            let texts = shots.into_iter().map(|shot| match shot {
                PromptList::Text(text) => text,
                PromptList::Parts(_) => String::new(),
            });
            return PromptList::Text(texts.collect::<Vec<_>>().join(separator) + eos);
        }
        let mut parts = Vec::new();
        for shot in shots {
            match shot {
                PromptList::Text(text) => parts.push(Part::Text(text)),
                PromptList::Parts(shot) => parts.extend(shot),
            }
            if !separator.is_empty() {
                parts.push(Part::Text(separator.to_owned()));
            }
        }
        parts.push(Part::Text(eos.to_owned()));
        PromptList::Parts(parts)
    }
}

impl Rounds {
    /// The parts with their section marks; a shot has neither beginning nor end.
    fn encode(&self, section: Section) -> PromptList {
        let edge = |items: &[TextOrTurn], section| {
            let parts = items.iter().map(|item| match item {
                TextOrTurn::Text(text) => Part::Text(text.clone()),
                TextOrTurn::Turn(turn) => Part::Turn(turn.clone()),
            });
            let mut marked = vec![Part::Open(section)];
            marked.extend(parts);
            marked.push(Part::Close(section));
            marked
        };
        let mut parts = Vec::new();
        if section == Section::Round && !self.begin.is_empty() {
            parts.extend(edge(&self.begin, Section::Begin));
        }
        parts.push(Part::Open(section));
        parts.extend(self.rounds.iter().cloned().map(Part::Turn));
        parts.push(Part::Close(section));
        if section == Section::Round && !self.end.is_empty() {
            parts.extend(edge(&self.end, Section::End));
        }
        PromptList::Parts(parts)
    }
}
