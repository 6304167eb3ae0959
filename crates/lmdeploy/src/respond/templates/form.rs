//! [`Form`]: how the turns of a chat template look, in jinja.

use std::collections::BTreeMap;

use internlm_model::Tokenizer;
use internlm_model::chat::{ChatTemplate, JinjaTemplate};
use serde::Deserialize;

use crate::Result;

/// Variables of a form by name; those that are absent are empty unless the form says otherwise.
pub(super) type Texts = BTreeMap<String, String>;

/// In front of every form: what it calls for messages that it has no place for.
const REFUSE: &str = "{% macro refuse(role) %}\
{{ raise_exception('this chat template has no place for a message of the role ' ~ role) }}{% endmacro %}\
{% set conversation %}";
/// Behind every form: the text with the first token of the vocabulary, unless it begins with that already.
const BEGIN: &str = "{% endset %}\
{% if not conversation.startswith(bos_token) %}{{ bos_token }}{% endif %}{{ conversation }}";
/// Begins the answer inside of the model's reasoning.
const THINK: &str = "{% if add_generation_prompt %}<think>{% endif %}";

/// How turns look.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Form {
    /// Turns that name their role, such as `ChatML`. Texts: `begin` of the conversation; `open`, `middle` and `close`
    /// around role and content; `assistant_close`, where answers end otherwise; `between` turns; `prompt`, where an
    /// answer begins otherwise than with `open`, role and `middle`; `trims`, the roles whose messages lose the white
    /// space around them.
    Roles,
    /// Turns between texts of their role: `system` and `eosys`, `user` and `eoh`, `assistant` and `eoa`, `tool` and
    /// `eotool`. A role without texts is refused. Further texts: `begin`, `prompt` and `trims` as above; `separator`
    /// behind an answer; `again` in front of what follows an answer; `meta_instruction`, the system message of
    /// conversations without one; `joint`, between a system message and that of the user which it becomes a part of.
    Boxes,
    /// [`Form::Boxes`] where the model's reasoning begins with the answer.
    Thinking,
    /// Numbered rounds: `user` and `eoh` around a question, `assistant` in front of the answer.
    Rounds,
}

impl Form {
    /// The jinja of the form.
    fn source(self) -> String {
        let turns = match self {
            Self::Roles => include_str!("roles.jinja"),
            Self::Boxes | Self::Thinking => include_str!("boxes.jinja"),
            Self::Rounds => include_str!("rounds.jinja"),
        };
        let end = if self == Self::Thinking { THINK } else { "" };
        [REFUSE, turns, end, BEGIN].concat()
    }

    /// The template with its texts, for one vocabulary. If prompts of the vocabulary begin with a token of its own, so
    /// do these.
    pub(super) fn fill(self, texts: &Texts, tokenizer: &Tokenizer) -> Result<ChatTemplate> {
        let bos = tokenizer.bos().filter(|_| tokenizer.adds_bos()).and_then(|bos| tokenizer.token(bos));
        let texts: Vec<(String, String)> = texts.clone().into_iter().collect();
        let template = JinjaTemplate::new(&self.source(), bos, None)?.with_special_tokens(&texts);
        Ok(ChatTemplate::Jinja(Box::new(template)))
    }
}
