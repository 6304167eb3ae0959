//! The intermediate form of a prompt: texts, turns and section marks in their order.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::format_fields;

/// One turn of a dialogue in the template of a dataset.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Name of a role in the meta template, usually `HUMAN`, `BOT` or `SYSTEM`.
    pub role: String,
    /// Role that is used if the meta template lacks `role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_role: Option<String>,
    /// Text with `{field}` marks. Default: the role's own text in the meta template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

/// A part of a prompt that the meta template treats in its own way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Section {
    /// The part before the dialogue.
    Begin,
    /// One worked example (shot).
    Shot,
    /// The dialogue of the question itself.
    Round,
    /// The part after the dialogue.
    End,
}

/// One element of a [`PromptList`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Part {
    /// Plain text between turns.
    Text(String),
    /// One turn of the dialogue.
    Turn(Turn),
    /// The beginning of a section.
    Open(Section),
    /// The end of a section.
    Close(Section),
}

/// A prompt before the meta template is applied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PromptList {
    /// The prompt of a text template, which the meta template leaves unchanged.
    Text(String),
    /// The parts of a dialogue.
    Parts(Vec<Part>),
}

impl PromptList {
    /// Replaces the `{field}` marks in texts and turns.
    #[must_use]
    pub fn format(self, fields: &Map<String, Value>) -> Self {
        match self {
            Self::Text(text) => Self::Text(format_fields(&text, fields)),
            Self::Parts(parts) => {
                let format = |part| match part {
                    Part::Text(text) => Part::Text(format_fields(&text, fields)),
                    Part::Turn(turn) => {
                        let prompt = turn.prompt.map(|prompt| format_fields(&prompt, fields));
                        Part::Turn(Turn { prompt, ..turn })
                    }
                    mark => mark,
                };
                Self::Parts(parts.into_iter().map(format).collect())
            }
        }
    }

    /// Replaces `mark` by the examples `shots`. The parts of a dialogue go between the pieces of a text that
    /// contains the mark; inside a turn only text is possible.
    ///
    /// # Errors
    /// A message, when the parts of a dialogue would have to go inside a turn or a plain text.
    pub(crate) fn insert(self, mark: &str, shots: &Self) -> Result<Self, String> {
        match (self, shots) {
            (Self::Text(text), Self::Text(shots)) => Ok(Self::Text(text.replace(mark, shots))),
            (Self::Text(text), Self::Parts(_)) if text.contains(mark) => {
                Err(format!("`{mark}`: found a dialogue of examples, expected text inside a text template"))
            }
            (text @ Self::Text(_), Self::Parts(_)) => Ok(text),
            (Self::Parts(parts), shots) => {
                let mut result = Vec::with_capacity(parts.len());
                for part in parts {
                    insert_part(&mut result, part, mark, shots)?;
                }
                Ok(Self::Parts(result))
            }
        }
    }
}

fn insert_part(result: &mut Vec<Part>, part: Part, mark: &str, shots: &PromptList) -> Result<(), String> {
    match (part, shots) {
        (Part::Text(text), PromptList::Text(shots)) => result.push(Part::Text(text.replace(mark, shots))),
        (Part::Text(text), PromptList::Parts(shots)) => {
            for (index, piece) in text.split(mark).enumerate() {
                if index > 0 {
                    result.extend(shots.iter().cloned());
                }
                if !piece.is_empty() {
                    result.push(Part::Text(piece.to_owned()));
                }
            }
        }
        (Part::Turn(turn), shots) => {
            let holds = turn.prompt.as_ref().is_some_and(|prompt| prompt.contains(mark));
            let prompt = match shots {
                PromptList::Text(shots) => turn.prompt.map(|prompt| prompt.replace(mark, shots)),
                PromptList::Parts(_) if holds => {
                    return Err(format!(
                        "`{mark}`: found a dialogue of examples, expected text inside a turn"
                    ));
                }
                PromptList::Parts(_) => turn.prompt,
            };
            result.push(Part::Turn(Turn { prompt, ..turn }));
        }
        (mark, _) => result.push(mark),
    }
    Ok(())
}
