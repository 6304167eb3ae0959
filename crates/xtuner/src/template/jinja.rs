//! Named templates in jinja, so that whoever loads the tuned model writes conversations as they were trained.

use serde_json::json;

use super::named::{NamedTemplate, TurnEnd};

/// The first token of the vocabulary, where a turn begins with it.
const BEGIN: &str = "{% if state.begins %}{{ bos_token }}{% set state.begins = false %}{% endif %}";
/// Refuses the role of a message, as lmdeploy's templates do.
const REFUSE: &str =
    "{{ raise_exception('this chat template has no place for a message of the role ' ~ message.role) }}";

impl NamedTemplate {
    /// The template as `chat_template.jinja` of a model folder. Tools are refused: where the vocabulary has InternLM2's
    /// marks, its own format is used instead of a template that has them.
    #[must_use]
    pub fn jinja(&self) -> String {
        let system = match &self.system {
            Some(format) => {
                let system = print(format, &[("{system}", "message.content")]);
                format!("{{% if message.content %}}{BEGIN}{system}{{% endif %}}")
            }
            None => REFUSE.to_owned(),
        };
        let values = [("{input}", "state.said"), ("{round}", "state.round")];
        let instruction = format!("{BEGIN}{}", print(&self.instruction, &values));
        let last = match self.end {
            TurnEnd::Suffix => "",
            TurnEnd::LastToken => "{{ eos_token }}{% set state.begins = true %}",
        };
        let (suffix, sep) = (literal(&self.suffix), literal(&self.sep));
        [
            "{% set state = namespace(said='', round=1, begins=true) %}{% for message in messages %}",
            "{% if message.role == 'system' %}",
            &system,
            "{% elif message.role == 'user' %}{% set state.said = state.said ~ message.content %}",
            "{% elif message.role == 'assistant' %}",
            &instruction,
            &format!("{{{{ (message.content or '') ~ {suffix} }}}}{last}{{{{ {sep} }}}}"),
            "{% set state.said = '' %}{% set state.round = state.round + 1 %}",
            "{% else %}",
            REFUSE,
            "{% endif %}{% endfor %}{% if add_generation_prompt %}",
            &instruction,
            "{% endif %}",
        ]
        .concat()
    }
}

/// Prints a text with variables in place of its placeholders.
fn print(format: &str, values: &[(&str, &str)]) -> String {
    let mut parts = Vec::new();
    let mut rest = format;
    loop {
        let found = values.iter().filter_map(|(key, name)| Some((rest.find(*key)?, *key, *name)));
        let Some((at, key, name)) = found.min_by_key(|(at, ..)| *at) else { break };
        parts.extend([literal(&rest[..at]), name.to_owned()]);
        rest = &rest[at + key.len()..];
    }
    parts.push(literal(rest));
    format!("{{{{ {} }}}}", parts.join(" ~ "))
}

/// A text as jinja writes it.
fn literal(text: &str) -> String {
    json!(text).to_string()
}
