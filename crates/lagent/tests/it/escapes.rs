//! Results of tools that would be too large for whoever reads them: cut or refused, and the tool lives.

use internlm_kit::sandbox::SandboxConfig;
use lagent::action::{Action, ActionState, IPythonInterpreter, PythonInterpreter, Readiness, ToolSettings};
use serde_json::json;

/// Code of a notebook, and the same as a function.
const BOMBS: [&str; 6] = [
    "print('x' * (1 << 27))",
    "while True: print('x' * 100000)",
    "'x' * (1 << 27)",
    "raise ValueError('x' * (1 << 27))",
    "import zlib; c = zlib.compressobj(1); d = b''.join(c.compress(bytes(1 << 20)) for _ in range(1100)) + c.flush(); print(zlib.decompress(d))",
    "print('\\x00' * (1 << 25))",
];

/// More than the limit of the output together with what JSON and a traceback add.
const LARGEST: usize = 4 << 20;

fn config() -> SandboxConfig {
    SandboxConfig::default().with_cpu_seconds(20).with_wall_seconds(30.0)
}

#[test]
fn a_notebook_cuts_what_is_too_long_and_stays_alive() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let settings = ToolSettings::new(config()).with_folder(folder.path());
    let tool = IPythonInterpreter::new(&settings).expect("some sandbox level works").without_jupyter();
    if let Readiness::Unavailable { reason } = tool.readiness() {
        println!("skipped: {reason}");
        return;
    }
    for code in BOMBS {
        let value = tool.call(&json!({"command": code}));
        assert!(value.for_model().len() < LARGEST, "{code}: {} bytes", value.for_model().len());
        let value = tool.call(&json!({"command": "6 * 7"}));
        assert!(value.for_model().ends_with("42"), "{code}: {value:?}");
    }
}

#[test]
fn a_function_whose_value_is_too_long_is_an_error() {
    let tool =
        PythonInterpreter::with_settings(&ToolSettings::new(config())).expect("some sandbox level works");
    if let Readiness::Unavailable { reason } = tool.readiness() {
        println!("skipped: {reason}");
        return;
    }
    for value in ["'x' * (1 << 27)", "[0] * (1 << 26)", "bytes(1 << 26)"] {
        let value = tool.call(&json!({"command": format!("def solution():\n    return {value}")}));
        assert_eq!(value.state, ActionState::ApiError);
        assert!(value.for_model().starts_with("the code ended with: "), "{}", &value.for_model()[..80]);
    }
}
