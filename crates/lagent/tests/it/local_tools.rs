//! The local tool box, by physical round trips: what one tool makes, another one reads. A test whose program is not
//! installed prints one line and passes; `LAGENT_INSTALL_TOOLS=1` installs the packages that are missing.

mod data;
mod media;
mod packages;
mod round_trips;
mod services;

use std::path::Path;

use lagent::action::{
    Action, ActionReturn, ActionState, CallContext, Readiness, Service, ToolSettings, entries,
};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use self::packages::prepare;
pub(crate) use self::round_trips::measured;

/// The tools of one test with a folder of their own.
struct Bench {
    folder: TempDir,
    settings: ToolSettings,
}

impl Bench {
    fn new() -> Self {
        prepare();
        let folder = tempfile::tempdir().expect("temporary folder");
        let settings = ToolSettings::default().with_folder(folder.path());
        Self { folder, settings }
    }

    fn with_service(mut self, tool: &str, service: Service) -> Self {
        self.settings = self.settings.with_service(tool, service);
        self
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), bytes).expect("writes");
    }

    fn tool(&self, name: &str) -> std::sync::Arc<dyn Action> {
        let tools = lagent::action::build(name, &self.settings).expect("some sandbox level works");
        tools.into_iter().next().expect("one tool")
    }

    /// Calls a tool; `None` with a visible line when it cannot run here.
    fn call(&self, name: &str, arguments: Value) -> Option<ActionReturn> {
        let tool = self.tool(name);
        if let Readiness::Unavailable { reason } = tool.readiness() {
            println!("skipped: {name}: {reason}");
            return None;
        }
        let value = tool.call(&arguments);
        if value.for_model().starts_with("unavailable: needs ") {
            println!("skipped: {name}: {}", value.for_model());
            return None;
        }
        Some(value)
    }

    /// The text of a successful call.
    fn text(&self, name: &str, arguments: Value) -> Option<String> {
        let value = self.call(name, arguments)?;
        assert_eq!(value.state, ActionState::Success, "{name}: {}", value.for_model());
        Some(value.result[0].content.clone())
    }

    /// The message of a failed call.
    fn failure(&self, name: &str, arguments: Value) -> Option<String> {
        let value = self.call(name, arguments)?;
        assert_ne!(value.state, ActionState::Success, "{name}: {}", value.for_model());
        Some(value.for_model())
    }
}

/// Whether a file of the system is there, with a visible line when not.
fn has(path: &str, what: &str) -> bool {
    let is_there = Path::new(path).exists();
    if !is_there {
        println!("skipped: needs {what}");
    }
    is_there
}

#[test]
fn a_tool_without_its_program_or_service_says_what_it_needs() {
    let bench = Bench::new();
    let mut unavailable = 0;
    for entry in entries() {
        for tool in (entry.build)(&bench.settings).expect("some sandbox level works") {
            let name = tool.spec().name;
            assert!(
                !tool.spec().description.is_empty() && tool.spec().parameters["type"] == "object",
                "{name}"
            );
            if let Readiness::Unavailable { reason } = tool.readiness() {
                unavailable += 1;
                assert!(reason.starts_with("unavailable: needs "), "{name}: {reason}");
            }
        }
    }
    // Without services these are never available.
    assert!(unavailable >= 6, "{unavailable}");
    for name in [
        "TextToImage",
        "ImageStylization",
        "CannyTextToImage",
        "ScribbleTextToImage",
        "VQA",
        "ImageDescription",
    ] {
        let tool = bench.tool(name);
        let reason = format!("unavailable: needs an endpoint services.{name}");
        assert_eq!(tool.readiness(), Readiness::Unavailable { reason: reason.clone() });
        let arguments: Value = tool.spec().required().into_iter().map(|name| (name, "x")).collect();
        let value = tool.call(&arguments);
        assert_eq!((value.state, value.for_model()), (ActionState::ApiError, reason));
    }
}

#[test]
fn wrong_arguments_are_named() {
    let bench = Bench::new();
    bench.write("a.txt", "text");
    for (name, arguments, message) in [
        ("ImageToCanny", json!({"image": "a.txt"}), "image: found a file of another kind, expected a PNG"),
        ("ImageToCanny", json!({"image": "no.png"}), "image: found no file `no.png`, expected a file in"),
        (
            "ImageToCanny",
            json!({"image": "/etc/passwd"}),
            "image: found no file `/etc/passwd`, expected a file in",
        ),
        ("ImageToCanny", json!({"image": "."}), "image: found a folder at `.`, expected a file"),
        (
            "ImageToCanny",
            json!({"image": "a.txt", "low": -1}),
            "low: found -1, expected a whole number from 0 to",
        ),
        ("ImageToCanny", json!({"picture": "a.txt"}), "unknown arguments: {'picture'}"),
        ("ImageResize", json!({"image": 7}), "image: found 7, expected a text"),
        (
            "write_file",
            json!({"name": "../x", "content": ""}),
            "name: found `../x`, expected at most 100 bytes",
        ),
        (
            "write_file",
            json!({"name": "a.txt", "content": ""}),
            "name: found the file `a.txt`, expected a new one",
        ),
        (
            "write_file",
            json!({"name": "b", "content": "", "mode": "x"}),
            "mode: found `x`, expected one of new,",
        ),
    ] {
        let value = bench.tool(name).call(&arguments);
        assert_eq!(value.state, ActionState::ArgsError, "{name} {arguments}");
        assert!(value.for_model().starts_with(message), "{name} {arguments}: {}", value.for_model());
    }
}

#[test]
fn files_are_written_listed_and_read_per_session() {
    let bench = Bench::new();
    let [write, read, list] = ["write_file", "read_file", "list_files"].map(|name| bench.tool(name));
    let one = CallContext { session: "one/../1", ..CallContext::default() };
    let two = CallContext { session: "two", ..CallContext::default() };
    let value = write.call_in(&one, &json!({"name": "a.txt", "content": "1\n2\n3\n"}));
    assert_eq!((value.state, value.result[0].kind.as_str()), (ActionState::Success, "file"));
    let value = write.call_in(&one, &json!({"name": "a.txt", "content": "4\n", "mode": "append"}));
    assert_eq!(value.state, ActionState::Success);
    assert_eq!(list.call_in(&one, &json!({})).for_model(), "a.txt 8");
    measured("list_files", "equal");
    assert_eq!(list.call_in(&two, &json!({})).for_model(), "no files yet");
    let arguments = json!({"path": "a.txt", "first_line": 2, "lines": "2"});
    assert_eq!(read.call_in(&one, &arguments).for_model(), "2\n3\n");
    measured("read_file", "equal");
    measured("write_file", "equal");
    assert_eq!(read.call_in(&two, &arguments).state, ActionState::ArgsError);
    let value = write.call_in(&one, &json!({"name": "a.txt", "content": "new", "mode": "replace"}));
    assert_eq!(value.state, ActionState::Success);
    assert_eq!(read.call_in(&one, &json!({"path": "a.txt"})).for_model(), "new");
}

#[test]
fn a_command_sees_the_named_files_and_leaves_the_named_ones() {
    let bench = Bench::new();
    bench.write("in.txt", "b\na\n");
    bench.write("other.txt", "secret");
    assert!(bench.tool("shell").needs_approval() && !bench.tool("jq").needs_approval());
    let arguments = json!({"command": "sort in.txt > out.txt; ls; echo done >&2", "files": ["in.txt"], "outputs": ["out.txt"]});
    let Some(value) = bench.call("shell", arguments) else { return };
    assert_eq!(value.state, ActionState::Success, "{}", value.for_model());
    assert_eq!(value.result[0].content, "in.txt\nout.txt\ndone");
    assert_eq!(std::fs::read_to_string(&value.result[1].content).expect("is there"), "a\nb\n");
    measured("shell", "equal");
    let message = bench.failure("shell", json!({"command": "echo no >&2; exit 3"}));
    assert_eq!(message.as_deref(), Some("the command ended with exit code 3: no"));
    let message = bench.failure("shell", json!({"command": "true", "outputs": ["x"]}));
    assert_eq!(message.as_deref(), Some("the command wrote no file `x`"));
    let message = bench.failure("shell", json!({"command": "true", "files": ["../../etc/passwd"]}));
    assert!(message.is_some_and(|message| message.starts_with("files: found")));
}
