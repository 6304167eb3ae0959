//! [`TemplateRow`]: one template of a TOML table, as it is written.

use serde::Deserialize;

use super::named::{NamedTemplate, ToolTexts, TurnEnd};
use crate::{Error, Result};

/// The keys of one template; those that are absent come from the template that it extends.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TemplateRow {
    pub(super) extends: Option<String>,
    system: Option<String>,
    instruction: Option<String>,
    suffix: Option<String>,
    suffix_as_eos: Option<bool>,
    sep: Option<String>,
    stop_words: Option<Vec<String>>,
    tools: Option<String>,
    call: Option<String>,
    result: Option<String>,
    answer: Option<String>,
}

impl TemplateRow {
    /// The row with the keys of `base` that it does not have itself.
    pub(super) fn over(self, base: &Self) -> Self {
        let text = |own: Option<String>, base: &Option<String>| own.or_else(|| base.clone());
        Self {
            extends: None,
            system: text(self.system, &base.system),
            instruction: text(self.instruction, &base.instruction),
            suffix: text(self.suffix, &base.suffix),
            suffix_as_eos: self.suffix_as_eos.or(base.suffix_as_eos),
            sep: text(self.sep, &base.sep),
            stop_words: self.stop_words.or_else(|| base.stop_words.clone()),
            tools: text(self.tools, &base.tools),
            call: text(self.call, &base.call),
            result: text(self.result, &base.result),
            answer: text(self.answer, &base.answer),
        }
    }

    /// The template `name` of these texts; `place` is the table that they are in.
    ///
    /// # Errors
    /// Texts that are missing, or that lack the place of what they are around.
    pub(super) fn template(self, name: &str, place: &str) -> Result<NamedTemplate> {
        let at = |key: &str| format!("{place}: {name}.{key}");
        let missing = |key: &str| Error::mismatch(at(key), "no text", "a text");
        let instruction = self.instruction.ok_or_else(|| missing("instruction"))?;
        let tools = match (self.tools, self.call, self.result, self.answer) {
            (None, None, None, None) => None,
            (tools, call, result, answer) => Some(ToolTexts {
                tools: tools.ok_or_else(|| missing("tools"))?,
                call: call.ok_or_else(|| missing("call"))?,
                result: result.ok_or_else(|| missing("result"))?,
                answer: answer.ok_or_else(|| missing("answer"))?,
            }),
        };
        let (suffix, end) = (self.suffix.unwrap_or_default(), self.suffix_as_eos.unwrap_or_default());
        if end && suffix.is_empty() {
            return Err(Error::mismatch(
                at("suffix-as-eos"),
                "true without a suffix",
                "a suffix that ends turns",
            ));
        }
        let around = [("system", self.system.as_ref()), ("input", Some(&instruction))];
        let of_tools = tools.iter().flat_map(|texts| {
            [("tools", Some(&texts.tools)), ("call", Some(&texts.call)), ("result", Some(&texts.result))]
        });
        for (value, text) in around.into_iter().chain(of_tools) {
            let key = if value == "input" { "instruction" } else { value };
            if let Some(text) = text.filter(|text| !text.contains(&format!("{{{value}}}"))) {
                return Err(Error::mismatch(
                    at(key),
                    format!("{text:?}"),
                    format!("a text with {{{value}}}"),
                ));
            }
        }
        Ok(NamedTemplate {
            name: name.to_owned(),
            system: self.system,
            instruction,
            suffix,
            end: if end { TurnEnd::Suffix } else { TurnEnd::LastToken },
            sep: self.sep.unwrap_or_default(),
            stop_words: self.stop_words.unwrap_or_default(),
            tools,
        })
    }
}
