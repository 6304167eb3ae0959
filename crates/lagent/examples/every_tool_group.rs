//! One call of a tool of each group, without a model. A tool whose program or service is missing says what it needs.
//!
//! `cargo run --release -p lagent --example every_tool_group`
#![allow(clippy::print_stdout)]

use lagent::action::{CallContext, Readiness, ToolSettings, build};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join("lagent-example");
    let settings = ToolSettings::default().with_folder(&folder);
    let calls: [(&str, &str, Value); 12] = [
        ("mathematics", "Calculator", json!({"expression": "12 km / 34 min"})),
        ("mathematics", "qalc", json!({"expression": "integrate(x^2)"})),
        ("code", "PythonInterpreter", json!({"command": "def solution():\n    return 2**100"})),
        ("code", "IPythonInteractive", json!({"command": "print(sum(range(10)))"})),
        ("files", "write_file", json!({"name": "a.txt", "content": "words", "mode": "replace"})),
        ("data", "jq", json!({"filter": ".a | length", "json": "{\"a\": [1, 2, 3]}"})),
        ("documents", "pandoc", json!({"from": "markdown", "to": "plain", "text": "*words*"})),
        ("drawing", "draw_diagram", json!({"source": "digraph { question -> answer }"})),
        ("image", "WriteQRCode", json!({"text": "https://www.rust-lang.org"})),
        ("audio", "TextToSpeech", json!({"text": "Hello"})),
        ("language", "Translation", json!({"text": "Hello", "source": "en", "target": "es"})),
        ("web", "GoogleSearch", json!({"query": "Rust"})),
    ];
    for (group, name, arguments) in calls {
        for tool in build(name, &settings)? {
            let said = match tool.readiness() {
                Readiness::Ready => tool.call_in(&CallContext::default(), &arguments).for_model(),
                Readiness::Unavailable { reason } => reason,
            };
            println!("{group:12} {:20} {}", tool.spec().name, said.trim());
        }
    }
    println!("files are in {}", folder.display());
    Ok(())
}
