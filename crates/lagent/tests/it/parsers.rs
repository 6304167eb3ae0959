//! Parsers and aggregators: the texts that lagent 0.5.0rc2 prints for the same forms, replies and conversations.

use internlm_model::chat::Channel;
use lagent::aggregate::{DefaultAggregator, Frame, InternLmAggregator, Shot, ShotRole};
use lagent::message::AgentMessage;
use lagent::parse::{
    CustomFormatParser, Format, JsonParser, MixedToolParser, ParseError, ParsedTool, ToolFormat, ToolParser,
    ToolStatus, Validation,
};
use lagent::{Message, Role};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The schema that pydantic makes of the class whose printed form is below.
fn person() -> Value {
    json!({
        "$defs": {"Inner": {
            "type": "object",
            "properties": {
                "x": {"description": "An x", "type": "integer"},
                "y": {"default": "why", "type": "string"},
            },
            "required": ["x"],
        }},
        "type": "object",
        "properties": {
            "name": {"description": "Name of the person", "items": {"type": "string"}, "type": "array"},
            "age": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": null, "description": "Age"},
            "score": {"default": 1.5, "type": "number"},
            "ok": {"type": "boolean"},
            "tags": {"additionalProperties": {"type": "integer"}, "default": {}, "type": "object"},
            "inner": {"$ref": "#/$defs/Inner"},
        },
        "required": ["name", "ok", "inner"],
    })
}

fn title() -> Value {
    json!({
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "year": {"type": "integer"},
            "rated": {"type": ["boolean", "null"], "default": null},
        },
        "required": ["title", "year"],
    })
}

fn format(name: &str, schema: Value) -> Format {
    Format::new(name, schema).expect("a schema")
}

#[test]
fn forms_are_printed_as_upstream_prints_them() {
    let parser = JsonParser::new("{format}", [format("format", person())]).expect("a template");
    let expected = "{\n    // Name of the person\n    \"name\": \"list[str]\",  // required\n    // Age\n    \"age\": \"Union[int, NoneType]\",  // default: None\n    \"score\": \"float\",  // default: 1.5\n    \"ok\": \"bool\",  // required\n    \"tags\": \"dict[str, int]\",  // default: {}\n    \"inner\": {\n        // An x\n        \"x\": \"int\",  // required\n        \"y\": \"str\",  // default: why\n    }\n}";
    assert_eq!(parser.format_instruction(), expected);
    let parser = CustomFormatParser::new("{f}", [format("f", title())]).expect("a template");
    let expected = "<title type=\"str\"></title>\n<year type=\"int\"></year>\n<rated type=\"Union[bool, NoneType]\"></rated>\n";
    assert_eq!(parser.format_instruction(), expected);
}

#[test]
fn rust_types_are_forms() {
    /// A person.
    #[derive(schemars::JsonSchema)]
    #[allow(dead_code)]
    struct Person {
        /// Full name
        name: String,
        age: Option<u32>,
    }
    let parser = JsonParser::new("{p}", [Format::of::<Person>("p").expect("a schema")]).expect("a template");
    let printed = parser.format_instruction();
    assert!(printed.starts_with("{\n    // Full name\n    \"name\": \"str\",  // required\n"), "{printed}");
    assert!(printed.ends_with("    \"age\": \"Union[int, NoneType]\",  // default: None\n}"), "{printed}");
    let read = parser.parse_response("```json\n{\"name\": \"Jo\", \"more\": 1}\n```").expect("reads");
    assert_eq!(read.value, json!({"name": "Jo", "age": null}));
    assert!(parser.parse_response("{\"name\": \"Jo\", \"age\": -1}").is_err());
}

#[test]
fn json_replies_become_the_first_form_that_fits() {
    let formats = [format("default_format", person()), format("unknown_format", title())];
    let parser = JsonParser::new("{default_format}\n{unknown_format}", formats).expect("a template");
    let read = parser
        .parse_response("// a film\n{\"title\": \"http://x // y\", // named\n\"year\": 1999}")
        .expect("reads");
    assert_eq!(read.format, "unknown_format");
    assert_eq!(read.value, json!({"title": "http://x // y", "year": 1999, "rated": null}));
    let reply =
        json!({"name": ["Jo"], "ok": true, "inner": {"x": 1}, "score": "float", "extra": 1}).to_string();
    let read = parser.parse_response(&reply).expect("reads");
    assert_eq!(read.format, "default_format");
    let expected = json!({"name": ["Jo"], "age": null, "score": 1.5, "ok": true, "tags": {}, "inner": {"x": 1, "y": "why"}});
    assert_eq!(read.value, expected);
    let error =
        parser.parse_response("{\"title\": 1, \"year\": \"int\"}").expect_err("fits nothing").to_string();
    assert!(error.contains("default_format: ") && error.contains("unknown_format: field `year`"), "{error}");
    assert!(matches!(parser.parse_response("no JSON"), Err(ParseError::NotJson { .. })));
    let single = JsonParser::new("", [format("f", title())]).expect("a template");
    let error = single.parse_response("{\"title\": \"str\", \"year\": 1}").expect_err("a placeholder");
    assert_eq!(error.to_string(), "field `title`: found the placeholder `str`, expected a value");
}

#[test]
fn tags_become_the_first_form_that_fits() {
    let age = json!({"type": "object", "properties": {"age": {"type": "integer"}, "name": {"type": "string"}}, "required": ["age", "name"]});
    let formats = [format("known", age), format("unknown", title())];
    let parser = CustomFormatParser::new("{known}{unknown}", formats).expect("a template");
    let read = parser
        .parse_response("<!-- who --><name type=\"str\">30</name>\n<age type=\"int\"> 30 </age>")
        .expect("reads");
    assert_eq!((read.format.as_str(), read.value), ("known", json!({"age": 30, "name": "30"})));
    let reply = "<title>A <b>film</b></title><year>1998</year><year>1999</year><rated>Yes</rated>";
    let read = parser.parse_response(reply).expect("reads");
    assert_eq!(read.value, json!({"title": "A <b>film</b>", "year": 1999, "rated": true}));
    let error = parser.parse_response("<age>old</age>").expect_err("fits nothing");
    let ParseError::NoFormat { problems } = error else { panic!("{error}") };
    assert_eq!(problems.len(), 2);
    assert!(CustomFormatParser::new("", [format("list", json!({"type": "array"}))]).is_err());
}

#[test]
fn templates_and_schemas_are_checked() {
    let error = JsonParser::new("{other}", [format("f", title())]).expect_err("no such form");
    assert_eq!(error, ParseError::MissingFields { fields: vec!["other".to_owned()] });
    assert!(matches!(Format::new("f", json!({"type": 3})), Err(ParseError::Schema { .. })));
    assert!(matches!(
        Format::new("f", json!({"$ref": "http://example.com/x"})),
        Err(ParseError::Schema { .. })
    ));
    let tree = json!({"type": "object", "properties": {"left": {"$ref": "#"}}});
    let printed = JsonParser::new("{f}", [format("f", tree)]).expect("ends").format_instruction().len();
    assert!(printed < 400);
}

const PLUGIN: &str = "<|action_start|><|plugin|>\n";
const CODE: &str = "<|action_start|><|interpreter|>\n";
const END: &str = "<|action_end|>\n";

fn parsed(tool_type: &str, thought: &str, action: Value, status: ToolStatus) -> ParsedTool {
    ParsedTool {
        tool_type: Some(tool_type.to_owned()),
        thought: thought.to_owned(),
        action: Some(action),
        status: Some(status),
    }
}

#[test]
fn calls_are_read_as_upstream_reads_them() {
    let parser = ToolParser::plugin();
    for (reply, expected, again) in [
        ("hi".to_owned(), ParsedTool::answer("hi"), "hi".to_owned()),
        (
            format!("a{PLUGIN}{{\"name\":\"x\",\"parameters\":{{\"q\":\"ü\"}}}}{END}rest"),
            parsed("plugin", "a", json!({"name": "x", "parameters": {"q": "ü"}}), ToolStatus::ValidTool),
            format!("a{PLUGIN}{{\"name\": \"x\", \"parameters\": {{\"q\": \"ü\"}}}}{END}"),
        ),
        (
            format!("a{PLUGIN}[1]{END}"),
            parsed("plugin", "a", json!("[1]"), ToolStatus::ParsingError),
            format!("a{PLUGIN}[1]{END}"),
        ),
        (
            format!("a{PLUGIN}{{\"a\":1}}"),
            parsed("plugin", "a", json!({"a": 1}), ToolStatus::ValidTool),
            format!("a{PLUGIN}{{\"a\": 1}}{END}"),
        ),
        (
            format!("x{PLUGIN}{{\"a\":1}}{PLUGIN}{{\"b\":2}}{END}"),
            parsed("plugin", "x", json!({"a": 1}), ToolStatus::ValidTool),
            format!("x{PLUGIN}{{\"a\": 1}}{END}"),
        ),
    ] {
        let found = parser.parse_response(&reply);
        assert_eq!(found, expected, "{reply}");
        assert_eq!(parser.format_response(&found), Ok(again), "{reply}");
    }
    let json =
        serde_json::to_value(parser.parse_response(&format!("a{PLUGIN}[1]{END}"))).expect("serializes");
    assert_eq!(json, json!({"tool_type": "plugin", "thought": "a", "action": "[1]", "status": -1}));
    let own = ToolParser::new("tool", "<tool>\n", "</tool>\n").with_validation(Validation::JsonObject);
    assert_eq!(own.parse_response("<tool>\n {} </tool>\n").action, Some(json!({})));
    assert_eq!(ToolParser::new("tool", "", "").parse_response("x"), ParsedTool::answer("x"));
}

fn mixed() -> MixedToolParser {
    let plugin = ToolParser::plugin().with_template("plugins {begin}", "").expect("a template");
    MixedToolParser::new([plugin, ToolParser::interpreter()]).with_instruction("both", None)
}

#[test]
fn the_parser_whose_mark_occurs_reads_the_reply() {
    let parser = mixed();
    let found = parser.parse_response(&format!("x{CODE}1{END}"));
    assert_eq!(found, parsed("interpreter", "x", json!("1"), ToolStatus::ValidTool));
    let instructions: Vec<(String, Option<String>)> =
        parser.format_instruction().into_iter().map(|text| (text.content, text.name)).collect();
    let expected = [("both".to_owned(), None), (format!("plugins {PLUGIN}"), Some("plugin".to_owned()))];
    assert_eq!(instructions, expected);
    let foreign = parsed("search", "", json!(""), ToolStatus::ValidTool);
    let error = parser.format_response(&foreign).expect_err("unknown").to_string();
    assert_eq!(error, "tool type `search`: unknown, expected one of plugin, interpreter");
}

fn own(text: &str) -> AgentMessage {
    let mut message = AgentMessage::new("me", text);
    message.formatted = serde_json::to_value(mixed().parse_response(text)).ok();
    message
}

fn conversation() -> Vec<AgentMessage> {
    vec![
        AgentMessage::new("user", "q"),
        own(&format!("t{PLUGIN}{{\"name\":\"x\",\"parameters\":{{}}}}{END}")),
        AgentMessage::new("ActionExecutor", "r"),
        own(&format!("z{PLUGIN}bad{END}")),
        AgentMessage::new("other", "please"),
        own("end"),
    ]
}

#[test]
fn prompts_of_tool_agents_are_upstreams() {
    let shots = vec![vec![
        Shot::new(ShotRole::User, "u"),
        Shot::new(ShotRole::Thought, "th"),
        Shot::new(ShotRole::Tool, json!({"name": "n", "parameters": {"k": "ü"}})).with_name("plugin"),
        Shot::new(ShotRole::Environment, "<b>res").with_name("plugin"),
        Shot::new(ShotRole::Language, "fin"),
    ]];
    let aggregator = InternLmAggregator::default().with_marks("<b>", "<e>").with_few_shot(shots);
    let system = [Message::system("sys")];
    let frame = Frame::new("me").with_system(&system);
    let prompt = aggregator.aggregate(&conversation(), &frame, &mixed()).expect("aggregates");
    let plugin = Channel::Plugin;
    let expected = [
        Message::system("sys"),
        Message::system("both"),
        Message::system(format!("plugins {PLUGIN}")).on(plugin),
        Message::user("u"),
        Message::assistant(format!("th{PLUGIN}{{\"name\": \"n\", \"parameters\": {{\"k\": \"ü\"}}}}{END}")),
        Message::environment(plugin, "<b>res<e>"),
        Message::assistant("fin"),
        Message::user("q"),
        Message::assistant(format!("t{PLUGIN}{{\"name\": \"x\", \"parameters\": {{}}}}{END}")),
        Message::environment(plugin, "<b>r<e>"),
        Message::environment(plugin, "<b>please<e>"),
        Message::assistant("end"),
    ];
    assert_eq!(prompt, expected);
}

#[test]
fn wrong_examples_and_formatted_parts_are_refused() {
    let lone = vec![vec![Shot::new(ShotRole::User, "u"), Shot::new(ShotRole::Tool, "x")]];
    let aggregator = InternLmAggregator::default().with_few_shot(lone);
    let error = aggregator.aggregate(&[], &Frame::new("me"), &mixed()).expect_err("a call without a thought");
    assert_eq!(error, ParseError::FewShot { example: 0, message: 1, found: "tool" });
    let mut message = AgentMessage::new("me", "x");
    message.formatted = Some(json!({"answer": 1}));
    let aggregator =
        InternLmAggregator::default().with_user_names(["user", "boss"]).with_environment(Role::System);
    let error = aggregator.aggregate(&[message], &Frame::new("me"), &mixed()).expect_err("no parsed call");
    assert!(error.to_string().starts_with("formatted part of a message of me: "), "{error}");
    let memory = [AgentMessage::new("boss", "do"), AgentMessage::new("tool", "done")];
    let prompt = aggregator.aggregate(&memory, &Frame::new("me"), &ToolParser::plugin()).expect("aggregates");
    assert_eq!(prompt, [Message::user("do"), Message::system("done")]);
}

#[test]
fn prompts_of_plain_agents_are_upstreams() {
    let system = [Message::system("sys")];
    let frame = Frame::new("me").with_system(&system);
    let prompt = DefaultAggregator.aggregate(&conversation(), &frame);
    let texts: Vec<(Role, &str)> = prompt.iter().map(|message| (message.role, message.text())).collect();
    let (call, bad) =
        (format!("t{PLUGIN}{{\"name\":\"x\",\"parameters\":{{}}}}{END}"), format!("z{PLUGIN}bad{END}"));
    let expected = [
        (Role::System, "sys"),
        (Role::User, "q"),
        (Role::Assistant, call.as_str()),
        (Role::User, "r"),
        (Role::Assistant, bad.as_str()),
        (Role::User, "please"),
        (Role::Assistant, "end"),
    ];
    assert_eq!(texts, expected);
}

proptest! {
    #[test]
    fn no_text_stops_a_parser(text in "(<|>|/|a|\\{|\\}|\"|:|//|\n|```|<\\|action_start\\|><\\|plugin\\|>\n|<\\|action_end\\|>\n|\\PC){0,30}") {
        let parser = mixed();
        let found = parser.parse_response(&text);
        let again = parser.format_response(&found).expect("its own call");
        // What was written in the parser's own form reads back as the same.
        let twice = parser.parse_response(&again);
        prop_assert_eq!(parser.format_response(&twice), Ok(again));
        let _ = JsonParser::new("", [format("f", title())]).expect("a template").parse_response(&text);
        let _ = CustomFormatParser::new("", [format("f", title())]).expect("a template").parse_response(&text);
        let _ = JsonParser::new(&text, [format("f", title())]);
    }

    #[test]
    fn written_calls_read_back(thought in "[a-z ]{0,8}", name in "\\PC{0,8}", query in "\\PC{0,8}") {
        let parser = ToolParser::plugin();
        let call = parsed("plugin", &thought, json!({"name": name, "parameters": {"q": query}}), ToolStatus::ValidTool);
        let text = parser.format_response(&call).expect("its own call");
        prop_assume!(text.matches(PLUGIN).count() == 1 && text.matches(END).count() == 1);
        prop_assert_eq!(parser.parse_response(&text), call);
    }
}
