//! `plot` at every sandbox level: gnuplot gives up rights at its start, which a namespace without users refuses.

use internlm_kit::sandbox::{LevelChoice, SandboxConfig};
use lagent::Error;
use lagent::action::{ActionState, Readiness, ToolSettings, build};
use serde_json::json;

use crate::local_tools::prepare;

#[test]
fn gnuplot_draws_at_every_level() {
    prepare();
    let levels = [LevelChoice::Process, LevelChoice::Landlock, LevelChoice::Namespaces, LevelChoice::Bwrap];
    for level in levels {
        let folder = tempfile::tempdir().expect("temporary folder");
        let sandbox = SandboxConfig::default().with_level(level);
        let settings = ToolSettings::new(sandbox).with_folder(folder.path());
        let tools = match build("plot", &settings) {
            Ok(tools) => tools,
            Err(error @ Error::Sandbox(_)) => {
                println!("skipped: {error}");
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        if let Readiness::Unavailable { reason } = tools[0].readiness() {
            println!("skipped: {reason}");
            return;
        }
        let value = tools[0].call(&json!({"commands": "plot sin(x)"}));
        assert_eq!(value.state, ActionState::Success, "{level:?}: {}", value.for_model());
        assert_eq!(value.result[0].kind, "image", "{level:?}");
    }
}
