//! Asks a server for many replies that must each be one tool call, and counts those that cannot be read.
//!
//! The requests have `tool_choice` `required` and no parallel calls, so that no reply ends inside of a call because
//! there are too many of them. Sampling is at temperature 1 with another seed for each call, so the model alone would
//! often fail: what is measured is the server's constrained decoding together with this crate's client and parser.
//! Ends with exit code 1 after a parse error, and after a call that does not fit the schema of its tool.
//!
//! `cargo run --release -p lagent --example constrained_calls -- http://127.0.0.1:23333 [CALLS] [AT-ONCE]`
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use lagent::Message;
use lagent::action::{ToolInput, ToolSpec};
use lagent::llm::{EndpointConfig, LanguageModel, ModelRequest, OpenAi};
use lagent::run::{AgentRun, AgentSpec, Command, Event, Sampling};
use serde_json::{Value, json};

/// Number of calls unless the second argument says otherwise.
const CALLS: usize = 1000;
/// Number of requests under way unless the third argument says otherwise.
const AT_ONCE: usize = 8;
/// Number of errors that are shown.
const SHOWN: usize = 5;
/// Maximum length of a reply in tokens: every call that the schemas allow is shorter.
const MAX_TOKENS: u32 = 512;

const QUESTIONS: [&str; 6] = [
    "Is it going to rain in Paris this week?",
    "Book a table for four at half past seven, my name is Ada.",
    "What is 17 + 4 + 38?",
    "Find recent articles about the Rust language.",
    "Wake me up at six on weekdays.",
    "I am bored. Surprise me!",
];

/// What became of one request.
enum End {
    /// A call that the parser has read and that fits the schema.
    Fits,
    /// A call that the parser has read, and what does not fit.
    Misfit(String),
    /// No call, or one that cannot be read.
    ParseError(String),
}

fn tool(name: &str, description: &str, properties: &Value, required: &[&str]) -> ToolSpec {
    let parameters = json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    });
    let (name, description) = (name.to_owned(), description.to_owned());
    ToolSpec { name, description, parameters, input: ToolInput::Json }
}

/// Tools with nested objects, choices, ranges, lists and optional parameters.
fn tools() -> Vec<ToolSpec> {
    let time = json!({
        "type": "object",
        "properties": {
            "hour": {"type": "integer", "minimum": 0, "maximum": 23},
            "minute": {"type": "integer", "minimum": 0, "maximum": 59},
        },
        "required": ["hour", "minute"],
        "additionalProperties": false,
    });
    let days = json!({
        "type": "array",
        "items": {"enum": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]},
        "maxItems": 7,
    });
    let numbers = json!({
        "type": "array", "items": {"type": "integer", "minimum": -1000, "maximum": 1000}, "minItems": 1, "maxItems": 5,
    });
    let filter = json!({
        "type": "object",
        "properties": {
            "language": {"enum": ["en", "de", "zh"]},
            "year": {"type": "integer", "minimum": 1990, "maximum": 2030},
        },
        "additionalProperties": false,
    });
    let city = json!({"type": "string", "maxLength": 24});
    let unit = json!({"enum": ["celsius", "fahrenheit"]});
    let ahead = json!({"type": "integer", "minimum": 1, "maximum": 14});
    let people = json!({"type": "integer", "minimum": 1, "maximum": 20});
    let guest = json!({
        "type": "object",
        "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 24}, "is_regular": {"type": "boolean"}},
        "required": ["name"],
        "additionalProperties": false,
    });
    let query = json!({"type": "string", "minLength": 1, "maxLength": 48});
    vec![
        tool(
            "weather",
            "Forecasts the weather.",
            &json!({"city": city, "days": ahead, "unit": unit}),
            &["city"],
        ),
        tool(
            "book_table",
            "Books a table in a restaurant.",
            &json!({"guest": guest, "people": people, "time": time}),
            &["guest", "people", "time"],
        ),
        tool("add", "Adds numbers.", &json!({"numbers": numbers}), &["numbers"]),
        tool("search", "Searches the web.", &json!({"query": query, "filter": filter}), &["query"]),
        tool("set_alarm", "Sets an alarm.", &json!({"time": time, "days": days}), &["time"]),
    ]
}

/// Makes one request and reads the reply as an agent does.
async fn call(model: &OpenAi, tools: &[ToolSpec], number: usize) -> Result<(End, Duration), Box<dyn Error>> {
    let mut params = Sampling::default();
    params.temperature = 1.0;
    params.seed = i64::try_from(number)?;
    params.max_tokens = MAX_TOKENS;
    let mut run = AgentRun::new(AgentSpec::internlm2(tools.to_vec()).with_sampling(params));
    let question = QUESTIONS[number % QUESTIONS.len()];
    let asked = run.step(Event::Start { messages: vec![Message::user(question)] });
    let Some(Command::AskModel { id, messages, tools: sent, params, .. }) = asked.into_iter().next() else {
        return Err("an agent asks its model first".into());
    };
    let grammar = json!({"tool_choice": "required", "parallel_tool_calls": false});
    let request =
        ModelRequest { messages: &messages, tools: &sent, params: &params, grammar: Some(&grammar) };
    let started = Instant::now();
    let outcome = model.chat(request).await;
    let took = started.elapsed();
    let commands = run.step(Event::Model { request: id, outcome });
    Ok((judged(&run, &commands, tools)?, took))
}

/// What a reply means to the agent, and whether all of its calls fit.
fn judged(run: &AgentRun, commands: &[Command], tools: &[ToolSpec]) -> Result<End, Box<dyn Error>> {
    if let Some(Command::Fail { reason, .. }) =
        commands.iter().find(|found| matches!(found, Command::Fail { .. }))
    {
        return Ok(End::ParseError(reason.to_string()));
    }
    if run.used().parse_errors > 0 || run.used().tool_calls == 0 {
        let reply = run.history().iter().rev().find(|message| message.role == lagent::Role::Assistant);
        return Ok(End::ParseError(serde_json::to_string(&reply)?));
    }
    let mut made = 0;
    for command in commands {
        let Command::CallTool { name, args, .. } = command else { continue };
        made += 1;
        let schema = tools.iter().find(|tool| tool.name == *name).map(|tool| &tool.parameters);
        let schema = schema.ok_or_else(|| format!("{name}: found a call of no tool"))?;
        if let Err(error) = jsonschema::validator_for(schema)?.validate(args) {
            return Ok(End::Misfit(format!("{name}({args}): {error}")));
        }
    }
    // A call of an unknown tool or with missing arguments is answered without a tool.
    if made < run.used().tool_calls {
        return Ok(End::Misfit(serde_json::to_string(commands)?));
    }
    Ok(End::Fits)
}

/// The time below which this share of the calls took, milliseconds.
fn percentile(times: &[Duration], percent: usize) -> f64 {
    let index = times.len().saturating_sub(1) * percent / 100;
    times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("expected the address of a server, such as http://127.0.0.1:23333")?;
    let calls: usize = arguments.next().map_or(Ok(CALLS), |text| text.parse())?;
    let at_once: usize = arguments.next().map_or(Ok(AT_ONCE), |text| text.parse())?;
    let mut endpoint = EndpointConfig::default();
    endpoint.base_url = url;
    let (model, tools) = (OpenAi::connect(&endpoint).await?, tools());
    let started = Instant::now();
    let requests = (0..calls).map(|number| call(&model, &tools, number));
    let mut ends = stream::iter(requests).buffer_unordered(at_once.max(1));
    let (mut fits, mut errors, mut misfits, mut times) = (0, 0, 0, Vec::new());
    while let Some(end) = ends.next().await {
        let (end, took) = end?;
        times.push(took);
        let (count, shown) = match end {
            End::Fits => (&mut fits, None),
            End::Misfit(text) => (&mut misfits, Some(format!("does not fit: {text}"))),
            End::ParseError(text) => (&mut errors, Some(format!("parse error: {text}"))),
        };
        *count += 1;
        if let Some(text) = shown.filter(|_| *count <= SHOWN) {
            println!("{text}");
        }
    }
    times.sort();
    println!("model: {}", model.name());
    println!("calls: {calls}, {at_once} at once");
    println!("parse errors: {errors}");
    println!("calls that fit their schema: {fits}, that do not: {misfits}");
    println!("calls/s: {:.2}", calls as f64 / started.elapsed().as_secs_f64());
    println!("p50: {:.0} ms, p99: {:.0} ms", percentile(&times, 50), percentile(&times, 99));
    Ok(if errors == 0 && misfits == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
