//! [`Steps`]: collects the calls of an agent as plain data, images included, so that scoring reads no files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use internlm_kit::file;
use lagent::action::ActionReturn;
use lagent::driver::{Decision, Watcher};
use lagent::run::Event;
use serde_json::Value;

/// Collects the results of all calls in their order, and approves every call: tools that run code run it in the
/// sandbox.
#[derive(Debug, Default)]
pub(super) struct Steps {
    calls: Vec<Value>,
}

impl Steps {
    /// Returns the calls in the form of lagent's `ActionReturn`.
    pub(super) fn into_calls(self) -> Vec<Value> {
        self.calls
    }
}

impl Watcher for Steps {
    fn event(&mut self, event: &Event) -> lagent::Result<()> {
        if let Event::Tool { outcome, .. } = event {
            self.calls.push(serde_json::to_value(with_images(outcome.value.clone()))?);
        }
        Ok(())
    }

    fn decide(&mut self, _: &str, _: &Value) -> Decision {
        Decision::Approve
    }
}

/// Puts the bytes of images in the place of their paths. A path that cannot be read stays.
fn with_images(mut value: ActionReturn) -> ActionReturn {
    for part in value.result.iter_mut().filter(|part| part.kind == "image") {
        if let Ok(bytes) = file::read(&part.content) {
            part.content = format!("data:image/png;base64,{}", STANDARD.encode(bytes));
        }
    }
    value
}
