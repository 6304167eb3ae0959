//! A method of a toolkit as a row of a table, and the [`Action`] that serves it.

use std::sync::Arc;

use internlm_kit::sandbox::Level;
use serde_json::Value;

use crate::action::arguments::Arguments;
use crate::action::local::Failure;
use crate::action::parameter::{Parameter, schema};
use crate::action::{Action, ActionReturn, ActionState, CallContext, Readiness, ToolInput, ToolSpec};
use crate::python_text::{Layout, NonAscii, json_dumps};

/// What a method returns: the text of the result.
pub(in crate::action) type Made = Result<String, Failure>;

/// Settings and state that the methods of a toolkit share.
pub(in crate::action) trait Kit: Send + Sync + 'static {
    /// Whether the toolkit can run here.
    fn readiness(&self) -> Readiness;

    /// The sandbox level of the programs that it runs.
    fn sandbox_level(&self) -> Option<Level> {
        None
    }
}

/// One method of a toolkit.
#[derive(Debug)]
pub(in crate::action) struct Method<K> {
    /// Name of the method; empty if the tool has the name of the toolkit.
    pub(in crate::action) name: &'static str,
    /// When to call the method, for the model. Lagent's own words, where it has the method.
    pub(in crate::action) description: &'static str,
    pub(in crate::action) parameters: &'static [Parameter],
    pub(in crate::action) run: fn(&K, &Call<'_>) -> Made,
}

/// One call of a method.
#[derive(Clone, Copy, Debug)]
pub(in crate::action) struct Call<'a> {
    pub(in crate::action) arguments: Arguments<'a>,
    /// The conversation, the time and the cancellation of the call.
    pub(in crate::action) context: CallContext<'a>,
}

/// A dictionary as text, as lagent's parsers print what a method returns.
pub(in crate::action) fn dictionary(value: &Value) -> String {
    json_dumps(value, NonAscii::Keep, Layout::Line)
}

/// The tools of a toolkit, which share `kit`.
pub(in crate::action) fn tools<K: Kit>(
    name: &str,
    kit: K,
    methods: &'static [Method<K>],
) -> Vec<Arc<dyn Action>> {
    let kit = Arc::new(kit);
    let tool = |method: &'static Method<K>| {
        let name = if method.name.is_empty() { name.to_owned() } else { format!("{name}.{}", method.name) };
        Arc::new(Tool { name, kit: Arc::clone(&kit), method }) as Arc<dyn Action>
    };
    methods.iter().map(tool).collect()
}

struct Tool<K: 'static> {
    name: String,
    kit: Arc<K>,
    method: &'static Method<K>,
}

impl<K: Kit> Action for Tool<K> {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: self.name.clone(),
            description: self.method.description.to_owned(),
            parameters: schema(self.method.parameters),
            input: ToolInput::Json,
        }
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        self.call_in(&CallContext::default(), arguments)
    }

    fn call_in(&self, context: &CallContext<'_>, arguments: &Value) -> ActionReturn {
        let fail = |state, message: String| {
            ActionReturn::error(self.name.as_str(), arguments.clone(), state, message)
        };
        if let Some(message) = self.spec().argument_error(arguments) {
            return fail(ActionState::ArgsError, message);
        }
        if let Readiness::Unavailable { reason } = self.kit.readiness() {
            return fail(ActionState::ApiError, reason);
        }
        let call = Call { arguments: Arguments(arguments), context: *context };
        match (self.method.run)(&self.kit, &call) {
            Ok(text) => ActionReturn::text(self.name.as_str(), arguments.clone(), text),
            Err(failure) => fail(failure.state, failure.message),
        }
    }

    fn readiness(&self) -> Readiness {
        self.kit.readiness()
    }

    fn sandbox_level(&self) -> Option<Level> {
        self.kit.sandbox_level()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::action::parameter::{Kind, required};

    struct Counter;

    impl Kit for Counter {
        fn readiness(&self) -> Readiness {
            Readiness::Ready
        }
    }

    const METHODS: &[Method<Counter>] = &[
        Method {
            name: "double",
            description: "Doubles.",
            parameters: &[required("n", Kind::Integer, "A number.")],
            run: |_, call| {
                let number = call.arguments.integer("n", 0..=9)?.unwrap_or_default();
                Ok(dictionary(&json!({"double": 2 * number, "für": call.context.session})))
            },
        },
        Method { name: "", description: "Nothing.", parameters: &[], run: |_, _| Ok(String::new()) },
    ];

    #[test]
    fn methods_are_tools_that_check_their_arguments() {
        let tools = tools("Counter", Counter, METHODS);
        let names: Vec<String> = tools.iter().map(|tool| tool.spec().name).collect();
        assert_eq!(names, ["Counter.double", "Counter"]);
        let context = CallContext { session: "s", ..CallContext::default() };
        let value = tools[0].call_in(&context, &json!({"n": 4}));
        assert_eq!(value.for_model(), "{\"double\": 8, \"für\": \"s\"}");
        let value = tools[0].call(&json!({}));
        let expected = (ActionState::ArgsError, "missing required arguments: {'n'}".to_owned());
        assert_eq!((value.state, value.for_model()), expected);
        assert_eq!(tools[0].call(&json!({"n": 10})).state, ActionState::ArgsError);
    }
}
