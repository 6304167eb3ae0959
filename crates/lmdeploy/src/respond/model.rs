//! [`ServedModel`]: everything about a model but its weights.

use std::io::ErrorKind;
use std::path::Path;

use internlm_kit::file;
use internlm_model::chat::ChatTemplate;
use internlm_model::sampling::SamplingConfig;
use internlm_model::{ModelConfig, TokenId, Tokenizer};
use serde::Deserialize;

use super::reply::ToolSyntax;
use crate::{Error, Result};

/// What turns requests into ids and ids into answers; the weights belong to the executor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServedModel {
    /// The name that requests use.
    pub name: String,
    /// Turns text into ids and back.
    pub tokenizer: Tokenizer,
    /// How messages become ids, or why they cannot: then the model serves completions only.
    pub template: std::result::Result<ChatTemplate, String>,
    /// How the model marks tool calls.
    pub tools: ToolSyntax,
    /// Ids that end every answer.
    pub stop_ids: Vec<TokenId>,
    /// Sampling of requests that set nothing.
    pub sampling: SamplingConfig,
    /// When serving began, in Unix seconds.
    pub created: u64,
}

/// The fields of `generation_config.json` that change sampling or the end of answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GenerationConfig {
    temperature: Option<f32>,
    top_k: Option<usize>,
    top_p: Option<f32>,
    repetition_penalty: Option<f32>,
    eos_token_id: Option<OneOrManyIds>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrManyIds {
    One(u32),
    Many(Vec<u32>),
}

impl ServedModel {
    /// A model from its parts, with upstream's sampling defaults: temperature 0.8, top-k 50.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        tokenizer: Tokenizer,
        template: Option<ChatTemplate>,
        eos: &[TokenId],
    ) -> Self {
        let mut stop_ids = eos.to_vec();
        stop_ids.extend(tokenizer.turn_ends());
        stop_ids.sort_unstable();
        stop_ids.dedup();
        let sampling = SamplingConfig::greedy().with_temperature(0.8).with_top_k(50);
        let created = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            name: name.into(),
            tools: ToolSyntax::of(&tokenizer),
            tokenizer,
            template: template.ok_or_else(|| "the model has none".to_owned()),
            stop_ids,
            sampling,
            created: created.map_or(0, |since| since.as_secs()),
        }
    }

    /// Reads tokenizer, chat format and generation defaults of a model folder or GGUF file.
    ///
    /// # Errors
    /// [`Error::Model`], [`Error::File`] or [`Error::Content`] when one of the files is missing or malformed.
    pub fn load(path: impl AsRef<Path>, name: impl Into<String>, config: &ModelConfig) -> Result<Self> {
        let path = path.as_ref();
        let tokenizer = Tokenizer::load(path)?;
        let (ids, rows) = (tokenizer.vocab_size(), config.vocab);
        if ids > rows {
            tracing::warn!(ids, rows, "the model lacks ids of the tokenizer: prompts with them are refused");
        }
        let template = match ChatTemplate::load(path) {
            Ok(template) => Ok(template),
            Err(internlm_model::Error::Chat(reason)) => {
                tracing::warn!(%reason, "the chat template cannot be used: the model serves completions only");
                Err(reason)
            }
            Err(error) => return Err(error.into()),
        };
        let mut model = Self::new(name, tokenizer, None, &config.eos);
        model.template = template;
        model.read_generation_config(&path.join("generation_config.json"))?;
        Ok(model)
    }

    /// Reads the sampling defaults and further stop ids of a model folder; the file may be absent.
    fn read_generation_config(&mut self, path: &Path) -> Result<()> {
        let text = match file::read_to_string(path) {
            // A GGUF file is not a folder: it has no such file either.
            Err(error) if matches!(error.source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(());
            }
            read => read?,
        };
        let wrong = |message: String| Error::Content { path: path.to_owned(), message };
        let read: GenerationConfig = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        self.sampling.temperature = read.temperature.unwrap_or(self.sampling.temperature);
        self.sampling.top_k = read.top_k.map_or(self.sampling.top_k, |k| (k > 0).then_some(k));
        self.sampling.top_p = read.top_p.unwrap_or(self.sampling.top_p);
        self.sampling.repetition_penalty =
            read.repetition_penalty.unwrap_or(self.sampling.repetition_penalty);
        let ids = match read.eos_token_id {
            None => Vec::new(),
            Some(OneOrManyIds::One(id)) => vec![id],
            Some(OneOrManyIds::Many(ids)) => ids,
        };
        self.stop_ids.extend(ids.into_iter().map(TokenId));
        self.stop_ids.sort_unstable();
        self.stop_ids.dedup();
        let problems = self.sampling.problems();
        if problems.is_empty() { Ok(()) } else { Err(wrong(problems.join("; "))) }
    }
}
