//! [`read`]: files of any format to documents.

use std::collections::BTreeMap;
use std::path::Path;

use internlm_model::chat::Role;
use serde_json::Value;

use super::compat::Compat;
use super::detect::detect;
use super::name::Format;
use super::row::{Parsed, RowFields};
use super::source::{Source, data_files};
use super::value::{Problem, parse_value};
use super::{columns, custom, moss, msagent, sharegpt, text, tokens, transcript};
use crate::Result;
use crate::dataset::openai::openai_row;
use crate::dataset::{Conversation, Document, Turn};

/// How files are read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// Format of every file; `None` finds it out from the keys of each file's first row.
    pub format: Option<Format>,
    /// Whose peculiarities are kept.
    pub compat: Compat,
}

impl ReadOptions {
    /// Reads `format`, or what the keys say, without peculiarities.
    #[must_use]
    pub fn new(format: Option<Format>) -> Self {
        Self { format, compat: Compat::None }
    }

    /// The same with the peculiarities of another program.
    #[must_use]
    pub fn with_compat(self, compat: Compat) -> Self {
        Self { compat, ..self }
    }
}

/// Reads a file, or every file below a folder; `None` finds out the format and logs it.
///
/// # Errors
/// A file that cannot be read, and the first row that is not what its format says, with its line.
///
/// ```
/// use xtuner::dataset::format::{Format, read};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("set.jsonl");
/// std::fs::write(&path, r#"{"instruction": "Add 1 and 1.", "input": "", "output": "2"}"#)?;
/// assert_eq!(read(&path, None)?, read(&path, Some(Format::Alpaca))?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(path: impl AsRef<Path>, format: Option<Format>) -> Result<Vec<Document>> {
    read_with(path, &ReadOptions::new(format))
}

/// Reads as [`read`] does, with all options.
///
/// # Errors
/// As [`read`].
pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    for file in data_files(path.as_ref())? {
        documents.extend(read_file(&file, options)?);
    }
    Ok(documents)
}

fn read_file(path: &Path, options: &ReadOptions) -> Result<Vec<Document>> {
    let source = Source::open(path)?;
    let rows = source.rows()?;
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let format = match options.format {
        Some(format) => format,
        None => {
            let value = parse_value(first.text, Format::OpenAi.shape());
            let format = value.and_then(|value| detect(&value));
            let format = format.map_err(|problem| source.error(first, problem))?;
            tracing::info!("{}: read as `{format}`", path.display());
            format
        }
    };
    let mut documents = Vec::with_capacity(rows.len());
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        let parsed = parse_value(row.text, format.shape())
            .and_then(|value| parse_row(value, format, options.compat))
            .and_then(Parsed::into_document);
        match parsed.map_err(|problem| source.error(row, problem))? {
            Ok(document) => documents.push(kept(document, options.compat)),
            Err(reason) => *left.entry(reason).or_default() += 1,
        }
    }
    for (reason, count) in left {
        tracing::warn!("{}: {count} row(s) are left out: {reason}", path.display());
    }
    Ok(documents)
}

fn parse_row(row: Value, format: Format, compat: Compat) -> Result<Parsed, Problem> {
    match format {
        Format::OpenAi => return openai_row(row).map(Parsed::Chat),
        Format::Pretrain => return text::parse(row),
        _ => {}
    }
    let mut fields = RowFields::new(row, format)?;
    let parsed = match format {
        Format::ShareGpt => sharegpt::parse(&mut fields)?,
        Format::WizardLm => sharegpt::wizardlm(&mut fields)?,
        Format::Oasst1 => transcript::parse(&mut fields)?,
        Format::MsagentReact => msagent::parse(&mut fields)?,
        Format::Moss => moss::parse(&mut fields)?,
        Format::InternEvo => tokens::internevo(&mut fields, compat)?,
        Format::Tokenized => tokens::tokenized(&mut fields)?,
        Format::Default if fields.has("conversation") => custom::parse(&mut fields)?,
        _ => columns::parse(&mut fields, format, compat)?,
    };
    Ok(match parsed {
        Parsed::Chat(chat) => Parsed::Chat(chat.with_fields(fields.rest())),
        other => other,
    })
}

/// XTuner writes questions that follow each other as one.
fn kept(document: Document, compat: Compat) -> Document {
    match document {
        Document::Chat(conversation) if compat == Compat::Xtuner => {
            Document::Chat(joined_questions(conversation))
        }
        other => other,
    }
}

fn joined_questions(mut conversation: Conversation) -> Conversation {
    let mut turns: Vec<Turn> = Vec::with_capacity(conversation.turns.len());
    for turn in std::mem::take(&mut conversation.turns) {
        match turns.last_mut() {
            Some(last) if is_question(last) && is_question(&turn) => {
                let text = format!("{}{}", last.message.text(), turn.message.text());
                last.message.content = Some(text);
            }
            _ => turns.push(turn),
        }
    }
    conversation.turns = turns;
    conversation
}

fn is_question(turn: &Turn) -> bool {
    turn.message.role == Role::User && turn.message.channel.is_none()
}
