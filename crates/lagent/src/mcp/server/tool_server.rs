//! [`ToolServer`]: the tools of a toolbox as an MCP server, whatever carries its messages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::content::tool_result;
use super::keys::session_of;
use crate::action::{ActionReturn, ActionState, CallContext, ToolSpec, Toolbox};
use crate::driver::Wanted;
use crate::hook::{Hooks, PendingAction, Refusal};
use crate::run::Approval;

/// Number of calls that run at the same time; further ones wait.
const PLACES: usize = 32;

/// Serves the enabled tools of a toolbox. Calls run as an agent's would: in the same sandbox, through the same hooks,
/// and those that need a person's approval are refused, since there is nobody to ask.
///
/// ```
/// use std::sync::Arc;
/// use lagent::Toolbox;
/// use lagent::action::Calculator;
/// use lagent::mcp::ToolServer;
/// use lagent::run::Approval;
///
/// let mut tools = Toolbox::default();
/// tools.add(Arc::new(Calculator));
/// let server = ToolServer::new(tools).with_approval(Approval::Never);
/// assert_eq!(server.tools(), ["Calculator"]);
/// ```
#[derive(Clone, Debug)]
pub struct ToolServer {
    tools: Toolbox,
    specs: Arc<BTreeMap<String, ToolSpec>>,
    approval: Approval,
    hooks: Hooks,
    deadline: Duration,
    places: Arc<Semaphore>,
    calls: Arc<AtomicU64>,
}

impl ToolServer {
    /// Creates a server. Tools that ask for approval themselves need it, see [`Toolbox::approvals`].
    #[must_use]
    pub fn new(tools: Toolbox) -> Self {
        let specs = tools.specs().into_iter().map(|spec| (spec.name.clone(), spec)).collect();
        Self {
            approval: Approval::Tools(tools.approvals().into_iter().collect()),
            tools,
            specs: Arc::new(specs),
            hooks: Hooks::default(),
            deadline: CallContext::default().deadline,
            places: Arc::new(Semaphore::new(PLACES)),
            calls: Arc::default(),
        }
    }

    /// Returns the same server with other tools whose calls need approval and are therefore refused.
    #[must_use]
    pub fn with_approval(self, approval: Approval) -> Self {
        Self { approval, ..self }
    }

    /// Returns the same server with hooks that see every call.
    #[must_use]
    pub fn with_hooks(self, hooks: Hooks) -> Self {
        Self { hooks, ..self }
    }

    /// Returns the same server with another maximum time of a call. Default: 60 s.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Returns the names of the tools, sorted.
    #[must_use]
    pub fn tools(&self) -> Vec<String> {
        self.specs.keys().cloned().collect()
    }

    /// Makes a call on a thread of its own as soon as there is a place for it. Waiting for a place counts towards the
    /// deadline: otherwise tools that hang would keep callers for ever.
    ///
    /// A thread cannot be stopped from outside, so a tool that runs programs ends them when its stop is requested: at
    /// the deadline, and when this future is dropped.
    async fn call(&self, session: String, name: String, arguments: Value) -> CallToolResult {
        let (server, wanted) = (self.clone(), Wanted::default());
        let stop = wanted.stop();
        let called = async {
            // Fails only when the semaphore is closed, which nobody does.
            let place = Arc::clone(&self.places).acquire_owned().await.ok();
            let call = tokio::task::spawn_blocking(move || {
                let _place = place;
                let context = CallContext { session: &session, deadline: server.deadline, stop: Some(&stop) };
                tool_result(&server.run(&context, name, arguments))
            });
            call.await
        };
        let failed = |message: String| CallToolResult::error(vec![ContentBlock::text(message)]);
        match tokio::time::timeout(self.deadline, called).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => failed("the tool panicked".to_owned()),
            Err(_) => failed(format!("the tool did not end within {} ms", self.deadline.as_millis())),
        }
    }

    /// Makes a call on this thread.
    fn run(&self, context: &CallContext<'_>, name: String, arguments: Value) -> ActionReturn {
        let id = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut action = PendingAction::new(context.session, id, name, arguments);
        let mut value = match self.permit(&mut action) {
            Ok(()) => self.act(context, &action),
            Err(refusal) => refusal.into_return(&action),
        };
        self.hooks.after_action(&action, &mut value);
        value
    }

    fn permit(&self, action: &mut PendingAction) -> Result<(), Refusal> {
        self.hooks.before_action(action)?;
        if self.approval.covers(&action.name) {
            let name = &action.name;
            let reason =
                format!("a person has to approve calls of `{name}`, and this server has nobody to ask");
            return Err(Refusal::new(reason));
        }
        Ok(())
    }

    fn act(&self, context: &CallContext<'_>, action: &PendingAction) -> ActionReturn {
        let problem = self.specs.get(&action.name).and_then(|spec| spec.argument_error(&action.args));
        if let Some(problem) = problem {
            return ActionReturn::error(&action.name, action.args.clone(), ActionState::ArgsError, problem);
        }
        self.tools.call_in(context, &action.name, &action.args)
    }

    /// A tool as clients see it.
    fn definition(&self, spec: &ToolSpec) -> Tool {
        let mut schema = spec.parameters.as_object().cloned().unwrap_or_default();
        schema.entry("type").or_insert_with(|| json!("object"));
        let tool = Tool::new(spec.name.clone(), spec.description.clone(), schema);
        if self.approval.covers(&spec.name) {
            tool.with_annotations(ToolAnnotations::new().read_only(false).destructive(true))
        } else {
            tool
        }
    }

    /// What a client may tell its model about the tools.
    fn instructions(&self) -> String {
        let mut text = "Tools of lagent. Files that a tool writes are kept for the session.".to_owned();
        if let Some(level) = self.tools.sandbox_level() {
            text.push_str(&format!(" Code runs in a sandbox of the level {level}."));
        }
        text
    }
}

impl ServerHandler for ToolServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("lagent", env!("CARGO_PKG_VERSION")))
            .with_instructions(self.instructions())
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.specs.values().map(|spec| self.definition(spec)).collect();
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.into_owned();
        if !self.specs.contains_key(&name) {
            let message = format!("unknown tool `{name}`, expected one of {}", self.tools().join(", "));
            return Err(ErrorData::invalid_params(message, None));
        }
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        tokio::select! {
            () = context.ct.cancelled() => Err(ErrorData::internal_error("the call was cancelled", None)),
            result = self.call(session_of(&context), name, arguments) => Ok(CallToolResponse::Complete(result)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Calculator;

    fn server() -> ToolServer {
        let mut tools = Toolbox::default();
        tools.add(Arc::new(Calculator));
        ToolServer::new(tools)
    }

    #[test]
    fn calls_are_checked_and_made() {
        let server = server();
        let context = CallContext::default();
        let run = |arguments: Value| server.run(&context, "Calculator".to_owned(), arguments).for_model();
        assert_eq!(run(json!({"expression": "6*7"})), "42");
        assert_eq!(run(json!({})), "missing required arguments: {'expression'}");
    }

    #[tokio::test]
    async fn a_call_without_a_place_ends_at_its_deadline() {
        let mut server = server().with_deadline(Duration::from_millis(5));
        let call = |server: ToolServer| async move {
            let arguments = json!({"expression": "6*7"});
            let result = server.call(String::new(), "Calculator".to_owned(), arguments).await;
            serde_json::to_value(result).expect("serializes")["content"][0]["text"].clone()
        };
        server.places = Arc::new(Semaphore::new(0));
        assert_eq!(call(server.clone()).await, "the tool did not end within 5 ms");
        server = server.with_deadline(Duration::from_secs(60));
        server.places = Arc::new(Semaphore::new(1));
        assert_eq!(call(server).await, "42");
    }

    #[test]
    fn calls_that_need_approval_are_refused_and_marked() {
        let server = server().with_approval(Approval::Always);
        let arguments = json!({"expression": "6*7"});
        let value = server.run(&CallContext::default(), "Calculator".to_owned(), arguments);
        assert_eq!(
            value.for_model(),
            "The call was refused: a person has to approve calls of `Calculator`, and this server has nobody to ask"
        );
        let spec = server.specs.values().next().expect("a tool").clone();
        let tool = serde_json::to_value(server.definition(&spec)).expect("serializes");
        assert_eq!(
            (&tool["annotations"]["destructiveHint"], &tool["inputSchema"]["type"]),
            (&json!(true), &json!("object"))
        );
    }
}
