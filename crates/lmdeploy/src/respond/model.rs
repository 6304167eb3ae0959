//! [`ServedModel`]: everything about a model but its weights.

use std::io::ErrorKind;
use std::path::Path;

use internlm_kit::file;
use internlm_model::chat::ChatTemplate;
use internlm_model::sampling::SamplingConfig;
use internlm_model::{ModelConfig, TokenId, Tokenizer};

use super::generation_config::GenerationConfig;
use super::templates::TemplateChoice;
use crate::decode::GrammarFactory;
use crate::parse::{ReasoningFormat, ToolFormat};
use crate::{Error, Result};

/// The name by which parsers are chosen by template and vocabulary.
const AUTO: &str = "auto";
/// The file of sampling defaults in a model folder.
const GENERATION_CONFIG: &str = "generation_config.json";

/// What turns requests into ids and ids into answers; the weights belong to the executor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServedModel {
    /// The name that requests use.
    pub name: String,
    /// Further names that requests may use; answers have the first one.
    pub aliases: Vec<String>,
    /// Turns text into ids and back.
    pub tokenizer: Tokenizer,
    /// How messages become ids, or why they cannot: then the model serves completions only.
    pub template: std::result::Result<ChatTemplate, String>,
    /// How the model writes tool calls.
    pub tools: ToolFormat,
    /// How the model marks what it thinks before it answers.
    pub reasoning: ReasoningFormat,
    /// Turns schemas and expressions into grammars over the vocabulary.
    pub grammars: GrammarFactory,
    /// Ids that end every answer.
    pub stop_ids: Vec<TokenId>,
    /// Sampling of requests that set nothing.
    pub sampling: SamplingConfig,
    /// When serving began, in Unix seconds.
    pub created: u64,
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
        let created = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            name: name.into(),
            aliases: Vec::new(),
            tools: ToolFormat::of(template.as_ref(), &tokenizer),
            reasoning: ReasoningFormat::of(template.as_ref(), &tokenizer),
            grammars: GrammarFactory::new(&tokenizer, &stop_ids, tokenizer.vocab_size()),
            tokenizer,
            template: template.ok_or_else(|| "the model has none".to_owned()),
            stop_ids,
            sampling: upstream_sampling(),
            created: created.map_or(0, |since| since.as_secs()),
        }
    }

    /// Whether requests may call the model `name`.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
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
            Err(internlm_model::Error::Chat(reason)) => Err(reason),
            Err(error) => return Err(error.into()),
        };
        let mut model = Self::new(name, tokenizer, template.as_ref().ok().cloned(), &config.eos);
        model.template = template;
        match model.read_generation_config(&path.join(GENERATION_CONFIG)) {
            // A GGUF file is not a folder: it has no such file either.
            Err(Error::File(error))
                if matches!(error.source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            read => read?,
        }
        model.grammars = GrammarFactory::new(&model.tokenizer, &model.stop_ids, rows.max(ids));
        Ok(model)
    }

    /// The same model with the parser of tool calls called `name`; `auto` chooses by template and vocabulary.
    ///
    /// # Errors
    /// [`Error::Setting`] for a name that is not known.
    pub fn with_tool_parser(self, name: &str) -> Result<Self> {
        let tools = match name {
            AUTO => ToolFormat::of(self.template.as_ref().ok(), &self.tokenizer),
            _ => ToolFormat::from_name(name).ok_or_else(|| {
                Error::setting("tool-call-parser", name, format!("{AUTO}, {}", ToolFormat::names()))
            })?,
        };
        Ok(Self { tools, ..self })
    }

    /// The same model with the parser of reasoning called `name`; `auto` chooses by template and vocabulary.
    ///
    /// # Errors
    /// [`Error::Setting`] for a name that is not known.
    pub fn with_reasoning_parser(self, name: &str) -> Result<Self> {
        let reasoning = match name {
            AUTO => ReasoningFormat::of(self.template.as_ref().ok(), &self.tokenizer),
            _ => ReasoningFormat::from_name(name).ok_or_else(|| {
                Error::setting("reasoning-parser", name, format!("{AUTO}, {}", ReasoningFormat::names()))
            })?,
        };
        Ok(Self { reasoning, ..self })
    }

    /// The same model with another chat template, and the parsers that fit it. `choice` is the path of a file in jinja or
    /// of LMDeploy's JSON, a name of LMDeploy's or llama.cpp's, or a template itself; `hf` leaves the model's own.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Content`] when a file cannot be read or is not a template, [`Error::Setting`] for a
    /// name that is not known.
    pub fn with_chat_template(self, choice: impl AsRef<Path>) -> Result<Self> {
        self.with_template(&TemplateChoice::read(choice.as_ref())?)
    }

    /// The same with a choice that is read already.
    pub(crate) fn with_template(mut self, choice: &TemplateChoice) -> Result<Self> {
        let Some(template) = choice.template(&self.tokenizer)? else { return Ok(self) };
        let stop_ids = choice.stop_ids(&self.tokenizer)?;
        if !stop_ids.is_empty() {
            self.stop_ids.extend(stop_ids);
            self.stop_ids.sort_unstable();
            self.stop_ids.dedup();
            let columns = self.tokenizer.vocab_size();
            self.grammars = GrammarFactory::new(&self.tokenizer, &self.stop_ids, columns);
        }
        Ok(Self {
            tools: ToolFormat::of(Some(&template), &self.tokenizer),
            reasoning: ReasoningFormat::of(Some(&template), &self.tokenizer),
            template: Ok(template),
            ..self
        })
    }

    /// The same model with other sampling defaults: `auto` leaves those of the model, `lmdeploy` takes upstream's, and
    /// everything else is the path of a `generation_config.json` or of a folder that has one.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Content`] when the file is missing or malformed.
    pub fn with_generation_config(mut self, choice: &str) -> Result<Self> {
        match choice {
            AUTO => {}
            "lmdeploy" => self.sampling = upstream_sampling(),
            path => {
                let path = Path::new(path);
                self.sampling = upstream_sampling();
                let inside = path.join(GENERATION_CONFIG);
                self.read_generation_config(if path.is_dir() { &inside } else { path })?;
                let columns = self.tokenizer.vocab_size();
                self.grammars = GrammarFactory::new(&self.tokenizer, &self.stop_ids, columns);
            }
        }
        Ok(self)
    }

    /// Reads sampling defaults and further stop ids.
    fn read_generation_config(&mut self, path: &Path) -> Result<()> {
        let text = file::read_to_string(path)?;
        let wrong = |message: String| Error::Content { path: path.to_owned(), message };
        let read = GenerationConfig::read(&text).map_err(|error| wrong(error.to_string()))?;
        for setting in read.passed_over() {
            let path = path.display();
            tracing::warn!(%path, %setting, "this server does not apply a sampling setting of the model");
        }
        self.sampling = read.apply(&self.sampling);
        self.stop_ids.extend(read.stop_ids());
        self.stop_ids.sort_unstable();
        self.stop_ids.dedup();
        let problems = self.sampling.problems();
        if problems.is_empty() { Ok(()) } else { Err(wrong(problems.join("; "))) }
    }
}

/// What upstream samples with when nothing says otherwise.
fn upstream_sampling() -> SamplingConfig {
    SamplingConfig::greedy().with_temperature(0.8).with_top_k(50)
}
