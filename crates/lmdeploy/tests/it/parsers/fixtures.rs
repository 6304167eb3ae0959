//! Replies in every format, and what is in them.

use lmdeploy::parse::{ReasoningFormat, Section, ToolFormat};

/// A reply and what it means. It means the same whether the format's marks are special tokens or text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixture {
    pub(super) tools: ToolFormat,
    pub(super) reasoning: ReasoningFormat,
    pub(super) start: Section,
    pub(super) text: &'static str,
    pub(super) content: &'static str,
    pub(super) thought: &'static str,
    /// Names and arguments.
    pub(super) calls: &'static [(&'static str, &'static str)],
    /// Number of calls that are not whole.
    pub(super) broken: usize,
}

/// A reply that thinks between `<think>` and `</think>`, of which nothing is known yet.
const fn reply(tools: ToolFormat, text: &'static str) -> Fixture {
    let (reasoning, start) = (ReasoningFormat::Think, Section::Content);
    Fixture { tools, reasoning, start, text, content: "", thought: "", calls: &[], broken: 0 }
}

impl Fixture {
    const fn says(self, content: &'static str) -> Self {
        Self { content, ..self }
    }

    const fn thinks(self, thought: &'static str) -> Self {
        Self { thought, ..self }
    }

    const fn calls(self, calls: &'static [(&'static str, &'static str)]) -> Self {
        Self { calls, ..self }
    }

    const fn breaks(self, broken: usize) -> Self {
        Self { broken, ..self }
    }

    const fn within_reasoning(self) -> Self {
        Self { start: Section::Reasoning, ..self }
    }

    /// All of the text is content.
    const fn is_content(self) -> Self {
        Self { content: self.text, ..self }
    }
}

/// Replies of all formats.
pub(super) fn all() -> Vec<Fixture> {
    [INTERNLM, QWEN, LLAMA3, QWEN_CODER, GLM, KIMI, DEEPSEEK, JSON].concat()
}

const INTERNLM: &[Fixture] = &[
    reply(ToolFormat::Internlm, "héllo 你好 🙂!\n").is_content(),
    reply(
        ToolFormat::Internlm,
        "I add.<|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"a\": 1, \"b\": -2.5e1}}<|action_end|>",
    )
    .says("I add.")
    .calls(&[("add", r#"{"a":1,"b":-2.5e1}"#)]),
    reply(
        ToolFormat::Internlm,
        "<|action_start|> <|plugin|>{\"arguments\": {\"a\": [1, {\"b\": \"x  y\"}], \"c\": null}, \"name\": \"add\" }\n\
         <|action_end|>",
    )
    .calls(&[("add", r#"{"a":[1,{"b":"x  y"}],"c":null}"#)]),
    reply(
        ToolFormat::Internlm,
        "a<|action_start|><|plugin|>{\"name\": \"now\"}<|action_end|> b <|action_start|><|plugin|>{\"name\": \"add\", \
         \"id\": 5, \"parameters\": null}<|action_end|>",
    )
    .says("a b ")
    .calls(&[("now", "{}"), ("add", "{}")]),
    reply(ToolFormat::Internlm, "<|action_start|><|interpreter|>\nprint(1)<|action_end|> x").is_content(),
    reply(ToolFormat::Internlm, "ok<|action_start|><|plugin|>\nnot json<|action_end|> then").is_content(),
    reply(ToolFormat::Internlm, "<|action_start|><|plugin|>\n{\"name\": \"add\"").is_content(),
    reply(ToolFormat::Internlm, "<|action_start|><|plugin|>{\"name\": \"<|plugin|>\"}<|action_end|>")
        .is_content(),
    reply(
        ToolFormat::Internlm,
        "<|action_start|>a<|action_start|><|plugin|>{\"name\": \"now\"}<|action_end|>b",
    )
    .says("<|action_start|>ab")
    .calls(&[("now", "{}")]),
    reply(
        ToolFormat::Internlm,
        "<|action_start|><|plugin|>{\"name\": \"add\", \"parameters\": {\"a\": oops}}<|action_end|> z",
    )
    .says("oops}} z")
    .calls(&[("add", "{\"a\":")])
    .breaks(1),
    reply(ToolFormat::Internlm, "<|action_start|><|plugin|>{\"name\": \"add\", \"parameters\": {\"a\": \"x")
        .calls(&[("add", "{\"a\":\"x")])
        .breaks(1),
];

const QWEN: &[Fixture] = &[
    reply(
        ToolFormat::Qwen,
        "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>\n<tool_call>\n\
         {\"name\": \"note\", \"arguments\": {\"text\": \"\\\"é\\\" \\ud83d\\ude00\n<b>\"}}\n</tool_call>\n",
    )
    .calls(&[("add", r#"{"a":1}"#), ("note", r#"{"text":"\"é\" \ud83d\ude00\n<b>"}"#)]),
    reply(ToolFormat::Qwen, "<think>\nLet me\n think.\n</think>\n\nHello <b>\n")
        .thinks("Let me\n think.")
        .says("Hello <b>\n"),
    reply(ToolFormat::Qwen, "I think <tool_call>{\"name\": \"now\"}</tool_call> more\n</think>\n\nDone")
        .within_reasoning()
        .thinks("I think more")
        .calls(&[("now", "{}")])
        .says("Done"),
    reply(ToolFormat::Qwen, "I only think <b").within_reasoning().thinks("I only think <b"),
    reply(ToolFormat::Qwen, "a < b <tool b> <<tool_cal <tool_call").is_content(),
    reply(ToolFormat::Qwen, "<tool_call>not json</tool_call> x").is_content(),
    reply(ToolFormat::Qwen, "<tool_call></tool_call>").is_content(),
    reply(ToolFormat::Qwen, "<tool_call>{\"name\": \"now\"}\n{\"name\": \"add\"}}</tool_call>!")
        .calls(&[("now", "{}"), ("add", "{}")])
        .says("}!"),
    reply(ToolFormat::Qwen, "<tool_call>{\"name\": \"now\", \"arguments\": {}}").calls(&[("now", "{}")]),
    reply(
        ToolFormat::Qwen,
        "<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": 1}, \"parameters\": {}}</tool_call>",
    )
    .calls(&[("add", r#"{"a":1}"#)])
    .says(", \"parameters\": {}}")
    .breaks(1),
];

const LLAMA3: &[Fixture] = &[
    reply(
        ToolFormat::Llama3,
        "<|python_tag|>{\"name\": \"add\", \"parameters\": {\"a\": 1}}; {\"name\": \"other\", \"parameters\": {}}",
    )
    .calls(&[("add", r#"{"a":1}"#), ("other", "{}")]),
    reply(ToolFormat::Llama3, " {\"type\": \"function\", \"name\": \"add\", \"parameters\": {\"a\": \"1\"}}\n")
        .calls(&[("add", r#"{"a":"1"}"#)]),
    reply(ToolFormat::Llama3, "{\"name\": \"Bob\", \"parameters\": {}}").is_content(),
    reply(ToolFormat::Llama3, "{\"name\": \"add\"}").is_content(),
    reply(ToolFormat::Llama3, "{\"age\": 5, \"name\": \"add\", \"parameters\": {}}").is_content(),
    reply(ToolFormat::Llama3, "Sure:\n{\"name\": \"add\", \"parameters\": {}}").is_content(),
    reply(ToolFormat::Llama3, "<|python_tag|>print(1)\n").is_content(),
    reply(ToolFormat::Llama3, "Let me see.\n<|python_tag|>{\"name\": \"now\", \"parameters\": {}} so")
        .says("Let me see.\n so")
        .calls(&[("now", "{}")]),
];

const QWEN_CODER: &[Fixture] = &[
    reply(
        ToolFormat::Qwen3Coder,
        "I look.\n\n<tool_call>\n<function=get_weather>\n<parameter=city>\nNew \"York\"\n</parameter>\n\
         <parameter=days>\n3\n</parameter>\n<parameter=detail>\nTrue\n</parameter>\n<parameter=tags>\n[\"a\", \"b c\"]\n\
         </parameter>\n</function>\n</tool_call>\n",
    )
    .says("I look.\n\n")
    .calls(&[("get_weather", r#"{"city":"New \"York\"","days":3,"detail":true,"tags":["a","b c"]}"#)]),
    reply(
        ToolFormat::Qwen3Coder,
        "<tool_call><function=note><parameter=text>\n\nx < y\n\n</param>\n\n</parameter></function></tool_call>\
         <tool_call>\n<function=now>\n</function>\n</tool_call>",
    )
    .calls(&[("note", r#"{"text":"\nx < y\n\n</param>\n"}"#), ("now", "{}")]),
    reply(ToolFormat::Qwen3Coder, "<function=add>\n<parameter=a>\n1\n</parameter>\n</function>")
        .calls(&[("add", r#"{"a":1}"#)]),
    reply(ToolFormat::Qwen3Coder, "<tool_call>\n<function>\nadd</function></tool_call>").is_content(),
    reply(ToolFormat::Qwen3Coder, "<tool_call><function=note><parameter=text>\nTo be or not</param")
        .calls(&[("note", r#"{"text":"To be or not"#)])
        .breaks(1),
];

const GLM: &[Fixture] = &[
    reply(
        ToolFormat::Glm47,
        "<think>hm</think>\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris, 5</arg_value>\n\
         <arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>\n<tool_call>now</tool_call>",
    )
    .thinks("hm")
    .calls(&[("get_weather", r#"{"city":"Paris, 5","days":2}"#), ("now", "{}")]),
    reply(
        ToolFormat::Glm47,
        "Sure.<tool_call>any<arg_key>x</arg_key><arg_value>{\"y\": [1]}</arg_value><arg_key>z</arg_key>\
         <arg_value>a <tool_call> b</arg_value></tool_call>",
    )
    .says("Sure.")
    .calls(&[("any", r#"{"x":{"y":[1]},"z":"a <tool_call> b"}"#)]),
    reply(ToolFormat::Glm47, "<tool_call>{\"name\": \"add\"}</tool_call>").is_content(),
    reply(ToolFormat::Glm47, "<tool_call>two words</tool_call>").is_content(),
];

const KIMI: &[Fixture] = &[
    reply(
        ToolFormat::KimiK2,
        "Let me.<|tool_calls_section_begin|><|tool_call_begin|>functions.add:0<|tool_call_argument_begin|>{\"a\": 1}\
         <|tool_call_end|>\n<|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}<|tool_call_end|>\
         <|tool_calls_section_end|>",
    )
    .says("Let me.")
    .calls(&[("add", r#"{"a":1}"#), ("now", "{}")]),
    reply(
        ToolFormat::KimiK2,
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.add:0<|tool_call_argument_begin|>1<|tool_call_end|>\
         <|tool_calls_section_end|>.",
    )
    .is_content(),
    reply(
        ToolFormat::KimiK2,
        "<|tool_call_begin|>now<|tool_call_argument_begin|> {\"a\": \"<|x|>\"}<|tool_call_end|> ok",
    )
    .calls(&[("now", r#"{"a":"<|x|>"}"#)])
    .says(" ok"),
];

const DEEPSEEK: &[Fixture] = &[
    reply(
        ToolFormat::DeepseekV32,
        "Hi\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"get_weather\">\n\
         <｜DSML｜parameter name=\"city\" string=\"true\">5</｜DSML｜parameter>\n\
         <｜DSML｜parameter name=\"days\" string=\"false\">5</｜DSML｜parameter>\n</｜DSML｜invoke>\n\
         <｜DSML｜invoke name=\"now\">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
    )
    .says("Hi\n\n")
    .calls(&[("get_weather", r#"{"city":"5","days":5}"#), ("now", "{}")]),
    reply(
        ToolFormat::DeepseekV32,
        "thought</think><｜DSML｜function_calls><｜DSML｜invoke name=\"note\">\
         <｜DSML｜parameter name=\"text\">a\n</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜function_calls>",
    )
    .within_reasoning()
    .thinks("thought")
    .calls(&[("note", r#"{"text":"a\n"}"#)]),
    reply(ToolFormat::DeepseekV32, "a <b> c").is_content(),
];

const JSON: &[Fixture] = &[
    reply(
        ToolFormat::Json,
        "```json\n[{\"name\": \"add\", \"arguments\": {\"a\": 1}},\n {\"name\": \"add\", \"parameters\": {\"a\": 2}}]\n```\n",
    )
    .calls(&[("add", r#"{"a":1}"#), ("add", r#"{"a":2}"#)]),
    reply(
        ToolFormat::Json,
        "I call it:\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n{\"name\": \"now\", \"arguments\": {}}",
    )
    .says("I call it:\n")
    .calls(&[("add", r#"{"a":1}"#), ("now", "{}")]),
    reply(ToolFormat::Json, "{\"name\": \"add\", \"arguments\": {\"a\": 1}} is it.")
        .says(" is it.")
        .calls(&[("add", r#"{"a":1}"#)]),
    reply(ToolFormat::Json, "{\"name\": \"Bob\", \"arguments\": {}}").is_content(),
    reply(ToolFormat::Json, "[1, 2]\n[{\"a\": 1}]").is_content(),
    reply(ToolFormat::Json, "Code:\n```rust\nfn main() {\n}\n```\n`x` {").is_content(),
    reply(ToolFormat::Json, "<think>{\"name\": \"now\", \"arguments\": {}}</think>Hi")
        .thinks("{\"name\": \"now\", \"arguments\": {}}")
        .says("Hi"),
];
