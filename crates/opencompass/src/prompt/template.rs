//! The templates of a dataset: for the question, for the examples, and one per label.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Part, PromptList, RawMessage, Section, Turn};
use crate::Error;

/// Plain text or a turn, at the beginning or end of a dialogue.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a turn with `role` and `prompt`")]
pub enum TextOrTurn {
    /// Text that is printed as it is.
    Text(String),
    /// A turn, usually of `SYSTEM`.
    Turn(Turn),
}

/// A dialogue template with the parts around it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rounds {
    /// Parts before the dialogue. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begin: Vec<TextOrTurn>,
    /// Turns of the dialogue in their order.
    pub rounds: Vec<Turn>,
    /// Parts after the dialogue. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub end: Vec<TextOrTurn>,
}

/// The template of one label.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a table with `rounds`")]
pub enum LabelTemplate {
    /// Plain text with `{field}` marks.
    Text(String),
    /// A dialogue with `{field}` marks.
    Rounds(Rounds),
}

/// A template: text, dialogue, or one of the two per label.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Template {
    /// Plain text with `{field}` marks.
    Text(String),
    /// A dialogue with `{field}` marks.
    Rounds(Rounds),
    /// One template per label, in the order of the file.
    Labels(IndexMap<String, LabelTemplate>),
}

/// The `[prompt]` table of a dataset file. Exactly one of `text`, `rounds`, `labels` and `messages` has to be given,
/// except in mode `rolling` and for conversations that are columns of the rows.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PromptConfig {
    /// Template of one example. Default: the template of the question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ice: Option<ShotConfig>,
    /// Mark that the examples replace, usually `</E>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ice_token: Option<String>,
    /// Mark between context and answer, which prompts do not keep: `normalizing_str` and log-likelihoods cut there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sep_token: Option<String>,
    /// A text template with `{field}` marks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Parts before the dialogue of `rounds`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub begin: Vec<TextOrTurn>,
    /// A dialogue template: its turns in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Turn>,
    /// Parts after the dialogue of `rounds`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub end: Vec<TextOrTurn>,
    /// One template per label, for mode `ppl`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub labels: IndexMap<String, LabelTemplate>,
    /// Messages in OpenAI's form, which no meta template changes (`RawPromptTemplate`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<RawMessage>,
    /// Messages of one example. Default: those of `messages` without marks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ice_messages: Vec<RawMessage>,
}

/// The template of one example, written as text or as a table like `[prompt]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a table with `rounds` or `labels`")]
pub enum ShotConfig {
    /// Plain text with `{field}` marks.
    Text(String),
    /// A dialogue, the same for every label.
    Rounds(Rounds),
    /// One template per label; an example uses that of its own answer.
    Labels {
        /// Templates by label, in the order of the file.
        labels: IndexMap<String, LabelTemplate>,
    },
}

impl PromptConfig {
    /// Returns the template of the question.
    ///
    /// # Errors
    /// [`Error::Value`], unless exactly one of `text`, `rounds` and `labels` is given.
    pub fn template(&self) -> Result<Template, Error> {
        let unclear = |found: &str| Error::Value {
            place: "prompt".to_owned(),
            found: found.to_owned(),
            expected: "one of text, rounds, labels".to_owned(),
        };
        let given = [self.text.is_some(), !self.rounds.is_empty(), !self.labels.is_empty()];
        match given {
            [true, false, false] => Ok(Template::Text(self.text.clone().unwrap_or_default())),
            [false, true, false] => Ok(Template::Rounds(Rounds {
                begin: self.begin.clone(),
                rounds: self.rounds.clone(),
                end: self.end.clone(),
            })),
            [false, false, true] => Ok(Template::Labels(self.labels.clone())),
            [false, false, false] => Err(unclear("none")),
            _ => Err(unclear("several")),
        }
    }

    /// Returns the template of one example.
    ///
    /// # Errors
    /// The same as [`PromptConfig::template`].
    pub(crate) fn shot_template(&self) -> Result<Template, Error> {
        match &self.ice {
            None => self.template(),
            Some(ShotConfig::Text(text)) => Ok(Template::Text(text.clone())),
            Some(ShotConfig::Rounds(rounds)) => Ok(Template::Rounds(rounds.clone())),
            Some(ShotConfig::Labels { labels }) => Ok(Template::Labels(labels.clone())),
        }
    }
}

impl Template {
    /// Removes every occurrence of `mark` from the texts.
    #[must_use]
    pub(crate) fn without(self, mark: &str) -> Self {
        match self {
            Self::Text(text) => Self::Text(text.replace(mark, "")),
            Self::Rounds(rounds) => Self::Rounds(rounds.without(mark)),
            Self::Labels(labels) => {
                let labels = labels.into_iter().map(|(label, template)| {
                    let template = match template {
                        LabelTemplate::Text(text) => LabelTemplate::Text(text.replace(mark, "")),
                        LabelTemplate::Rounds(rounds) => LabelTemplate::Rounds(rounds.without(mark)),
                    };
                    (label, template)
                });
                Self::Labels(labels.collect())
            }
        }
    }

    /// Returns the labels in their order; empty for a text or dialogue template.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        match self {
            Self::Labels(labels) => labels.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Returns the prompt of `label`, or of the first label, before the fields are replaced.
    ///
    /// # Errors
    /// A message, when `label` has no template.
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

    /// Creates one example: the template of the row's own label with `token` removed and the fields replaced.
    ///
    /// # Errors
    /// A message, when the label of the row has no template.
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

    /// Creates the question with the examples `shots` in place of `token`. For generation there is no label.
    ///
    /// # Errors
    /// A message, when `label` has no template or the examples do not fit into it.
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

    /// Joins examples. Texts are joined with `separator` and closed with `eos`; per-label dialogues get
    /// `separator` after each example and `eos` at the end; dialogues need neither.
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
    fn without(self, mark: &str) -> Self {
        let turn = |turn: Turn| Turn { prompt: turn.prompt.map(|prompt| prompt.replace(mark, "")), ..turn };
        let edge = |parts: Vec<TextOrTurn>| {
            let parts = parts.into_iter().map(|part| match part {
                TextOrTurn::Text(text) => TextOrTurn::Text(text.replace(mark, "")),
                TextOrTurn::Turn(part) => TextOrTurn::Turn(turn(part)),
            });
            parts.collect::<Vec<_>>()
        };
        let (begin, end) = (edge(self.begin), edge(self.end));
        Self { begin, rounds: self.rounds.into_iter().map(turn).collect(), end }
    }

    /// Returns the parts with their section marks. An example has neither beginning nor end.
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
