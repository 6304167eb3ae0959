//! A tool of the box as a row of a table, and the [`Action`] that serves it.

use internlm_kit::sandbox::{Level, Sandbox};
use serde_json::Value;

use super::call::Call;
use super::failure::Failure;
use super::files::Files;
use super::program::{Program, missing};
use crate::Result;
use crate::action::arguments::Arguments;
use crate::action::parameter::{Parameter, schema};
use crate::action::{
    Action, ActionReturn, ActionState, CallContext, Readiness, ResultItem, Service, ToolInput, ToolSettings,
    ToolSpec,
};

/// What the function of a tool returns: the parts of the result.
pub(super) type Made = Result<Vec<ResultItem>, Failure>;

/// One tool of the box.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) group: &'static str,
    /// When to call the tool, for the model.
    pub(super) description: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) means: Means,
    /// The same in words, for lists of the tools.
    pub(super) needs: &'static str,
    pub(super) consent: Consent,
    pub(super) run: fn(&Call<'_>) -> Made,
}

/// What a tool works with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Means {
    /// Nothing but this program.
    Own,
    /// Nothing but this program; others add to the result when they are installed.
    Assisted,
    /// All of these programs.
    Programs(&'static [Program]),
    /// A configured service, or all of these programs when there is no service.
    ServiceOrPrograms(&'static [Program]),
    /// A configured service.
    Service,
}

/// Whether a person should approve each call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Consent {
    NotNeeded,
    Needed,
}

impl Means {
    fn programs(self) -> &'static [Program] {
        match self {
            Self::Programs(programs) | Self::ServiceOrPrograms(programs) => programs,
            Self::Own | Self::Assisted | Self::Service => &[],
        }
    }

    fn runs_programs(self) -> bool {
        matches!(self, Self::Assisted) || !self.programs().is_empty()
    }

    fn uses_service(self) -> bool {
        matches!(self, Self::ServiceOrPrograms(_) | Self::Service)
    }
}

/// A tool with the settings of one agent.
#[derive(Debug)]
pub(super) struct LocalTool {
    definition: &'static Definition,
    settings: ToolSettings,
    /// Absent for a tool that runs no programs.
    sandbox: Option<Sandbox>,
}

impl LocalTool {
    /// Creates the tool.
    ///
    /// # Errors
    /// [`Error::Sandbox`](crate::Error::Sandbox) when it runs programs and the level does not work here.
    pub(super) fn new(definition: &'static Definition, settings: &ToolSettings) -> Result<Self> {
        let sandbox = if definition.means.runs_programs() { Some(settings.confined()?) } else { None };
        Ok(Self { definition, settings: settings.clone(), sandbox })
    }

    fn service(&self) -> Option<&Service> {
        let service = self.settings.services.get(self.definition.name);
        service.filter(|service| self.definition.means.uses_service() && service.endpoint.is_some())
    }

    /// Packages that are missing; empty for a tool that runs no programs.
    fn missing(&self) -> Vec<&'static str> {
        let programs = self.definition.means.programs();
        self.sandbox.as_ref().map(|sandbox| missing(programs, sandbox)).unwrap_or_default()
    }
}

impl Action for LocalTool {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: self.definition.name.to_owned(),
            description: self.definition.description.to_owned(),
            parameters: schema(self.definition.parameters),
            input: ToolInput::Json,
        }
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        self.call_in(&CallContext::default(), arguments)
    }

    fn call_in(&self, context: &CallContext<'_>, arguments: &Value) -> ActionReturn {
        let name = self.definition.name;
        let fail = |state, message: String| ActionReturn::error(name, arguments.clone(), state, message);
        if let Some(message) = self.spec().argument_error(arguments) {
            return fail(ActionState::ArgsError, message);
        }
        if let Readiness::Unavailable { reason } = self.readiness() {
            return fail(ActionState::ApiError, reason);
        }
        let sandbox = self.sandbox.as_ref().map(|sandbox| context.confined(sandbox));
        let call = Call {
            arguments: Arguments(arguments),
            files: Files::of(&self.settings.folder, context.session, &self.settings.sandbox.readable),
            sandbox: sandbox.as_ref(),
            service: (name, self.service()),
            context: *context,
        };
        match (self.definition.run)(&call) {
            Ok(parts) => ActionReturn::success(name, arguments.clone(), parts),
            Err(failure) => fail(failure.state, failure.message),
        }
    }

    fn readiness(&self) -> Readiness {
        let endpoint = format!("an endpoint services.{}", self.definition.name);
        let missing = self.missing().join(", ");
        let needs = match self.definition.means {
            _ if self.service().is_some() => return Readiness::Ready,
            Means::Service => endpoint,
            _ if missing.is_empty() => return Readiness::Ready,
            Means::ServiceOrPrograms(_) => format!("{missing} or {endpoint}"),
            Means::Own | Means::Assisted | Means::Programs(_) => missing,
        };
        Readiness::Unavailable { reason: format!("unavailable: needs {needs}") }
    }

    fn sandbox_level(&self) -> Option<Level> {
        self.sandbox.as_ref().map(Sandbox::level)
    }

    fn needs_approval(&self) -> bool {
        self.definition.consent == Consent::Needed
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::action::parameter::text;

    const ABSENT: Definition = Definition {
        name: "Absent",
        group: "test",
        description: "Cannot run.",
        parameters: &[text("image", "Path.")],
        means: Means::ServiceOrPrograms(&[Program::of("no-such-program", "no-such-package")]),
        needs: "no-such-package",
        consent: Consent::NotNeeded,
        run: |call| Ok(vec![ResultItem::text(call.text("image")?)]),
    };

    #[test]
    fn a_missing_program_is_named_before_and_in_the_call() {
        static TOOL: Definition = ABSENT;
        let tool = LocalTool::new(&TOOL, &ToolSettings::default()).expect("some sandbox level works");
        let reason = "unavailable: needs no-such-package or an endpoint services.Absent";
        assert_eq!(tool.readiness(), Readiness::Unavailable { reason: reason.to_owned() });
        let value = tool.call(&json!({"image": "a"}));
        assert_eq!((value.state, value.for_model().as_str()), (ActionState::ApiError, reason));
        let value = tool.call(&json!({}));
        let expected = "missing required arguments: {'image'}";
        assert_eq!((value.state, value.for_model().as_str()), (ActionState::ArgsError, expected));
        let settings = ToolSettings::default().with_service("Absent", Service::at("http://127.0.0.1:9"));
        let tool = LocalTool::new(&TOOL, &settings).expect("some sandbox level works");
        assert_eq!(tool.readiness(), Readiness::Ready);
        let value = tool.call(&json!({"image": 1}));
        assert_eq!(value.for_model(), "image: found 1, expected a text");
    }
}
