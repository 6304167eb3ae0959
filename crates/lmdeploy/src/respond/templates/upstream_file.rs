//! LMDeploy's JSON files for `--chat-template`: the texts of its `ChatTemplateConfig` (`lmdeploy/model.py`).

use serde_json::{Map, Value};

use super::catalog::{LMDEPLOY, find_in};
use super::form::{Form, Texts};

/// Names of upstream's templates that texts cannot change.
const WITHOUT_TEXTS: [&str; 4] = ["hf", "deepseek-v32", "deepseek-v3.2", "deepseek-v4"];
/// The texts that a file may replace.
const BOXES: [&str; 10] =
    ["system", "meta_instruction", "eosys", "user", "eoh", "assistant", "eoa", "separator", "tool", "eotool"];
/// The same of numbered rounds.
const ROUNDS: [&str; 3] = ["user", "eoh", "assistant"];

/// What a file says.
#[derive(Debug)]
pub(super) struct UpstreamFile {
    pub(super) form: Form,
    pub(super) texts: Texts,
    pub(super) stop_words: Vec<String>,
}

impl UpstreamFile {
    /// Whether a file with this text is one of upstream's rather than a template in jinja.
    pub(super) fn is(text: &str) -> bool {
        let text = text.trim_start();
        text.starts_with('{') && !["{{", "{%", "{#"].iter().any(|jinja| text.starts_with(jinja))
    }

    /// Reads one: the template of `model_name`, or upstream's base for another name, with the texts that are there.
    /// The error is a sentence about the key that is wrong.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let keys: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut file = Self::base(keys.get("model_name").and_then(Value::as_str).unwrap_or_default())?;
        let may_be: &[&str] = if file.form == Form::Rounds { &ROUNDS } else { &BOXES };
        for (key, value) in &keys {
            let wrong = |expected: &str| Err(format!("{key}: found {value}, expected {expected}"));
            match (key.as_str(), value) {
                // The path is that of upstream's `hf`.
                ("model_path", Value::String(_)) | (_, Value::Null) => {}
                ("model_name", Value::String(_)) => {}
                ("capability", Value::String(capability)) if capability == "chat" => {}
                ("capability", _) => return wrong("\"chat\": /v1/completions takes other prompts"),
                ("stop_words", Value::Array(words)) if words.iter().all(Value::is_string) => {
                    file.stop_words = words.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                }
                ("stop_words", _) => return wrong("a list of strings"),
                (name, Value::String(text)) if may_be.contains(&name) => file.replace(name, text)?,
                (name, _) if may_be.contains(&name) || name.starts_with("model_") => {
                    return wrong("a string");
                }
                _ => return wrong(&format!("only the keys {}", may_be.join(", "))),
            }
        }
        Ok(file)
    }

    /// The template that a file changes.
    fn base(name: &str) -> Result<Self, String> {
        if WITHOUT_TEXTS.contains(&name) {
            return Err(format!("model_name: found {name}, expected a template that texts can change"));
        }
        let (form, mut texts) = match find_in(&LMDEPLOY, name) {
            Some(template) => (template.form, template.texts.clone()),
            None => (Form::Boxes, Texts::from([("system".to_owned(), String::new())])),
        };
        texts.entry("meta_instruction".to_owned()).or_default();
        Ok(Self { form, texts, stop_words: Vec::new() })
    }

    /// Replaces a text. Where upstream leaves the last character of the prompt out, a space, it does so of any text.
    fn replace(&mut self, name: &str, text: &str) -> Result<(), String> {
        if name == "assistant" && self.texts.contains_key("prompt") {
            let mut prompt = text.to_owned();
            if prompt.pop().is_none() {
                return Err(
                    "assistant: found an empty string, expected a text: this template leaves out its \
                            last character in prompts"
                        .to_owned(),
                );
            }
            self.texts.insert("prompt".to_owned(), prompt);
        }
        self.texts.insert(name.to_owned(), text.to_owned());
        Ok(())
    }
}
