//! The settings of a run: the run file, changed by the arguments.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indexmap::IndexMap;
use internlm_kit::config::ConfigError;
use internlm_kit::exit::UsageError;
use serde_json::json;

use crate::dataset::nearest;
use crate::glob::glob;
use crate::model::{EvaluatedModelConfig, ModelKind};
use crate::summary::{GroupConfig, SummarizerConfig};
use crate::{Error, EvaluationConfig};

/// Name of the summarizer that is made of the datasets' own groups.
const BY_GROUP: &str = "by-group";

/// Name of a run without a run file in messages.
const COMMAND_LINE: &str = "command line";

/// Name of the model that repeats the question.
const MOCK: &str = "mock";

#[derive(Args, Clone, Debug)]
#[group(id = "settings")]
pub(super) struct Arguments {
    /// The run file in TOML. Not needed with --models and --datasets; what they give may be missing in it.
    #[arg(required_unless_present_any = ["datasets", "custom_dataset_path"])]
    run: Option<PathBuf>,
    /// Override one key of the run file, for instance model.base-url=http://127.0.0.1:23333. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Evaluate these models instead of the run file's: names or patterns of its models, model folders, GGUF files,
    /// addresses as http://host:port, or `mock`, which repeats the question.
    #[arg(long, num_args = 1.., value_name = "MODEL")]
    models: Vec<String>,
    /// Evaluate these datasets instead of the run file's: names, file stems, patterns or paths.
    #[arg(long, num_args = 1.., value_name = "NAME")]
    datasets: Vec<String>,
    /// Look for data files in these folders, before those of the run file.
    #[arg(long, num_args = 1.., value_name = "DIR")]
    data_dirs: Vec<PathBuf>,
    /// Evaluate only the first N rows of every dataset [default: all].
    #[arg(long, value_name = "N")]
    max_rows: Option<usize>,
    /// Rows and groups of the table: a TOML file with `rows` and `[[group]]`, or `by-group` for one group per
    /// `meta.group` of the datasets.
    #[arg(long, value_name = "FILE")]
    summarizer: Option<PathBuf>,
    /// Write the run into a new folder with a timestamp below DIR, instead of the run file's folder.
    #[arg(short = 'w', long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
    /// Engine of models whose weights the run file names: they run in this process instead of on their servers.
    #[arg(short = 'a', long, value_enum, value_name = "ENGINE")]
    accelerator: Option<Engine>,
    /// Number of open requests per model [default: run.workers of the run file, 8].
    #[arg(long, value_name = "N")]
    max_num_workers: Option<usize>,
    /// Number of requests that an engine may answer together; the same as --max-num-workers.
    #[arg(long, value_name = "N", conflicts_with = "max_num_workers")]
    batch_size: Option<usize>,
    /// Maximum number of tokens of an answer where the dataset file has none [default: 2048].
    #[arg(long, value_name = "N")]
    max_out_len: Option<u32>,
    /// Number of answers per question [default: each dataset's own].
    #[arg(long, value_name = "N")]
    dataset_num_runs: Option<usize>,
    /// Write a verdict per item into the results [default: run.details of the run file, true].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    dump_eval_details: Option<bool>,
    #[command(flatten)]
    custom: super::custom::Arguments,
    /// Model of a run that names none, neither in its file nor on the command line.
    #[arg(skip)]
    fallback: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Engine {
    /// The engine in this process.
    Lmdeploy,
}

impl Arguments {
    /// Returns the path of the run file, if one is given.
    pub(super) fn run_file(&self) -> Option<&Path> {
        self.run.as_deref()
    }

    /// Takes the mock model if neither a run file nor arguments name one: some verbs only need datasets.
    pub(super) fn or_mock(&self) -> Self {
        Self { fallback: Some(MOCK.to_owned()), ..self.clone() }
    }
}

/// Returns the configuration of the run.
pub(super) fn config(arguments: &Arguments) -> anyhow::Result<EvaluationConfig> {
    // What the arguments replace need not be in the file, so values are checked afterwards.
    let mut config = match &arguments.run {
        Some(path) => EvaluationConfig::load_unchecked(path, &arguments.overrides)?,
        None => without_file(arguments)?,
    };
    if !arguments.models.is_empty() {
        replace_models(&mut config, arguments)?;
    }
    if let Some(name) = &arguments.fallback
        && config.models().next().is_none()
    {
        config.models = models(&[], name)?;
    }
    config.run.data_dirs = arguments.data_dirs.iter().chain(&config.run.data_dirs).cloned().collect();
    let custom = arguments.custom.add_to(&mut config)?;
    if custom || !arguments.datasets.is_empty() {
        config.restrict(&arguments.datasets)?;
    }
    apply(arguments, &mut config)?;
    let problems = internlm_kit::config::Validate::problems(&config);
    if !problems.is_empty() {
        let path = arguments.run.clone().unwrap_or_else(|| PathBuf::from(COMMAND_LINE));
        return Err(Error::from(ConfigError::Invalid { path, problems }).into());
    }
    Ok(config)
}

/// Replaces the models of the run file by those of the arguments, which may name some of them.
fn replace_models(config: &mut EvaluationConfig, arguments: &Arguments) -> anyhow::Result<()> {
    let known: Vec<&EvaluatedModelConfig> = config.models().collect();
    let meant = arguments.models.iter().map(|name| models(&known, name));
    let meant: Vec<Vec<EvaluatedModelConfig>> = meant.collect::<anyhow::Result<_>>()?;
    let meant: Vec<EvaluatedModelConfig> = meant.into_iter().flatten().collect();
    if !meant.iter().any(|model| known.contains(&model)) {
        // The value may be a key of a server, so only its name is told.
        let mut keys = arguments.overrides.iter().filter_map(|text| Some(text.split_once('=')?.0.trim()));
        if let Some(key) = keys.find(|key| matches!(key.split('.').next(), Some("model" | "models"))) {
            let message = format!("--set {key}: found models that --models replaces, expected another table");
            return Err(UsageError(message).into());
        }
    }
    config.model = None;
    config.models = meant;
    Ok(())
}

/// Applies the arguments that replace one key each.
fn apply(arguments: &Arguments, config: &mut EvaluationConfig) -> anyhow::Result<()> {
    if let Some(folder) = &arguments.work_dir {
        config.run.work_dir.clone_from(folder);
        config.run.folder = None;
    }
    if let Some(path) = &arguments.summarizer {
        config.summarizer = match path.to_str() {
            Some(BY_GROUP) => by_group(config)?,
            _ => SummarizerConfig::load(path)?,
        };
    }
    if let Some(workers) = arguments.max_num_workers.or(arguments.batch_size) {
        config.run.workers = workers;
    }
    config.run.max_rows = arguments.max_rows.or(config.run.max_rows);
    config.run.max_out_len = arguments.max_out_len.unwrap_or(config.run.max_out_len);
    config.run.num_runs = arguments.dataset_num_runs.or(config.run.num_runs);
    config.run.details = arguments.dump_eval_details.unwrap_or(config.run.details);
    if arguments.accelerator == Some(Engine::Lmdeploy) {
        let with_weights = config.model.iter_mut().chain(&mut config.models);
        for model in with_weights.filter(|model| model.weights.is_some()) {
            model.kind = ModelKind::Local;
            // What only a server needs.
            (model.base_url, model.served_name, model.api_key) = (None, None, None);
            (model.requests_per_minute, model.tokens_per_minute) = (None, None);
        }
    }
    Ok(())
}

/// Makes one group of all datasets that name the same group.
fn by_group(config: &EvaluationConfig) -> anyhow::Result<SummarizerConfig> {
    let mut members: IndexMap<String, Vec<String>> = IndexMap::new();
    for set in config.dataset_configs()? {
        if !set.meta.group.is_empty() {
            members.entry(set.meta.group).or_default().push(set.name);
        }
    }
    let group = members.into_iter().map(|(group, names)| GroupConfig::new(group, names)).collect();
    Ok(SummarizerConfig { group, ..SummarizerConfig::default() })
}

/// Creates a configuration from the arguments alone.
fn without_file(arguments: &Arguments) -> anyhow::Result<EvaluationConfig> {
    if arguments.models.is_empty() && arguments.fallback.is_none() {
        return Err(UsageError("found no run file and no --models, expected one of them".to_owned()).into());
    }
    // JSON strings in a list are TOML as well.
    let text = format!("[run]\ndatasets = {}\n", json!(arguments.datasets));
    let config = internlm_kit::config::parse_unchecked(&text, COMMAND_LINE, &arguments.overrides);
    Ok(config.map_err(Error::from)?)
}

/// Returns the models that one argument means; `known` are those of the run file.
pub(super) fn models(
    known: &[&EvaluatedModelConfig],
    name: &str,
) -> anyhow::Result<Vec<EvaluatedModelConfig>> {
    let named: Vec<EvaluatedModelConfig> = known
        .iter()
        .filter(|model| glob(name.as_bytes(), model.name.as_bytes()))
        .map(|model| (*model).clone())
        .collect();
    if !named.is_empty() {
        return Ok(named);
    }
    if name == MOCK {
        return Ok(vec![serde_json::from_value(json!({ "name": name, "kind": "mock" }))?]);
    }
    if let Some(model) = EvaluatedModelConfig::from_argument(name) {
        return Ok(vec![model]);
    }
    let near = nearest(name, known.iter().map(|model| model.name.as_str()));
    let near = near.map_or_else(String::new, |near| format!("nearest known name: `{near}`, "));
    let hint =
        format!("{near}expected a model of the run file, a model folder, a GGUF file or http://host:port");
    Err(Error::UnknownName { kind: "model", name: name.to_owned(), hint }.into())
}
