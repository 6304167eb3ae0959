//! [`TemplateChoice`]: the value of `--chat-template`.

use std::path::{Path, PathBuf};

use internlm_kit::file;
use internlm_model::chat::{ChatTemplate, JinjaTemplate};
use internlm_model::{TokenId, Tokenizer};

use super::catalog;
use super::form::{Form, Texts};
use super::upstream_file::UpstreamFile;
use crate::{Error, Result};

/// The setting in messages.
const SETTING: &str = "chat-template";
/// Upstream's name for the model's own template.
const OWN: &str = "hf";
/// Number of names that an unknown one is compared with in the message.
const SUGGESTIONS: usize = 3;

/// The chat template that a model is to have instead of its own; read before the model, which takes longer.
#[derive(Debug)]
pub(crate) struct TemplateChoice {
    kind: Kind,
    /// Texts that end an answer in addition to the ids of the model.
    stop_words: Vec<String>,
}

#[derive(Debug)]
enum Kind {
    Own,
    /// A template in jinja, and where it comes from.
    Jinja(String, PathBuf),
    Filled(Form, Texts),
}

impl TemplateChoice {
    /// Reads what `choice` means: a file, then a name, then a template itself, as llama.cpp and vLLM take it.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Content`] for a file, [`Error::Setting`] for a name that is not known.
    pub(crate) fn read(choice: &Path) -> Result<Self> {
        let text = choice.to_str().unwrap_or_default();
        if choice.exists() && !choice.is_dir() {
            return Self::of_file(choice);
        }
        if text == OWN {
            return Ok(Self::of(Kind::Own));
        }
        if let Some(template) = catalog::find(text) {
            return Ok(Self::of(Kind::Filled(template.form, template.texts.clone())));
        }
        if text.contains("{{") || text.contains("{%") {
            return Ok(Self::of(Kind::Jinja(text.to_owned(), SETTING.into())));
        }
        if is_path(choice) {
            // Says why there is no such file.
            return Self::of_file(choice);
        }
        let names = catalog::nearest(text, SUGGESTIONS).join(", ");
        let expected = format!("a file, a template in jinja, or a name; the nearest ones are {names}");
        Err(Error::setting(SETTING, text, expected))
    }

    fn of(kind: Kind) -> Self {
        Self { kind, stop_words: Vec::new() }
    }

    fn of_file(path: &Path) -> Result<Self> {
        let text = file::read_to_string(path)?;
        if !UpstreamFile::is(&text) {
            return Ok(Self::of(Kind::Jinja(text, path.to_owned())));
        }
        let UpstreamFile { form, texts, stop_words } =
            UpstreamFile::read(&text).map_err(|message| Error::Content { path: path.to_owned(), message })?;
        Ok(Self { kind: Kind::Filled(form, texts), stop_words })
    }

    /// The template for a vocabulary; `None` for the model's own.
    ///
    /// # Errors
    /// [`Error::Content`] for a text that is not a template.
    pub(crate) fn template(&self, tokenizer: &Tokenizer) -> Result<Option<ChatTemplate>> {
        match &self.kind {
            Kind::Own => Ok(None),
            Kind::Filled(form, texts) => form.fill(texts, tokenizer).map(Some),
            Kind::Jinja(source, place) => {
                let name = |id: Option<TokenId>| id.and_then(|id| tokenizer.token(id));
                let template = JinjaTemplate::new(source, name(tokenizer.bos()), name(tokenizer.eos()))
                    .map_err(|error| Error::Content { path: place.clone(), message: error.to_string() })?
                    .with_special_tokens(tokenizer.special_tokens());
                Ok(Some(ChatTemplate::Jinja(Box::new(template))))
            }
        }
    }

    /// The ids that end an answer in addition to those of the model.
    ///
    /// # Errors
    /// [`Error::Setting`] for a text of several ids.
    pub(crate) fn stop_ids(&self, tokenizer: &Tokenizer) -> Result<Vec<TokenId>> {
        let id = |word: &String| match tokenizer.encode_with_special(word)[..] {
            [id] => Ok(id),
            ref ids => {
                let found = format!("`{word}`, which is {} tokens", ids.len());
                Err(Error::setting(format!("{SETTING}: stop_words"), found, "texts of one token"))
            }
        };
        self.stop_words.iter().map(id).collect()
    }
}

/// Whether a value that is not there looks like a file: it has a folder, or an ending such as `.jinja`.
fn is_path(choice: &Path) -> bool {
    let is_ending =
        |ending: &std::ffi::OsStr| ending.as_encoded_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    choice.components().count() > 1 || choice.is_dir() || choice.extension().is_some_and(is_ending)
}
