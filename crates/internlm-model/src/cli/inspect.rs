//! `internlm-model inspect`: what is inside a model folder or GGUF file, and what is wrong with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use internlm_kit::file::AtPath;
use serde::Serialize;

use super::model::ModelArg;
use crate::describe::Description;
use crate::weights::gguf::GgufFile;
use crate::weights::internevo::{InternEvoFolder, Stretch, is_internevo};
use crate::weights::kind::refuse_hub_name;
use crate::weights::{self, Quantization, TensorSource, WeightFolder, is_gguf};
use crate::{Error, ModelConfig, TokenId};

/// Show what a model consists of and what is wrong with it
///
/// Prints family, config, number of parameters, tensors by storage type, tokenizer and chat template. All problems of
/// the model are listed at once; with one or more the exit code is 2.
#[derive(Args, Debug)]
#[command(
    override_usage = "internlm-model inspect [OPTIONS] <MODEL>",
    after_help = "Examples:
  internlm-model inspect runs/tiny/pretrain/hf
  internlm-model inspect model.gguf --json"
)]
pub(super) struct InspectArgs {
    #[command(flatten)]
    model: ModelArg,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Everything `inspect` shows.
#[derive(Debug, Serialize)]
struct Report {
    path: PathBuf,
    format: String,
    config: Option<ModelConfig>,
    /// Weights by the config, a tied matrix once.
    parameters: Option<u64>,
    /// Method and width of a quantizer: `AWQ, 4 bit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantization: Option<String>,
    /// Tensors by storage type.
    dtypes: BTreeMap<&'static str, Total>,
    tensors: Vec<Tensor>,
    tokenizer: Option<Description>,
    template: Option<&'static str>,
    problems: Vec<String>,
}

/// Sum over the tensors of one storage type.
#[derive(Debug, Default, Serialize)]
struct Total {
    tensors: usize,
    values: usize,
    bytes: usize,
}

/// One tensor as the file has it.
#[derive(Debug, Serialize)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    dtype: &'static str,
}

pub(super) fn run(args: &InspectArgs) -> anyhow::Result<()> {
    let path = args.model.path();
    refuse_hub_name(path)?;
    std::fs::metadata(path).at(path, "read")?;
    let mut report = if is_gguf(path) {
        gguf(path)?
    } else {
        if path.is_file() {
            // Whatever it is, the error says it.
            weights::open_stored(path)?;
        }
        folder(path)
    };
    report.parameters = report.config.as_ref().map(ModelConfig::parameters);
    if args.json {
        internlm_kit::outln!("{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        internlm_kit::out!("{}", text(&report))?;
    }
    match report.problems.is_empty() {
        true => Ok(()),
        false => Err(Error::Model { path: path.to_path_buf(), problems: report.problems }.into()),
    }
}

fn folder(path: &Path) -> Report {
    let mut report = if is_internevo(path) { internevo(path) } else { hugging_face(path) };
    // Weights alone are a valid folder: every verb but those with text works on them.
    if ["tokenizer.model", "tokenizer.json"].iter().any(|name| path.join(name).exists()) {
        let described = report.keep(Description::load(path));
        report.vocabulary(described);
    }
    report
}

fn hugging_face(path: &Path) -> Report {
    let mut report = Report::new(path, "Hugging Face folder".to_owned());
    let opened = report.keep(weights::open(path));
    report.config = opened.map(|(config, _)| config).or_else(|| ModelConfig::from_hf(path).ok());
    let quantization =
        ModelConfig::from_hf(path).ok().and_then(|config| Quantization::find(&config, path).ok()).flatten();
    report.quantization = quantization.map(|quantization| quantization.describe());
    let has_config = report.config.is_some() || !path.join("config.json").is_file();
    match WeightFolder::open(path) {
        Ok(source) => report.list(&source),
        // A config that cannot be read hides what is wrong with the weights.
        Err(error) if !has_config => report.problems.push(error.to_string()),
        Err(_) => {}
    }
    report
}

/// The joined tensors under InternLM2 names; context length and stretching are not stored there.
fn internevo(path: &Path) -> Report {
    let mut report = Report::new(path, "InternEvo checkpoint".to_owned());
    if let Some(folder) = report.keep(InternEvoFolder::open(path, Stretch::default())) {
        report.config = Some(folder.config().clone());
        report.list(&folder);
    }
    report
}

fn gguf(path: &Path) -> Result<Report, Error> {
    let file = GgufFile::open(path)?;
    let mut report = Report::new(path, format!("GGUF v{}", file.version()));
    let files = file.files().count();
    if files > 1 {
        report.format.push_str(&format!(", {files} files"));
    }
    report.list(&file);
    let config = ModelConfig::from_gguf(&file);
    if report.tensors.is_empty() {
        // A vocabulary alone is a valid file, whatever its architecture.
        report.format.push_str(", vocabulary only");
        report.config = config.ok();
    } else {
        report.config = report.keep(config);
        if report.config.is_some() {
            let _ = report.keep(weights::open(path));
        }
    }
    let described = report.keep(Description::of_gguf(&file));
    report.vocabulary(described);
    Ok(report)
}

impl Report {
    fn new(path: &Path, format: String) -> Self {
        Self {
            path: path.to_path_buf(),
            format,
            config: None,
            parameters: None,
            quantization: None,
            dtypes: BTreeMap::new(),
            tensors: Vec::new(),
            tokenizer: None,
            template: None,
            problems: Vec::new(),
        }
    }

    /// The value, or one more problem.
    fn keep<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.problems.push(error.to_string())).ok()
    }

    fn list(&mut self, source: &dyn TensorSource) {
        for name in source.names() {
            let Some(info) = source.info(&name) else { continue };
            let values: usize = info.shape.iter().product();
            let total = self.dtypes.entry(info.encoding.name()).or_default();
            total.tensors += 1;
            total.values += values;
            total.bytes += info.encoding.byte_length(&info.shape).unwrap_or_default();
            self.tensors.push(Tensor { name, shape: info.shape, dtype: info.encoding.name() });
        }
    }

    fn vocabulary(&mut self, described: Option<Description>) {
        let Some(tokenizer) = described else { return };
        self.template = tokenizer.template;
        if let Some(config) = &self.config
            && tokenizer.vocab_size > config.vocab
        {
            // No harm: such an id is never generated, and a prompt that has one is refused.
            tracing::warn!(
                "{}: tokenizer: {} ids, the embedding has {} rows; ids beyond them cannot be used",
                self.path.display(),
                tokenizer.vocab_size,
                config.vocab
            );
        }
        self.tokenizer = Some(tokenizer);
    }
}

/// The report as text: short lines, the tensor list last.
fn text(report: &Report) -> String {
    let mut lines = vec![format!("{}: {}", report.path.display(), report.format)];
    if let Some(config) = &report.config {
        lines.push(format!("family      {}, parameters {}", config.family.name(), config.parameters()));
        // The config as TOML, the form recipes use.
        let toml = toml::to_string(config).unwrap_or_default();
        lines.extend(toml.lines().map(|line| format!("  {line}")));
    }
    if let Some(quantization) = &report.quantization {
        lines.push(format!("quantized   {quantization}"));
    }
    if let Some(tokenizer) = &report.tokenizer {
        let id = |id: Option<TokenId>| id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        lines.push(format!(
            "tokenizer   {}, {} ids, {} special, bos {}, eos {}",
            tokenizer.kind,
            tokenizer.vocab_size,
            tokenizer.specials,
            id(tokenizer.bos),
            id(tokenizer.eos)
        ));
    }
    lines.push(format!("template    {}", report.template.unwrap_or("none")));
    for (dtype, total) in &report.dtypes {
        let Total { tensors, values, bytes } = total;
        lines.push(format!("{dtype:<11} {tensors} tensors, {values} values, {bytes} bytes"));
    }
    for tensor in &report.tensors {
        lines.push(format!("  {:<5} {:?} {}", tensor.dtype, tensor.shape, tensor.name));
    }
    lines.join("\n") + "\n"
}
