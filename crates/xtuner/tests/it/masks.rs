//! What is learned on published chat templates: exactly the assistant's words, calls and ends, behind exactly what
//! lmdeploy's server gives the model.

use std::sync::LazyLock;

use internlm_kit::testing::shared_data;
use internlm_model::chat::openai::ToolDefinition;
use internlm_model::chat::{ChatTemplate, JinjaTemplate};
use internlm_model::tokenizer::{BpeTrainConfig, Special, train_bpe};
use internlm_model::{TokenId, Tokenizer};
use lmdeploy::parse::{Delta, FormatParser, Functions, ParseOptions, Parser, ToolFormat};
use lmdeploy::respond::ServedModel;
use serde_json::{Value, json};
use xtuner::dataset::{Sample, parse_openai};

use crate::parity::{served, trained};

/// Templates by the names that LMDeploy and llama.cpp give them, and what ends an answer in each.
const PUBLISHED: [(&str, &str); 26] = [
    ("chatml", "<|im_end|>"),
    ("phi3", "<|end|>"),
    ("phi4", "<|im_end|>"),
    ("falcon3", ""),
    ("zephyr", "<|endoftext|>"),
    ("monarch", "</s>"),
    ("llama3", "<|eot_id|>"),
    ("llama4", "<|eot|>"),
    ("chatglm4", ""),
    ("glmedge", ""),
    ("granite", "<|end_of_text|>"),
    ("megrez", "<|turn_end|>"),
    ("exaone3", "[|endofturn|]"),
    ("mistral-v1", "</s>"),
    ("mistral-v3", "</s>"),
    ("mistral-v7-tekken", "</s>"),
    ("gemma", "<end_of_turn>"),
    ("vicuna", "</s>"),
    ("llama2", "</s>"),
    ("deepseek", "\n<|EOT|>"),
    ("deepseek2", "<｜end▁of▁sentence｜>"),
    ("deepseek3", "<｜end▁of▁sentence｜>"),
    ("command-r", "<|END_OF_TURN_TOKEN|>"),
    ("openchat", "<|end_of_turn|>"),
    ("kimi-k2", "<|im_end|>"),
    ("bailing2", "<|role_end|>"),
];

/// Special tokens of these templates besides InternLM2's. The vocabulary ends sequences with the last one.
const MARKS: [&str; 24] = [
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|python_tag|>",
    "<|end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|turn_end|>",
    "<|role_end|>",
    "<start_of_turn>",
    "<end_of_turn>",
    "[INST]",
    "[/INST]",
    "[TOOL_CALLS]",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁call▁end｜>",
    "<｜end▁of▁sentence｜>",
    "<|START_OF_TURN_TOKEN|>",
    "<|CHATBOT_TOKEN|>",
    "<|SYSTEM_TOKEN|>",
    "<|END_OF_TURN_TOKEN|>",
];

/// A byte-level vocabulary in which all of [`MARKS`] are special tokens.
static VOCABULARY: LazyLock<Tokenizer> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = BpeTrainConfig::new(300).with_min_frequency(1);
    let plain = train_bpe(["the answer is the number".to_owned()].into_iter(), &config).expect("trains");
    plain.save(folder.path()).expect("saves");
    let path = folder.path().join("tokenizer_config.json");
    let mut config: Value =
        serde_json::from_slice(&std::fs::read(&path).expect("reads")).expect("a config in JSON");
    for (id, mark) in (plain.vocab_size()..).zip(MARKS) {
        config["added_tokens_decoder"][id.to_string()] = json!({"content": mark, "special": true});
    }
    config["eos_token"] = json!(MARKS[MARKS.len() - 1]);
    std::fs::write(&path, config.to_string()).expect("writes");
    Tokenizer::load(folder.path()).expect("loads")
});

fn text(ids: &[TokenId]) -> String {
    VOCABULARY.decode(ids, Special::Keep)
}

/// What is learned of a sample: the ids before each part, and the part.
fn learned(sample: &Sample) -> Vec<(&[TokenId], &[TokenId])> {
    let mut start = 0;
    let mut parts = Vec::new();
    for run in sample.weights.chunk_by(|left, right| left == right) {
        let end = start + run.len();
        if run[0] != 0.0 {
            parts.push((&sample.ids[..start], &sample.ids[start..end]));
        }
        start = end;
    }
    parts
}

/// Checks that the answers of `line` are learned as `expected` and nothing else is, each behind the served ids. Gives
/// the learned ids of every answer.
fn check(model: &ServedModel, line: &Value, expected: &[(usize, String)], place: &str) -> Vec<Vec<TokenId>> {
    let conversation = parse_openai(&line.to_string()).expect("a conversation");
    let samples = trained(&conversation, model);
    let parts: Vec<_> = samples.iter().flat_map(learned).collect();
    let shown: Vec<String> = parts.iter().map(|(_, part)| text(part)).collect();
    assert_eq!(parts.len(), expected.len(), "{place}: {shown:?}");
    let answer = |(index, words): &(usize, String)| {
        let prompt = served(model, line, *index);
        // A template may not keep all that invites to the answer: a space, or the beginning of reasoning.
        let is_served = |before: &[TokenId]| {
            let invitation = prompt.strip_prefix(before).map(text);
            invitation.is_some_and(|rest| ["", "<think>"].contains(&rest.trim()))
        };
        let mut fitting =
            parts.iter().filter(|(before, part)| text(part).trim_start() == *words && is_served(before));
        let (_, part) = fitting.next().unwrap_or_else(|| {
            panic!("{place}, message {index}: {words:?} behind {:?} is not in {shown:?}", text(&prompt))
        });
        part.to_vec()
    };
    expected.iter().map(answer).collect()
}

#[test]
fn words_and_ends_are_learned_on_published_templates() {
    let base = ServedModel::new("m", VOCABULARY.clone(), Some(ChatTemplate::InternLm2), &[]);
    // Messages may spell what ends an answer: there it is text.
    let words = ["It is <|im_end|> or </s>, the first", "two", "<|eot_id|> <end_of_turn>\n\nis the third"];
    for (name, end) in PUBLISHED {
        let model = base.clone().with_chat_template(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut messages = Vec::new();
        for (round, words) in words.iter().enumerate() {
            let question = format!("{round} of <|end|> and <｜end▁of▁sentence｜>?");
            messages.push(json!({"role": "user", "content": question}));
            messages.push(json!({"role": "assistant", "content": words}));
        }
        let expected: Vec<(usize, String)> =
            (0..3).map(|round| (2 * round + 1, format!("{}{end}", words[round]))).collect();
        check(&model, &json!({"messages": messages}), &expected, name);
        messages[3]["weight"] = json!(0);
        let others = [expected[0].clone(), expected[2].clone()];
        check(&model, &json!({"messages": messages}), &others, name);
    }
}

/// A published template with tools: its file, how the call of [`with_tools`] is written, and what is around an answer.
const WITH_TOOLS: [(&str, &str, [&str; 2]); 11] = [
    ("Qwen-Qwen2.5-7B-Instruct", QWEN_CALL, ["", "<|im_end|>"]),
    ("NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", QWEN_CALL, ["", "<|im_end|>"]),
    ("NousResearch-Hermes-3-Llama-3.1-8B-tool_use", QWEN_CALL, ["", "<|im_end|>"]),
    ("meta-llama-Llama-3.1-8B-Instruct", LLAMA_CALL, ["", "<|eot_id|>"]),
    ("meta-llama-Llama-3.2-3B-Instruct", LLAMA_CALL, ["", "<|eot_id|>"]),
    ("meta-llama-Llama-3.3-70B-Instruct", LLAMA_CALL, ["", "<|eot_id|>"]),
    (
        "meetkai-functionary-medium-v3.1",
        "<function=calc>{\"x\": \"1+1\"}</function><|eom_id|>",
        ["", "<|eot_id|>"],
    ),
    ("meetkai-functionary-medium-v3.2", "calc\n{\"x\": \"1+1\"}<|eot_id|>", ["all\n", "<|eot_id|>"]),
    ("mistralai-Mistral-Nemo-Instruct-2407", MISTRAL_CALL, ["", "</s>"]),
    ("deepseek-ai-DeepSeek-R1-Distill-Llama-8B", DEEPSEEK_CALL, ["", "<｜end▁of▁sentence｜>"]),
    (
        "CohereForAI-c4ai-command-r7b-12-2024-tool_use",
        COHERE_CALL,
        ["<|START_RESPONSE|>", "<|END_RESPONSE|><|END_OF_TURN_TOKEN|>"],
    ),
];

const QWEN_CALL: &str =
    "<tool_call>\n{\"name\": \"calc\", \"arguments\": {\"x\": \"1+1\"}}\n</tool_call><|im_end|>";
const LLAMA_CALL: &str = "{\"name\": \"calc\", \"parameters\": {\"x\": \"1+1\"}}<|eot_id|>";
const MISTRAL_CALL: &str =
    "[TOOL_CALLS][{\"name\": \"calc\", \"arguments\": {\"x\": \"1+1\"}, \"id\": \"call00001\"}]</s>";
/// The template ends a list of calls only if there are several.
const DEEPSEEK_CALL: &str = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>calc\n```json\n\
    {\"x\": \"1+1\"}\n```<｜tool▁call▁end｜>";
const COHERE_CALL: &str = "<|START_THINKING|><|END_THINKING|><|START_ACTION|>[\n    {\"tool_call_id\": \"0\", \
    \"tool_name\": \"calc\", \"parameters\": {\"x\": \"1+1\"}}\n]<|END_ACTION|><|END_OF_TURN_TOKEN|>";

/// A conversation in which the second question is answered with a tool, behind these messages.
fn with_tools(leading: &[Value]) -> Value {
    let call = json!({"id": "call00001", "type": "function",
        "function": {"name": "calc", "arguments": "{\"x\": \"1+1\"}"}});
    let schema = json!({"type": "object", "properties": {"x": {"type": "string", "description": "d"}}});
    let tool = json!({"name": "calc", "description": "adds", "parameters": schema});
    let mut messages = leading.to_vec();
    messages.extend([
        json!({"role": "user", "content": "first"}),
        json!({"role": "assistant", "content": "one"}),
        json!({"role": "user", "content": "second"}),
        json!({"role": "assistant", "content": null, "tool_calls": [call]}),
        json!({"role": "tool", "content": "2", "tool_call_id": "call00001"}),
        json!({"role": "assistant", "content": "two"}),
        json!({"role": "user", "content": "third"}),
        json!({"role": "assistant", "content": "three"}),
    ]);
    json!({"tools": [{"type": "function", "function": tool}], "messages": messages})
}

/// Names and arguments of the calls of offered tools that lmdeploy finds in an answer.
fn parsed(ids: &[TokenId], format: ToolFormat) -> Vec<(String, Value)> {
    let offered = with_tools(&[])["tools"].clone();
    let offered: Vec<ToolDefinition> = serde_json::from_value(offered).expect("tools of a request");
    let options = ParseOptions::new(format).with_functions(Functions::of(&offered));
    let mut parser = FormatParser::new(&VOCABULARY, options);
    let mut deltas = parser.push(&VOCABULARY.decode(ids, Special::Skip), &[]);
    deltas.extend(parser.finish());
    let mut calls: Vec<(String, String)> = Vec::new();
    for delta in deltas {
        match delta {
            Delta::CallStart { name, .. } => calls.push((name, String::new())),
            Delta::CallArguments { index, text } => calls[index].1 += &text,
            Delta::Content(_) | Delta::Reasoning(_) => {}
        }
    }
    calls
        .into_iter()
        .map(|(name, text)| (name, serde_json::from_str(&text).expect("arguments in JSON")))
        .collect()
}

#[test]
fn calls_are_learned_on_published_templates_as_they_are_parsed() {
    let Some(folder) = shared_data("tokenizers/chat_templates") else { return };
    let system = [json!({"role": "system", "content": "Be brief."})];
    for (name, call, [open, close]) in WITH_TOOLS {
        let source = std::fs::read_to_string(folder.join(name).with_added_extension("jinja")).expect("reads");
        let template = JinjaTemplate::new(&source, Some("<s>".to_owned()), Some("</s>".to_owned()));
        let template = ChatTemplate::Jinja(Box::new(template.expect("a template")));
        let format = ToolFormat::of(Some(&template), &VOCABULARY);
        let model = ServedModel::new("m", VOCABULARY.clone(), Some(template), &[]);
        for leading in [&[][..], &system] {
            let mut line = with_tools(leading);
            if !source.contains("tools") {
                // It shows calls, but not what is offered: that is refused.
                line.as_object_mut().expect("an object").remove("tools");
            }
            let answer = |place: usize, words: &str| (leading.len() + place, format!("{open}{words}{close}"));
            let call = (leading.len() + 3, call.to_owned());
            let expected = [answer(1, "one"), call, answer(5, "two"), answer(7, "three")];
            let learned = check(&model, &line, &expected, name);
            if [ToolFormat::Qwen, ToolFormat::Llama3].contains(&format) {
                let found = parsed(&learned[1], format);
                assert_eq!(found, [("calc".to_owned(), json!({"x": "1+1"}))], "{name}");
            }
        }
    }
}

#[test]
fn reasoning_is_learned_where_the_template_shows_it() {
    // As Qwen3 does it: the reasoning of earlier rounds is left out.
    let source = "{% for m in messages %}<|im_start|>{{ m.role }}\n\
        {% if loop.last and m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}\
        {{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    let template = JinjaTemplate::new(source, None, None).expect("a template");
    let model = ServedModel::new("m", VOCABULARY.clone(), Some(ChatTemplate::Jinja(Box::new(template))), &[]);
    let answer = |words: &str| json!({"role": "assistant", "content": words, "reasoning_content": "so"});
    let question = || json!({"role": "user", "content": "why"});
    let line = json!({"messages": [question(), answer("one"), question(), answer("two")]});
    let learned = |words: &str| format!("<think>\nso\n</think>\n\n{words}<|im_end|>");
    check(&model, &line, &[(1, learned("one")), (3, learned("two"))], "reasoning");
}
