//! Formats that answers must have, over a model whose own answer does not have them.

use lmdeploy::protocol::{
    ChatMessage, ChatRequest, CompletionRequest, FinishReason, JsonSchemaFormat, ResponseFormat,
    StructuredOutputs, ToolDefinition,
};
use lmdeploy::testing::{MockModel, tokenizer};
use serde_json::{Value, json};

fn ask(format: ResponseFormat) -> ChatRequest {
    let mut request = ChatRequest::new([ChatMessage::user("hi")]).with_temperature(0.0).with_max_tokens(200);
    request.response_format = Some(format);
    request
}

#[test]
fn an_answer_keeps_the_choice_that_it_must_make() {
    let pipeline = MockModel::from("the quick brown fox").pipeline();
    let request = ask(ResponseFormat::Choice(vec!["yes".to_owned(), "no".to_owned()]));
    let answer = pipeline.chat(&request).expect("an answer").text();
    assert!(["yes", "no"].contains(&answer.as_str()), "{answer}");
}

#[test]
fn an_answer_keeps_its_schema() {
    let pipeline = MockModel::from("the quick brown fox").pipeline();
    let schema = json!({"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"],
        "additionalProperties": false});
    let request = ask(ResponseFormat::JsonSchema(JsonSchemaFormat::new(schema)));
    let answer = pipeline.chat(&request).expect("an answer").text();
    let value: Value = serde_json::from_str(&answer).expect("JSON");
    assert!(value == json!({"a": 1}) || value == json!({"a": 2}), "{answer}");
}

#[test]
fn completions_have_formats_too() {
    let pipeline = MockModel::from("the quick brown fox").pipeline();
    let mut request = CompletionRequest::new("hi").with_temperature(0.0).with_max_tokens(50);
    request.response_format = Some(ResponseFormat::RegexSchema("[0-9]{3}".to_owned()));
    let answer = pipeline.completions(&request).expect("an answer");
    let text = &answer.choices[0].text;
    assert!(text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
}

#[test]
fn a_required_tool_is_called() {
    let pipeline = MockModel::from("the quick brown fox").pipeline();
    let parameters = json!({"type": "object", "properties": {"a": {"enum": [1]}}, "required": ["a"],
        "additionalProperties": false});
    let mut request =
        ask(ResponseFormat::Text).with_tools([ToolDefinition::function("add", "adds", parameters)]);
    request.tool_choice = Some(json!("required"));
    request.parallel_tool_calls = Some(false);
    let answer = pipeline.chat(&request).expect("an answer");
    let calls = answer.message().expect("a message").calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].function.name, "add");
    let arguments: Value = serde_json::from_str(&calls[0].function.arguments).expect("JSON");
    assert_eq!(arguments, json!({"a": 1}));
}

#[test]
fn a_named_tool_is_called_exactly_once() {
    let pipeline = MockModel::from("the quick brown fox").pipeline();
    let tools = ["add", "sub"].map(|name| ToolDefinition::function(name, "", json!({"properties": {}})));
    let mut request = ask(ResponseFormat::Text).with_tools(tools);
    request.tool_choice = Some(json!({"type": "function", "function": {"name": "sub"}}));
    let answer = pipeline.chat(&request).expect("an answer");
    let calls = answer.message().expect("a message").calls();
    assert_eq!(calls.len(), 1);
    let arguments: Value = serde_json::from_str(&calls[0].function.arguments).expect("JSON");
    assert_eq!((calls[0].function.name.as_str(), arguments), ("sub", json!({})));
    assert_eq!(answer.choices[0].finish_reason, Some(FinishReason::ToolCalls));
}

#[test]
fn only_allowed_tools_can_be_called() {
    let pipeline = MockModel::from("the quick brown fox").pipeline();
    let tools = ["add", "sub"].map(|name| ToolDefinition::function(name, "", json!({"properties": {}})));
    let mut request = ask(ResponseFormat::Text).with_tools(tools);
    request.parallel_tool_calls = Some(false);
    let list = json!([{"type": "function", "function": {"name": "sub"}}]);
    request.tool_choice =
        Some(json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": list}}));
    let answer = pipeline.chat(&request).expect("an answer");
    let calls = answer.message().expect("a message").calls();
    assert_eq!(calls.iter().map(|call| call.function.name.as_str()).collect::<Vec<_>>(), ["sub"]);
    request.tool_choice =
        Some(json!({"type": "allowed_tools", "allowed_tools": {"mode": "always", "tools": []}}));
    let error = pipeline.chat(&request).expect_err("no such mode").to_string();
    assert_eq!(error, "tool_choice.allowed_tools.mode: found `always`, expected `auto` or `required`");
}

#[test]
fn grammars_are_taken_in_two_notations() {
    let pipeline = MockModel::from("the quick brown fox").pipeline();
    for grammar in ["start: /a{5}/", "root ::= \"a\"{5,5}"] {
        let mut request = ask(ResponseFormat::Text);
        request.grammar = Some(grammar.to_owned());
        assert_eq!(pipeline.chat(&request).expect("an answer").text(), "aaaaa", "{grammar}");
    }
    let mut request = ask(ResponseFormat::Text);
    request.grammar = Some("root ::= this is (not valid GBNF".to_owned());
    let error = pipeline.chat(&request).expect_err("is refused").to_string();
    assert_eq!(error, "grammar: line 1 column 33: found the end, expected `)`");
}

#[test]
fn a_structural_tag_joins_formats() {
    let pipeline = MockModel::from("the quick brown fox").pipeline();
    let format = json!({"type": "structural_tag", "format": {"type": "tag", "begin": "<n>", "end": "</n>",
        "content": {"type": "json_schema", "json_schema": {"enum": [1, 2]}}}});
    let mut request = ask(serde_json::from_value(format.clone()).expect("a format"));
    let answer = pipeline.chat(&request).expect("an answer").text();
    assert!(["<n>1</n>", "<n>2</n>"].contains(&answer.as_str()), "{answer}");
    request.response_format = None;
    request.structured_outputs = Some(StructuredOutputs {
        structural_tag: Some(format.to_string().into()),
        ..StructuredOutputs::default()
    });
    assert_eq!(pipeline.chat(&request).expect("an answer").text(), answer, "vLLM's field");
    let wrong =
        json!({"type": "structural_tag", "format": {"type": "sequence", "elements": [{"type": "token"}]}});
    let error =
        pipeline.chat(&ask(serde_json::from_value(wrong).expect("a format"))).expect_err("is refused");
    let expected = "response_format.format.elements.0.type: found `token`, expected `const_string`";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn only_allowed_ids_are_generated() {
    let pipeline = MockModel::from("the quick brown fox").pipeline();
    let mut request = CompletionRequest::new("hi").with_temperature(0.0).with_max_tokens(4);
    let ids = ["a", "b"].iter().flat_map(|text| tokenizer().encode(text));
    request.allowed_token_ids = Some(ids.map(|id| id.0).collect());
    let text = pipeline.completions(&request).expect("an answer").choices[0].text.clone();
    assert!(text.len() == 4 && text.chars().all(|c| "ab".contains(c)), "{text}");
    request.allowed_token_ids = Some(Vec::new());
    let error = pipeline.completions(&request).expect_err("is refused").to_string();
    assert_eq!(error, "allowed_token_ids: found none, expected at least one id");
}

#[test]
fn what_is_not_supported_is_refused_by_place() {
    let pipeline = MockModel::from("the quick brown fox").pipeline();
    let schema = json!({"properties": {"a": {"uniqueItems": true}}});
    let request = ask(ResponseFormat::JsonSchema(JsonSchemaFormat::new(schema)));
    let error = pipeline.chat(&request).expect_err("is refused").to_string();
    assert_eq!(
        error,
        "response_format.json_schema.schema/properties/a: found `uniqueItems`, which is not supported"
    );
}
