//! [`ToolFormat`]: the formats in which models write tool calls, by name, by template and by vocabulary.

use internlm_model::Tokenizer;
use internlm_model::chat::ChatTemplate;
use internlm_model::chat::marks::{ACTION_END, ACTION_START};

/// Names and other names, as LMDeploy and vLLM have them.
const NAMES: [(ToolFormat, &[&str]); 9] = [
    (ToolFormat::Internlm, &["internlm", "intern-s1", "internlm2"]),
    (ToolFormat::Qwen, &["qwen", "qwen2d5", "qwen3", "hermes"]),
    (ToolFormat::Llama3, &["llama3", "llama3_json", "llama4_json"]),
    (ToolFormat::Qwen3Coder, &["qwen3coder", "qwen3_coder"]),
    (ToolFormat::Glm47, &["glm47", "glm45"]),
    (ToolFormat::KimiK2, &["kimi_k2", "kimi-k2"]),
    (ToolFormat::DeepseekV32, &["deepseek-v32", "deepseek_v32"]),
    (ToolFormat::Json, &["json"]),
    (ToolFormat::None, &["none"]),
];

/// Formats by texts that their chat templates have, all of one row; the first row that fits counts.
const TEMPLATES: [(ToolFormat, &[&str]); 8] = [
    (ToolFormat::DeepseekV32, &["｜DSML｜"]),
    (ToolFormat::KimiK2, &["<|tool_calls_section_begin|>"]),
    (ToolFormat::Glm47, &["<tool_call>", "<arg_key>"]),
    (ToolFormat::Qwen3Coder, &["<tool_call>", "<parameter="]),
    (ToolFormat::Qwen, &["<tool_call>"]),
    (ToolFormat::Internlm, &[ACTION_START]),
    // LLaMA 3.1 to 3.3 name their environment; 3.2 is not taught the mark, but writes the same JSON.
    (ToolFormat::Llama3, &["Environment: ipython", "\"parameters\""]),
    (ToolFormat::Llama3, &["<|python_tag|>", "\"parameters\""]),
];

/// How a model writes tool calls.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ToolFormat {
    /// InternLM: `<|action_start|><|plugin|>{"name": .., "parameters": {..}}<|action_end|>`
    Internlm,
    /// `<tool_call>{"name": .., "arguments": {..}}</tool_call>`, also of Hermes
    Qwen,
    /// `<|python_tag|>{"name": .., "parameters": {..}}`, or the object alone; `;` between several
    Llama3,
    /// Qwen3-Coder, with values typed by the schema: `<tool_call><function=NAME><parameter=KEY>value</parameter></function></tool_call>`
    Qwen3Coder,
    /// GLM 4.7, with values typed by the schema: `<tool_call>NAME<arg_key>key</arg_key><arg_value>value</arg_value></tool_call>`
    Glm47,
    /// `<|tool_call_begin|>functions.NAME:0<|tool_call_argument_begin|>{..}<|tool_call_end|>` in a section
    KimiK2,
    /// `<｜DSML｜invoke name="NAME"><｜DSML｜parameter name="KEY" string="true">value</｜DSML｜parameter>..`
    DeepseekV32,
    /// `{"name": .., "arguments": {..}}` on a line of its own, in a list or in a block of code, of models without a
    /// format of their own
    Json,
    /// Calls are not looked for: everything is content.
    None,
}

impl ToolFormat {
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

    /// Its first name, as in `--tool-call-parser`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.into_iter().find(|(format, _)| *format == self).map_or("none", |(_, names)| names[0])
    }

    /// The format of a model, by its chat template and vocabulary. A template whose format is not known, or that knows
    /// no tools, means [`ToolFormat::Json`].
    #[must_use]
    pub fn of(template: Option<&ChatTemplate>, tokenizer: &Tokenizer) -> Self {
        let has_actions = [ACTION_START, ACTION_END].iter().all(|mark| tokenizer.special(mark).is_some());
        let jinja = template.filter(|template| matches!(template, ChatTemplate::Jinja(_)));
        let Some(template) = jinja else {
            return if has_actions { Self::Internlm } else { Self::None };
        };
        let fits = |texts: &[&str]| texts.iter().all(|text| template.mentions(text));
        let known = TEMPLATES.into_iter().find(|(_, texts)| fits(texts));
        known.map_or(Self::Json, |(format, _)| format)
    }
}

#[cfg(test)]
mod tests {
    use internlm_model::chat::JinjaTemplate;
    use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};

    use super::*;

    #[test]
    fn every_format_has_names_of_its_own() {
        let all: Vec<&str> = NAMES.iter().flat_map(|(_, names)| *names).copied().collect();
        for (format, names) in NAMES {
            assert_eq!(format.name(), names[0]);
            assert!(names.iter().all(|name| ToolFormat::from_name(name) == Some(format)));
            assert!(names.iter().all(|name| all.iter().filter(|other| *other == name).count() == 1));
        }
        assert_eq!(ToolFormat::from_name("qwen4"), None);
        assert!(ToolFormat::names().starts_with("internlm, intern-s1, "));
    }

    #[test]
    fn templates_say_the_format() {
        let config = BpeTrainConfig::new(280).with_min_frequency(1);
        let tokenizer = train_bpe(["the user".to_owned()].into_iter(), &config).expect("room for all bytes");
        for (source, expected) in [
            ("{{ '<tool_call>\\n{\"name\": ' }}", ToolFormat::Qwen),
            ("<tool_call>\n<function=f>\n<parameter=a>", ToolFormat::Qwen3Coder),
            ("<tool_call>f\n<arg_key>a</arg_key>", ToolFormat::Glm47),
            ("<|tool_calls_section_begin|>", ToolFormat::KimiK2),
            ("<｜DSML｜function_calls>", ToolFormat::DeepseekV32),
            ("<|python_tag|>{'name': \"parameters\"}", ToolFormat::Llama3),
            ("<function=f>{}</function>", ToolFormat::Json),
            ("{{ messages[0].content }}", ToolFormat::Json),
        ] {
            let template = JinjaTemplate::new(source, None, None).expect("a template");
            let template = ChatTemplate::Jinja(Box::new(template));
            assert_eq!(ToolFormat::of(Some(&template), &tokenizer), expected, "{source}");
        }
        assert_eq!(ToolFormat::of(Some(&ChatTemplate::InternLm2), &tokenizer), ToolFormat::Internlm);
    }
}
