//! Which texts the grammar of a request takes.

use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use serde_json::{Value, json};

use super::*;
use crate::decode::GrammarFactory;
use crate::parse::ToolFormat;

fn factory() -> (internlm_model::Tokenizer, GrammarFactory) {
    let config = BpeTrainConfig::new(280).with_min_frequency(1);
    let tokenizer = train_bpe(["the user".to_owned()].into_iter(), &config).expect("room for all bytes");
    let factory = GrammarFactory::new(&tokenizer, &tokenizer.turn_ends(), tokenizer.vocab_size());
    (tokenizer, factory)
}

/// Whether the grammar takes the whole of a text, and the text may end there.
pub(super) fn takes(asked: &Asked, text: &str) -> bool {
    let (tokenizer, factory) = factory();
    let grammar = factory.compile(&asked.source).expect("a grammar");
    let mut state = grammar.start();
    let fits = tokenizer.encode_with_special(text).into_iter().all(|id| state.accept(id).is_ok());
    fits && (state.is_finished() || state.accept(tokenizer.turn_ends()[0]).is_ok())
}

fn request(fields: Value) -> ChatRequest {
    let mut body = json!({"messages": []});
    for (key, value) in fields.as_object().expect("fields") {
        body[key] = value.clone();
    }
    serde_json::from_value(body).expect("a request")
}

fn tools() -> Value {
    let parameters = json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
        "required": ["a"], "additionalProperties": false});
    json!([{"type": "function", "function": {"name": "add", "parameters": parameters}},
           {"type": "function", "function": {"name": "now"}}])
}

fn calls_of(format: ToolFormat, fields: Value) -> Asked {
    let (tokenizer, _) = factory();
    let mut fields = fields;
    fields["tools"] = tools();
    tools::calls(&request(fields), format, Marks::new(&tokenizer)).expect("calls")
}

#[test]
fn required_calls_have_the_format_of_the_model() {
    let one = json!({"tool_choice": "required"});
    for (format, text) in [
        (
            ToolFormat::Internlm,
            "<|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"a\": 1}}<|action_end|>",
        ),
        (
            ToolFormat::Qwen,
            "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": \"x\"}}\n</tool_call>",
        ),
        (ToolFormat::Qwen, "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"),
        (
            ToolFormat::Llama3,
            "{\"name\": \"add\", \"parameters\": {\"a\": 1}}; {\"name\": \"now\", \"parameters\": {}}",
        ),
        (
            ToolFormat::Json,
            "{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n{\"name\": \"now\", \"arguments\": {}}",
        ),
        (
            ToolFormat::Qwen3Coder,
            "<tool_call>\n<function=add>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\nx\ny\n</parameter>\n</function>\n</tool_call>",
        ),
        (ToolFormat::Glm47, "<tool_call>add\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n</tool_call>"),
        (
            ToolFormat::KimiK2,
            "<|tool_calls_section_begin|><|tool_call_begin|>functions.add:0<|tool_call_argument_begin|>{\"a\": 1}<|tool_call_end|><|tool_calls_section_end|>",
        ),
        (
            ToolFormat::DeepseekV32,
            "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"add\">\n<｜DSML｜parameter name=\"a\" string=\"false\">1</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
        ),
    ] {
        let asked = calls_of(format, one.clone());
        assert!(takes(&asked, text), "{format:?}: {text}");
        assert!(!takes(&asked, "hello"), "{format:?}");
        assert!(!takes(&asked, &text[..text.len() - 1]), "{format:?}");
    }
}

#[test]
fn a_named_call_and_a_single_call_are_all_there_is() {
    let named = json!({"tool_choice": {"type": "function", "function": {"name": "now"}}});
    let asked = calls_of(ToolFormat::Json, named);
    assert!(takes(&asked, "{\"name\": \"now\", \"arguments\": {}}"));
    assert!(!takes(&asked, "{\"name\": \"add\", \"arguments\": {\"a\": 1}}"));
    assert!(!takes(&asked, &["{\"name\": \"now\", \"arguments\": {}}"; 2].join("\n")), "exactly once");
    let single = calls_of(ToolFormat::Json, json!({"tool_choice": "required", "parallel_tool_calls": false}));
    let call = "{\"name\": \"now\", \"arguments\": {}}";
    assert!(takes(&single, call));
    assert!(!takes(&single, &format!("{call}\n{call}")));
    let many = calls_of(ToolFormat::Json, json!({"tool_choice": "required"}));
    assert!(takes(&many, &[call; 8].join("\n")));
    assert!(!takes(&many, &[call; 9].join("\n")), "the answer ends by itself");
}

#[test]
fn reasoning_is_free_and_the_answer_is_not() {
    let (tokenizer, _) = factory();
    let marks = Marks::new(&tokenizer);
    let answer = || Asked {
        place: "response_format".to_owned(),
        source: GrammarSource::Choice(vec!["yes".to_owned()]),
    };
    let inside = reasoned("start: think", marks, answer());
    assert!(takes(&inside, "is it?\n</think>\n\nyes"));
    assert!(!takes(&inside, "yes"));
    let optional = reasoned(&format!("start: ({} think)? @[0]", marks.mark(THINK)), marks, answer());
    assert!(takes(&optional, "yes") && takes(&optional, "<think>hm</think>yes"));
    assert!(!takes(&optional, "<think>hm</think>no"));
}

#[test]
fn a_structural_tag_leaves_the_rest_free() {
    let format = json!({"type": "structural_tag", "triggers": ["<f="], "structures": [
        {"begin": "<f=a>", "schema": {"type": "integer"}, "end": "</f>"},
        {"begin": "<f=b>", "schema": {"type": "null"}, "end": "</f>"}]});
    let format = serde_json::from_value(format).expect("a format");
    let asked = asked(Some(&format), None).expect("fits").expect("a grammar");
    for text in ["", "free", "x <f=a>3</f> y <f=b>null</f>", "a < b"] {
        assert!(takes(&asked, text), "{text:?}");
    }
    for text in ["<f=c>", "<f=a>null</f>", "<f=b>null", "<f="] {
        assert!(!takes(&asked, text), "{text:?}");
    }
}

#[test]
fn errors_name_the_field_and_the_place() {
    let (_, factory) = factory();
    let wrong = |format: Value| {
        let format = serde_json::from_value(format).expect("a format");
        let asked = asked(Some(&format), None)?.expect("a grammar");
        factory.compile(&asked.source).map_err(|error| refused(&asked.place, error)).map(|_| ())
    };
    let schema = json!({"properties": {"a": {"uniqueItems": true}}});
    for (format, expected) in [
        (
            json!({"type": "json_schema", "json_schema": {"schema": schema}}),
            "response_format.json_schema.schema/properties/a: found `uniqueItems`, which is not supported",
        ),
        (json!({"type": "regex_schema", "regex_schema": "(?=a)"}), "response_format.regex_schema: "),
        (json!({"type": "choice", "choice": []}), "response_format.choice: found none"),
        (
            json!({"type": "structural_tag", "triggers": ["<"], "structures": [{"begin": "<a", "schema": schema, "end": ""}]}),
            "response_format.structures.0.schema/properties/a: found `uniqueItems`",
        ),
        (
            json!({"type": "structural_tag", "triggers": ["x"], "structures": []}),
            "response_format.triggers.0: found",
        ),
    ] {
        let error = wrong(format).expect_err(expected).to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let none = request(json!({"tool_choice": "sometimes"}));
    assert!(tools::forced(&none).is_err());
}
