//! `#[tool]` and `#[toolkit]`: what a model reads of a function, and what becomes of its calls.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use lagent::action::{Action, ActionReturn, ActionState, ActionValid, CallContext, ResultItem, Toolbox};
use lagent::protocol::lagent_tool;
use lagent::{tool, toolkit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Searches the web
/// and returns short results.
///
/// Use it for news.
///
/// # Errors
/// When the query is empty.
#[tool]
async fn search(
    /// Words to look for.
    query: String,
    /// Maximum number
    /// of results.
    top_k: Option<u32>,
) -> Result<String, String> {
    tokio::task::yield_now().await;
    if query.is_empty() {
        return Err("query: found an empty text, expected words".to_owned());
    }
    Ok(format!("{query}: {}", top_k.unwrap_or(10)))
}

/// Unit of a temperature.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Celsius,
    Fahrenheit,
}

/// A place on the map.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
struct Place {
    /// Degrees north.
    lat: f64,
    name: Option<String>,
}

fn celsius() -> Unit {
    Unit::Celsius
}

/// Plans a route. Its names are those that the written code uses, too.
#[tool(name = "Route")]
fn plan_route(
    context: Vec<Place>,
    /// How to go.
    #[serde(rename = "type")]
    arguments: String,
    /// Unit of the weather report.
    #[serde(default = "celsius")]
    given: Unit,
    /// Number of stops.
    #[schemars(range(min = 1, max = 9))]
    plan_route: u8,
    r#mut: BTreeMap<String, bool>,
) -> Value {
    json!({"stops": context.len(), "kind": arguments, "unit": given, "n": plan_route, "flags": r#mut})
}

#[test]
fn doc_comments_and_types_are_the_definition() {
    let spec = Search.spec();
    assert_eq!(spec.name, "search");
    assert_eq!(spec.description, "Searches the web and returns short results.\nUse it for news.");
    let expected = json!({
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "Words to look for."},
            "top_k": {"type": ["integer", "null"], "minimum": 0, "description": "Maximum number of results."},
        },
        "required": ["query"],
    });
    assert_eq!(spec.parameters, expected);
    let properties = spec.parameters["properties"].as_object().expect("an object");
    assert!(properties.keys().eq(["query", "top_k"]), "the order is that of the parameters");
}

#[test]
fn attributes_of_arguments_work_as_on_fields() {
    let spec = PlanRoute.spec();
    assert_eq!(spec.name, "Route");
    let properties = &spec.parameters["properties"];
    assert_eq!(properties["type"], json!({"type": "string", "description": "How to go."}));
    assert_eq!(properties["given"]["default"], "celsius");
    assert_eq!(properties["given"]["enum"], json!(["celsius", "fahrenheit"]));
    assert_eq!(properties["given"]["description"], "Unit of the weather report.");
    let stops = json!({"type": "integer", "minimum": 1, "maximum": 9, "description": "Number of stops."});
    assert_eq!(properties["plan_route"], stops);
    assert_eq!(properties["mut"]["additionalProperties"], json!({"type": "boolean"}));
    let place = &properties["context"]["items"];
    assert_eq!(place["properties"]["lat"], json!({"type": "number", "description": "Degrees north."}));
    assert_eq!(spec.required(), ["context", "type", "plan_route", "mut"]);
    let arguments = json!({"context": [{"lat": 1.5}], "type": "walk", "plan_route": 2, "mut": {"a": true}});
    let expected = r#"{"stops": 1, "kind": "walk", "unit": "celsius", "n": 2, "flags": {"a": true}}"#;
    assert_eq!(PlanRoute.call(&arguments).for_model(), expected);
}

#[test]
fn lagents_form_has_lagents_types() {
    let expected = json!({
        "name": "search",
        "description": "Searches the web and returns short results.\nUse it for news.",
        "parameters": [
            {"name": "query", "type": "STRING", "description": "Words to look for."},
            {"name": "top_k", "type": "NUMBER", "description": "Maximum number of results."},
        ],
        "required": ["query"],
    });
    let mut printed = lagent_tool(&Search.spec());
    assert!(printed["parameter_description"].is_string());
    printed.as_object_mut().expect("an object").remove("parameter_description");
    assert_eq!(printed, expected);
    let printed = lagent_tool(&PlanRoute.spec());
    let parameters = printed["parameters"].as_array().expect("a list");
    let kinds: Vec<&Value> = parameters.iter().map(|parameter| &parameter["type"]).collect();
    assert_eq!(kinds, ["STRING", "STRING", "STRING", "NUMBER", "STRING"]);
}

#[test]
fn a_call_that_does_not_fit_is_refused_by_name() {
    for (arguments, expected) in [
        (json!({"query": 1}), "query: invalid type: integer `1`, expected a string"),
        (json!({"query": "a", "top_k": -1}), "top_k: invalid value: integer `-1`, expected u32"),
        (json!({}), "missing required arguments: {'query'}"),
        (json!({"query": "a", "k": 1}), "unknown arguments: {'k'}"),
        (json!("a"), "invalid json format: \"a\""),
    ] {
        let value = Search.call(&arguments);
        assert_eq!((value.state, value.for_model().as_str()), (ActionState::ArgsError, expected));
        assert_eq!((value.kind.as_str(), &value.args), ("search", &arguments));
    }
}

#[test]
fn async_functions_run_inside_and_outside_of_a_runtime() {
    let arguments = json!({"query": "rust", "top_k": null});
    assert_eq!(Search.call(&arguments).for_model(), "rust: 10");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let value = runtime.block_on(async { Search.call(&json!({"query": ""})) });
    let expected = (ActionState::ApiError, "query: found an empty text, expected words".to_owned());
    assert_eq!((value.state, value.for_model()), expected);
}

/// Never ends.
#[tool]
async fn sleep() {
    std::future::pending::<()>().await;
}

/// Names the session.
#[tool]
async fn session(context: &CallContext<'_>) -> String {
    context.session.to_owned()
}

#[test]
fn the_context_of_a_call_is_not_an_argument() {
    let context = CallContext { session: "s1", deadline: Duration::from_millis(5), ..CallContext::default() };
    let value = Sleep.call_in(&context, &json!({}));
    let expected = (ActionState::ApiError, "the tool did not end within 5 ms".to_owned());
    assert_eq!((value.state, value.for_model()), expected);
    let context = CallContext { session: "s1", ..CallContext::default() };
    assert_eq!(Session.call_in(&context, &json!({})).for_model(), "s1");
    assert_eq!(Session.spec().parameters, json!({"type": "object", "properties": {}, "required": []}));
}

/// An error with a cause, which it shows in its long form.
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if formatter.alternate() { "broken: no disk" } else { "broken" })
    }
}

/// A name for results that does not say `Result`.
type Answer<T> = Result<T, Broken>;

/// Gives what can be displayed and serialized.
#[tool]
fn number() -> f64 {
    1.0
}

/// Gives what can only be serialized.
#[tool]
fn paths() -> Vec<PathBuf> {
    vec![PathBuf::from("a"), PathBuf::from("ü")]
}

/// Gives what can only be serialized, or nothing.
#[tool]
fn optional(some: bool) -> Option<String> {
    some.then(|| "text".to_owned())
}

/// Gives what can only be displayed.
#[tool]
fn displayed() -> impl fmt::Display {
    Broken
}

/// Gives a constant text.
#[tool]
fn constant() -> &'static str {
    "constant"
}

/// Fails with an error that shows its cause.
#[tool]
fn fails() -> Answer<PathBuf> {
    Err(Broken)
}

/// Gives a result with a type of its own name.
#[tool]
fn succeeds() -> Answer<PathBuf> {
    Ok(PathBuf::from("a"))
}

/// Gives parts of a result.
#[tool]
fn parts() -> Result<Vec<ResultItem>, Broken> {
    Ok(vec![ResultItem::text("a"), ResultItem::file("image", "b.png")])
}

/// Gives a whole result.
#[tool]
fn whole() -> ActionReturn {
    ActionReturn::text("whole", json!({}), "end").with_valid(ActionValid::Finish)
}

/// Gives nothing.
#[tool]
fn nothing() {}

/// Panics with a text.
#[tool]
fn panics() -> String {
    panic!("expected by the test")
}

#[test]
fn every_returned_type_becomes_a_result() {
    let shown = |tool: &dyn Action, arguments: Value| {
        let value = tool.call(&arguments);
        (i32::from(value.state), value.for_model())
    };
    let tools: [(&dyn Action, i32, &str); 10] = [
        (&Number, 0, "1"),
        (&Paths, 0, "[\"a\", \"ü\"]"),
        (&Displayed, 0, "broken"),
        (&Constant, 0, "constant"),
        (&Fails, -1002, "broken: no disk"),
        (&Succeeds, 0, "a"),
        (&Parts, 0, "a\n[image](b.png)"),
        (&Whole, 0, "end"),
        (&Nothing, 0, ""),
        (&Panics, -1002, "the tool panicked"),
    ];
    for (tool, state, text) in tools {
        assert_eq!(shown(tool, json!({})), (state, text.to_owned()), "{}", tool.spec().name);
    }
    assert_eq!(shown(&Optional, json!({"some": true})), (0, "text".to_owned()));
    assert_eq!(shown(&Optional, json!({"some": false})), (0, "null".to_owned()));
    assert_eq!(Whole.call(&json!({})).valid, ActionValid::Finish);
}

/// Visits per place.
#[derive(Default)]
struct Visits {
    counts: Mutex<BTreeMap<String, u32>>,
}

#[toolkit]
impl Visits {
    /// Counts a visit.
    #[tool]
    async fn add(
        &self,
        /// Name of the place.
        place: String,
        context: &CallContext<'_>,
    ) -> u32 {
        tokio::task::yield_now().await;
        self.count(&format!("{}/{place}", context.session))
    }

    /// Lists all places.
    #[lagent::tool(name = "list")]
    fn places(&self) -> Vec<String> {
        self.counts.lock().expect("no panic").keys().cloned().collect()
    }

    /// Adds numbers without the places.
    #[tool]
    fn sum(numbers: Vec<i64>) -> i64 {
        numbers.into_iter().sum()
    }

    /// Exists only where there are no tests.
    #[cfg(not(test))]
    #[tool]
    fn absent(&self) -> bool {
        true
    }

    fn count(&self, place: &str) -> u32 {
        let mut counts = self.counts.lock().expect("no panic");
        let count = counts.entry(place.to_owned()).or_default();
        *count += 1;
        *count
    }
}

/// A toolkit with a name that is not that of its type.
struct Named;

#[toolkit(name = "Other")]
impl Named {
    /// Says hello.
    #[tool]
    fn hello(&self) -> &'static str {
        "hello"
    }
}

#[test]
fn methods_of_a_toolkit_are_tools_that_share_it() {
    let mut tools = Toolbox::default();
    for tool in Visits::default().into_tools().into_iter().chain(Named.into_tools()) {
        tools.add(tool);
    }
    let names: Vec<String> = tools.specs().into_iter().map(|spec| spec.name).collect();
    assert_eq!(names, ["Other.hello", "Visits.add", "Visits.list", "Visits.sum"]);
    let context = CallContext { session: "s", ..CallContext::default() };
    let place = json!({"place": "Oslo"});
    assert_eq!(tools.call_in(&context, "Visits.add", &place).for_model(), "1");
    assert_eq!(tools.call_in(&context, "Visits.add", &place).for_model(), "2");
    assert_eq!(tools.call("Visits.list", &json!({})).for_model(), "[\"s/Oslo\"]");
    assert_eq!(tools.call("Visits.sum", &json!({"numbers": [1, 2]})).for_model(), "3");
    assert_eq!(tools.call("Other.hello", &json!({})).for_model(), "hello");
    let value = tools.call("Visits.sum", &json!({"numbers": [1, "2"]}));
    assert_eq!(value.state, ActionState::ArgsError);
    assert_eq!(value.for_model(), "numbers[1]: invalid type: string \"2\", expected i64");
}
