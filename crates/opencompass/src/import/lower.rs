//! [`Lowered`]: a dataset of upstream in the form of our dataset files.

use serde_json::{Map, Value, json};

use super::difference::{Difference, differences};
use super::fields::{class, table};
use super::lower_prompt::{few_shot, prompt};
use super::lower_score::score;
use super::upstream::UpstreamDataset;
use crate::dataset::{DatasetConfig, inference_config, loaders, version};
use crate::{Error, Result};

/// Modes by the names of upstream's inferencers.
const MODES: &[(&str, &str)] = &[
    ("GenInferencer", "gen"),
    ("ChatInferencer", "chat"),
    ("PPLInferencer", "ppl"),
    ("PPLOnlyInferencer", "ppl_only"),
    ("CLPInferencer", "clp"),
    ("LLInferencer", "loglikelihood"),
    ("AgentInferencer", "agent"),
    ("SCInferencer", "sc"),
    ("ToTInferencer", "tot"),
    ("SWCELossInferencer", "rolling"),
    ("AttackInferencer", "attack"),
];

/// Modes in which a model writes an answer.
const WRITING: &[&str] = &["gen", "chat", "agent", "sc", "tot", "attack"];

/// Fields of inferencers, our names for them, and the modes that read them.
const INFERENCER: &[InferencerField] = &[
    InferencerField { theirs: "max_out_len", ours: "max_out_len", readers: WRITING },
    InferencerField { theirs: "stopping_criteria", ours: "stop", readers: WRITING },
    InferencerField { theirs: "infer_mode", ours: "turns", readers: &["chat", "agent"] },
    InferencerField { theirs: "sc_size", ours: "sc_size", readers: &["sc"] },
    InferencerField { theirs: "temperature", ours: "temperature", readers: WRITING },
];

/// A field of upstream's inferencers.
struct InferencerField {
    theirs: &'static str,
    ours: &'static str,
    readers: &'static [&'static str],
}

/// Fields of an entry that are not arguments of its loader.
const NOT_LOADER: &[&str] = &["abbr", "type", "path", "reader_cfg", "infer_cfg", "eval_cfg"];

/// A dataset of upstream as one of our dataset files.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The dataset file that says the same.
    pub config: DatasetConfig,
    /// What the file does not say, or only guesses, one sentence each. The rows are always among them, as upstream's
    /// loaders are programs.
    pub notes: Vec<String>,
}

impl UpstreamDataset {
    /// Writes the dataset in our form. What has no counterpart there becomes a note; nothing is left out silently.
    ///
    /// # Errors
    /// [`Error::Value`] if `reader_cfg`, `infer_cfg` or `eval_cfg` cannot be expressed at all, with the reason.
    pub fn lower(&self) -> Result<Lowered> {
        let mut notes = Vec::new();
        let infer_cfg = table(self.entry(), "infer_cfg").unwrap_or_default();
        let name = if self.name().is_empty() { class(self.entry()) } else { self.name() };
        let reader_cfg = table(self.entry(), "reader_cfg").unwrap_or_default();
        let few_shot = few_shot(&infer_cfg, &mut notes);
        let has_shots = few_shot.get("retriever").is_some_and(|retriever| retriever != "zero");
        let mut file = Map::new();
        file.insert("name".to_owned(), json!(name.replace(['/', '\\'], "_")));
        file.insert("source".to_owned(), self.source(has_shots, &mut notes));
        file.insert("split".to_owned(), split(&reader_cfg));
        file.insert("reader".to_owned(), reader(&reader_cfg, &mut notes));
        file.insert("few_shot".to_owned(), Value::Object(few_shot));
        file.insert("prompt".to_owned(), prompt(&infer_cfg, has_shots));
        file.insert("infer".to_owned(), infer(&infer_cfg, &mut notes));
        file.insert("score".to_owned(), score(self.entry().get("eval_cfg"), &mut notes));
        let parsed = serde_json::from_value(Value::Object(file));
        let mut config: DatasetConfig = parsed.map_err(|error| Error::Value {
            place: name.to_owned(),
            found: error.to_string(),
            expected: "a configuration that our dataset files can express".to_owned(),
        })?;
        self.compare(&mut config, has_shots, &mut notes);
        Ok(Lowered { config, notes })
    }

    /// The files as far as the entry names them.
    fn source(&self, has_shots: bool, notes: &mut Vec<String>) -> Value {
        let class = class(self.entry());
        let text = |key: &str| self.entry().get(key).and_then(Value::as_str);
        let path = text("path").or(text("name")).unwrap_or(class);
        let path = path.trim_start_matches("./").trim_start_matches("data/");
        let known = |extension: &&str| ["json", "csv", "tsv", "parquet", "txt"].contains(extension);
        let extension = path.rsplit_once('.').map(|(_, extension)| extension);
        let format = extension.filter(known).unwrap_or("jsonl");
        let mut source = Map::new();
        source.insert("files".to_owned(), json!([path]));
        source.insert("format".to_owned(), json!(format));
        if has_shots {
            source.insert("train_files".to_owned(), json!([path]));
        }
        if let Some(entry) = loaders().find(|entry| entry.upstream.contains(&class)) {
            source.insert("loader".to_owned(), json!([entry.name]));
        }
        let arguments: Map<String, Value> = self.entry().clone().into_iter().filter(is_argument).collect();
        notes.push(format!(
            "source: upstream reads `{path}` with {class} and {}; name the files of the rows",
            Value::Object(arguments)
        ));
        Value::Object(source)
    }

    /// Compares our form with upstream's. Differences that change nothing are written into the file, so that the prompt
    /// hash is the same; others become notes.
    fn compare(&self, config: &mut DatasetConfig, has_shots: bool, notes: &mut Vec<String>) {
        let mut theirs = self.entry().get("infer_cfg").cloned().unwrap_or_default();
        let ids = theirs.pointer_mut("/retriever").and_then(Value::as_object_mut);
        let ids = ids.and_then(|retriever| retriever.shift_remove("fix_id_list"));
        let mut ours = inference_config(config);
        if let Some(retriever) = ours.pointer_mut("/retriever").and_then(Value::as_object_mut) {
            retriever.shift_remove("fix_id_list");
        }
        if ids.is_some() && !has_shots {
            notes.push("infer_cfg: the ids of examples are not used without examples".to_owned());
        }
        for difference in differences(&ours, &theirs) {
            match difference {
                Difference::Same(pointer, value) => {
                    config.infer.upstream.insert(pointer, value);
                }
                Difference::Other(pointer, value) => {
                    notes.push(format!("infer_cfg{pointer}: {value} has no counterpart"));
                }
                Difference::Extra(pointer) => {
                    notes.push(format!("infer_cfg{pointer}: upstream does not say this"));
                }
            }
        }
        let hash = self.hash();
        let ours = version(config);
        if !hash.starts_with(&ours) {
            notes.push(format!("the version is {ours}, upstream's is {}", hash.get(..6).unwrap_or_default()));
        }
    }
}

fn is_argument((key, _): &(String, Value)) -> bool {
    !NOT_LOADER.contains(&key.as_str())
}

fn split(reader: &Map<String, Value>) -> Value {
    let ranges = ["test_range", "train_range"].into_iter();
    let ranges = ranges.filter_map(|key| Some((key.to_owned(), reader.get(key)?.clone())));
    Value::Object(ranges.filter(|(_, range)| *range != json!("")).collect())
}

fn reader(cfg: &Map<String, Value>, notes: &mut Vec<String>) -> Value {
    let output = cfg.get("output_column").cloned().unwrap_or_default();
    let input = match cfg.get("input_columns") {
        Some(Value::Array(columns)) => columns.iter().filter(|column| **column != output).cloned().collect(),
        Some(column @ Value::String(_)) => vec![column.clone()],
        _ => Vec::new(),
    };
    let mut reader = Map::new();
    reader.insert("input".to_owned(), Value::Array(input));
    if !output.is_null() {
        reader.insert("output".to_owned(), output);
    }
    for (key, value) in cfg {
        match key.as_str() {
            "type" | "input_columns" | "output_column" | "test_range" | "train_range" => {}
            "train_split" | "test_split" => {
                notes.push(format!("reader_cfg.{key} = {value}: choose the files of that part"));
            }
            _ => notes.push(format!("reader_cfg.{key} = {value} has no counterpart")),
        }
    }
    Value::Object(reader)
}

fn infer(infer_cfg: &Map<String, Value>, notes: &mut Vec<String>) -> Value {
    let cfg = table(infer_cfg, "inferencer").unwrap_or_default();
    let class = class(&cfg);
    let mode = MODES.iter().find(|(name, _)| *name == class).map_or(class, |&(_, mode)| mode);
    let mut infer = Map::new();
    infer.insert("mode".to_owned(), json!(mode));
    // What the mode does not read is only part of the prompt hash.
    let mut unread = Map::new();
    for InferencerField { theirs, ours, readers } in INFERENCER {
        match cfg.get(*theirs) {
            Some(value) if readers.contains(&mode) => {
                infer.insert((*ours).to_owned(), value.clone());
            }
            Some(value) => {
                unread.insert(format!("/inferencer/{theirs}"), value.clone());
            }
            None => {}
        }
    }
    infer.insert("upstream".to_owned(), Value::Object(unread));
    let generation = table(&cfg, "generation_kwargs").unwrap_or_default();
    for (key, value) in &generation {
        match key.as_str() {
            "temperature" if WRITING.contains(&mode) => {
                infer.insert("temperature".to_owned(), value.clone());
            }
            "do_sample" => {}
            _ => notes.push(format!("inferencer.generation_kwargs.{key} = {value} has no counterpart")),
        }
    }
    if generation.get("do_sample") == Some(&Value::Bool(false)) {
        infer.shift_remove("temperature");
    }
    Value::Object(infer)
}
