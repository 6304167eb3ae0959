//! [`ReasoningFormat`]: how models mark what they think before they answer.

use internlm_model::Tokenizer;
use internlm_model::chat::ChatTemplate;

use super::delta::Section;

/// The mark that begins reasoning.
pub(crate) const THINK: &str = "<think>";
/// The mark that ends reasoning.
pub(crate) const THINK_END: &str = "</think>";

/// Names and other names, as LMDeploy and vLLM have them.
const NAMES: [(ReasoningFormat, &[&str]); 3] = [
    (
        ReasoningFormat::Think,
        &["default", "think", "deepseek-r1", "deepseek_r1", "qwen-qwq", "qwen3", "intern-s1", "glm45"],
    ),
    (ReasoningFormat::DeepseekV3, &["deepseek-v3", "deepseek_v3"]),
    (ReasoningFormat::None, &["none"]),
];

/// How a model marks what it thinks.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ReasoningFormat {
    /// Between `<think>` and `</think>`, of which the first may be in the prompt.
    Think,
    /// The same, but only where the prompt has begun it: otherwise the marks are text.
    DeepseekV3,
    /// As [`ReasoningFormat::Think`], but what the model thinks stays in the content with its marks.
    InContent,
    /// Reasoning is not looked for: everything is content.
    None,
}

impl ReasoningFormat {
    /// The format of a name or other name; `None` for an unknown one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.into_iter().find(|(_, names)| names.contains(&name)).map(|(format, _)| format)
    }

    /// All names, for messages.
    #[must_use]
    pub fn names() -> String {
        NAMES.iter().flat_map(|(_, names)| *names).copied().collect::<Vec<_>>().join(", ")
    }

    /// The format of a model, by its chat template and vocabulary.
    #[must_use]
    pub fn of(template: Option<&ChatTemplate>, tokenizer: &Tokenizer) -> Self {
        let is_known = |mark: &&str| knows(template, tokenizer, mark);
        if [THINK, THINK_END].iter().any(is_known) { Self::Think } else { Self::None }
    }

    /// The marks that are looked for in a reply that begins in `start`.
    pub(super) fn marks(self, start: Section) -> &'static [&'static str] {
        match self {
            Self::Think | Self::InContent => &[THINK, THINK_END],
            Self::DeepseekV3 if start == Section::Reasoning => &[THINK, THINK_END],
            Self::DeepseekV3 | Self::None => &[],
        }
    }
}

/// Whether the model never begins reasoning with a mark, because it always reasons first.
pub(crate) fn never_opens(template: Option<&ChatTemplate>, tokenizer: &Tokenizer) -> bool {
    knows(template, tokenizer, THINK_END) && !knows(template, tokenizer, THINK)
}

/// Whether the template or the vocabulary has a mark.
fn knows(template: Option<&ChatTemplate>, tokenizer: &Tokenizer, mark: &str) -> bool {
    tokenizer.special(mark).is_some() || template.is_some_and(|template| template.mentions(mark))
}

#[cfg(test)]
mod tests {
    use internlm_model::chat::JinjaTemplate;
    use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};

    use super::*;

    #[test]
    fn templates_say_whether_a_model_reasons() {
        let config = BpeTrainConfig::new(280).with_min_frequency(1);
        let tokenizer = train_bpe(["the user".to_owned()].into_iter(), &config).expect("room for all bytes");
        for (source, expected, opens) in [
            ("{{ messages[0].content }}", ReasoningFormat::None, true),
            ("{{ '<think>\\n' }}</think>", ReasoningFormat::Think, true),
            ("{{ messages[0].content.split('</think>')[-1] }}", ReasoningFormat::Think, false),
        ] {
            let template = JinjaTemplate::new(source, None, None).expect("a template");
            let template = ChatTemplate::Jinja(Box::new(template));
            assert_eq!(ReasoningFormat::of(Some(&template), &tokenizer), expected, "{source}");
            assert_eq!(never_opens(Some(&template), &tokenizer), !opens, "{source}");
        }
        for (format, names) in NAMES {
            assert!(names.iter().all(|name| ReasoningFormat::from_name(name) == Some(format)));
        }
    }
}
