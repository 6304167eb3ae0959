//! Tools, choices, thinking and formats in the words of a chat request.

use internlm_model::chat::{ChatTemplate, JinjaTemplate};
use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};

use super::*;

fn request(body: &Value) -> MessagesRequest {
    let mut body = body.clone();
    (body["model"], body["messages"]) = (json!("tiny"), json!([]));
    serde_json::from_value(body).expect("a request")
}

fn model(template: &str, reasoning: ReasoningFormat) -> ServedModel {
    let config = BpeTrainConfig::new(280).with_min_frequency(1);
    let tokenizer = train_bpe(["the user".to_owned()].into_iter(), &config).expect("room for all bytes");
    let template = JinjaTemplate::new(template, None, None).expect("a template");
    let mut model = ServedModel::new("tiny", tokenizer, Some(ChatTemplate::Jinja(Box::new(template))), &[]);
    model.reasoning = reasoning;
    model
}

#[test]
fn tools_in_the_words_of_openai() {
    let tool = json!({"name": "f", "input_schema": {"type": "object"}, "description": "d", "type": "custom",
        "cache_control": {"type": "ephemeral"}, "input_examples": [{}]});
    let read = tools(&request(&json!({"tools": [tool]}))).expect("a tool");
    let function =
        json!({"name": "f", "description": "d", "parameters": {"type": "object"}, "input_examples": [{}]});
    assert_eq!(json!(read), json!([{"type": "function", "function": function}]));
    for (tool, message) in [
        (json!({"type": "bash_20250124", "name": "bash"}), "tools.0.type: found `bash_20250124`"),
        (
            json!({"type": {}, "name": "f", "input_schema": {}}),
            "tools.0.type: found an object, expected a string",
        ),
        (json!({"name": "f"}), "tools.0.input_schema: found nothing, expected an object"),
        (json!({"input_schema": {}}), "tools.0.name: found nothing"),
        (
            json!({"name": "f", "input_schema": {}, "defer_loading": true}),
            "tools.0.defer_loading: found true",
        ),
    ] {
        let error = tools(&request(&json!({"tools": [tool]}))).expect_err(message).to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn choices() {
    for (choice, expected) in [
        (json!({"type": "auto"}), (json!("auto"), None)),
        (json!({"type": "any", "disable_parallel_tool_use": true}), (json!("required"), Some(false))),
        (json!({"type": "none"}), (json!("none"), None)),
        (
            json!({"type": "tool", "name": "f", "disable_parallel_tool_use": false}),
            (json!({"type": "function", "function": {"name": "f"}}), None),
        ),
    ] {
        let (found, parallel) = tool_choice(&request(&json!({"tool_choice": choice}))).expect("a choice");
        assert_eq!((found, parallel), (Some(expected.0), expected.1), "{choice}");
    }
    for wrong in [json!({}), json!({"type": "required"}), json!({"type": "tool"})] {
        assert!(tool_choice(&request(&json!({"tool_choice": wrong}))).is_err(), "{wrong}");
    }
}

#[test]
fn thinking_is_turned_on_and_off_or_refused() {
    let switched = model("{% if enable_thinking %}{% endif %}{{ messages }}", ReasoningFormat::Think);
    let always = model("{{ messages }}", ReasoningFormat::Think);
    let never = model("{{ messages }}", ReasoningFormat::None);
    let variables = |model: &ServedModel, kind: &str| {
        let request = request(&json!({"thinking": {"type": kind, "budget_tokens": 1024}}));
        template_variables(&request, model)
            .map(|variables| json!(variables))
            .map_err(|error| error.to_string())
    };
    for (kind, value) in [("enabled", true), ("adaptive", true), ("disabled", false)] {
        assert_eq!(variables(&switched, kind), Ok(json!({"enable_thinking": value})));
    }
    for (model, kind) in [
        (&always, "enabled"),
        (&always, "adaptive"),
        (&never, "disabled"),
        (&never, "adaptive"),
        (&never, "enabled"),
    ] {
        assert_eq!(variables(model, kind), Ok(json!({})), "{kind}");
    }
    let error = variables(&always, "disabled").expect_err("it always thinks");
    assert_eq!(error, "thinking.type: found `disabled`, expected `enabled`: this model always thinks");
    assert!(variables(&switched, "sometimes").is_err());
    for (budget, max_tokens) in
        [(json!(1024), json!(1025)), (json!(2000.0), Value::Null), (json!(1024), json!(5000))]
    {
        let thinking = json!({"type": "enabled", "budget_tokens": budget});
        let request = request(&json!({"thinking": thinking, "max_tokens": max_tokens}));
        assert!(template_variables(&request, &switched).is_ok(), "{budget} of {max_tokens}");
    }
    for (budget, max_tokens) in [
        (json!(1023), json!(5000)),
        (json!(1024), json!(1024)),
        (json!(1024.5), json!(5000)),
        (json!("1024"), json!(5000)),
        (Value::Null, json!(5000)),
    ] {
        let thinking = json!({"type": "enabled", "budget_tokens": budget});
        let request = request(&json!({"thinking": thinking, "max_tokens": max_tokens}));
        let error = template_variables(&request, &switched).expect_err("a wrong budget").to_string();
        assert!(error.starts_with("thinking.budget_tokens: found "), "{error}");
    }
    let omitted = request(&json!({"thinking": {"type": "adaptive", "display": "omitted"}}));
    assert!(template_variables(&omitted, &switched).is_ok() && omits_thoughts(&omitted));
    let secret = request(&json!({"thinking": {"type": "adaptive", "display": "secret"}}));
    assert!(template_variables(&secret, &switched).is_err() && !omits_thoughts(&secret));
    assert_eq!(template_variables(&request(&json!({})), &switched).ok(), Some(None));
}

#[test]
fn a_budget_limits_a_model_that_reasons() {
    let reasoning = model("{{ messages }}", ReasoningFormat::Think);
    let plain = model("{{ messages }}", ReasoningFormat::None);
    for (kind, expected) in [("enabled", Some(2000)), ("adaptive", None), ("disabled", None)] {
        let request = request(&json!({"thinking": {"type": kind, "budget_tokens": 2000.0}}));
        assert_eq!(thinking_budget(&request, &reasoning), expected, "{kind}");
        assert_eq!(thinking_budget(&request, &plain), None, "{kind}");
    }
    assert_eq!(thinking_budget(&request(&json!({})), &reasoning), None);
}

#[test]
fn the_default_effort_needs_not_be_told() {
    let plain = model("{{ messages }}", ReasoningFormat::Think);
    let told = model("{{ reasoning_effort }}{{ messages }}", ReasoningFormat::Think);
    let config = |effort: &str| OutputConfig { effort: Some(effort.to_owned()), format: None };
    assert_eq!(effort(&config("high"), &plain), None);
    assert_eq!(effort(&config("low"), &plain).as_deref(), Some("low"));
    assert_eq!(effort(&config("high"), &told).as_deref(), Some("high"));
    assert_eq!(effort(&OutputConfig::default(), &told), None);
}

#[test]
fn edits_that_keep_everything_are_taken() {
    let check = |context: Value| {
        check_context(&request(&json!({"context_management": context}))).map_err(|error| error.to_string())
    };
    for context in [
        Value::Null,
        json!({}),
        json!({"edits": []}),
        json!({"edits": [{"type": CLEAR_THINKING, "keep": "all"}]}),
    ] {
        assert_eq!(check(context), Ok(()));
    }
    for (context, start) in [
        (json!({"edits": 1}), "context_management.edits: found 1"),
        (json!({"edits": [1]}), "context_management.edits.0: found 1"),
        (json!({"edits": [{"type": CLEAR_THINKING}]}), "context_management.edits.0.keep: found nothing"),
        (json!({"edits": [{"type": "compact_20260112"}]}), "context_management.edits.0.type: found `compact"),
    ] {
        let error = check(context).expect_err(start);
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn formats() {
    let format =
        |format: Value| response_format(&OutputConfig { format: format.as_object().cloned(), effort: None });
    assert!(format(Value::Null).is_ok_and(|format| format.is_none()));
    assert!(
        format(json!({"type": "json_schema", "schema": {"type": "object"}}))
            .is_ok_and(|format| format.is_some())
    );
    assert!(format(json!({"type": "json_schema"})).is_err());
    assert!(format(json!({"type": "regex"})).is_err());
}
