//! Formats that answers must have, over a model whose own answer does not have them.

use lmdeploy::protocol::{
    ChatMessage, ChatRequest, CompletionRequest, JsonSchemaFormat, ResponseFormat, ToolDefinition,
};
use lmdeploy::testing::MockModel;
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
