//! One operation of a service as a tool.

use std::sync::Arc;
use std::time::Instant;

use reqwest::Method;
use serde_json::Value;

use super::access::{Access, Granted};
use super::answer::Answer;
use super::config::{Approve, OpenApiConfig};
use super::exchange::{Outgoing, exchange};
use super::operation::Operation;
use super::pages::{NextPage, Page, merged};
use super::reach::Reach;
use super::request::{authorize, keep_keys, request, set_header};
use crate::action::{
    Action, ActionReturn, ActionState, CallContext, Failure, Files, Readiness, ResultItem, ToolInput,
    ToolSettings, ToolSpec,
};
use crate::http_client::shown;

/// The service that the tools of one import share.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) config: OpenApiConfig,
    pub(super) settings: ToolSettings,
    pub(super) reach: Reach,
}

/// A tool that calls one operation.
#[derive(Debug)]
pub(super) struct OpenApiTool {
    pub(super) spec: ToolSpec,
    pub(super) operation: Arc<Operation>,
    pub(super) site: Arc<Site>,
    /// The address in front of the path, and the credentials; or what is missing.
    pub(super) means: Result<(String, Access), String>,
}

/// The definition of the tool that calls an operation of the service with this name.
pub(super) fn spec(service: &str, operation: &Operation) -> ToolSpec {
    ToolSpec {
        name: format!("{service}.{}", operation.name),
        description: operation.description.clone(),
        parameters: operation.arguments(),
        input: ToolInput::Json,
    }
}

/// What a call returns: its parts, and the address that they come from.
type Called = Result<(Vec<ResultItem>, String), Failure>;

/// What all requests of one call have in common.
struct Calling<'a> {
    access: &'a Access,
    granted: Granted,
    started: Instant,
    context: CallContext<'a>,
}

/// An answer, the address of its first page, and what is said about further pages.
struct Pages {
    answer: Answer,
    place: String,
    note: Option<String>,
}

impl OpenApiTool {
    fn run(&self, context: &CallContext<'_>, arguments: &Value) -> Called {
        let started = Instant::now();
        let (server, access) = self.means.as_ref().map_err(|reason| Failure::tool(reason.clone()))?;
        let settings = &self.site.settings;
        let files = Files::of(&settings.folder, context.session, &settings.sandbox.readable);
        let mut outgoing = request(&self.operation, server, arguments, &files)?;
        for (name, value) in &self.site.config.headers {
            set_header(&mut outgoing, name, value.clone());
        }
        let granted = access.grant(&self.site.reach, context).map_err(Failure::tool)?;
        authorize(&mut outgoing, &granted);
        let calling = Calling { access, granted, started, context: *context };
        let granted = &calling.granted;
        let mask = |failure: Failure| Failure { message: granted.masked(&failure.message), ..failure };
        let Pages { answer, place, note } = self.read(outgoing, &calling).map_err(mask)?;
        let parts = answer.parts(&self.operation.shape, self.site.config.max_characters, &files)?;
        let note = note.map(ResultItem::text);
        let parts = parts.into_iter().chain(note).map(|part| without_secrets(part, granted)).collect();
        Ok((parts, place))
    }

    /// Sends the request, and those of as many further pages as the configuration allows.
    fn read(&self, outgoing: Outgoing, calling: &Calling<'_>) -> Result<Pages, Failure> {
        let place = shown(&outgoing.url);
        let (mut answer, mut next) = self.page(&outgoing, calling)?;
        let mut note = None;
        for _ in 1..self.site.config.pages {
            let Some(page) = next.take() else { break };
            let (later, after) = match self.page(&page.outgoing, calling) {
                Ok(later) => later,
                Err(failure) => {
                    note = Some(format!("(the next page could not be read: {})", failure.message));
                    break;
                }
            };
            next = after;
            answer = match (answer, later) {
                (Answer::Json(earlier), Answer::Json(later)) => Answer::Json(merged(earlier, later)),
                (earlier, _) => earlier,
            };
        }
        Ok(Pages { answer, place, note: note.or(next.map(|page| page.hint)) })
    }

    fn page(
        &self,
        outgoing: &Outgoing,
        calling: &Calling<'_>,
    ) -> Result<(Answer, Option<NextPage>), Failure> {
        let left = calling.context.deadline.saturating_sub(calling.started.elapsed());
        let context = CallContext { deadline: left, ..calling.context };
        let incoming = exchange(outgoing, &self.site.reach, &context).map_err(Failure::service)?;
        if incoming.status == 401 {
            calling.access.forget();
        }
        let links = incoming.links.clone();
        let named = |failure: Failure| {
            let message = format!("{}: {}", outgoing.place(), failure.message);
            Failure { message, ..failure }
        };
        let answer = Answer::read(incoming).map_err(named)?;
        let mut next = match &answer {
            Answer::Json(value) if outgoing.method == Method::GET => {
                Page { operation: &self.operation, outgoing, links: &links, value }.next()
            }
            _ => None,
        };
        if let Some(next) = &mut next {
            keep_keys(&mut next.outgoing, &calling.granted);
        }
        Ok((answer, next))
    }
}

fn without_secrets(part: ResultItem, granted: &Granted) -> ResultItem {
    if part.kind == "text" { ResultItem::text(granted.masked(&part.content)) } else { part }
}

impl Action for OpenApiTool {
    fn spec(&self) -> ToolSpec {
        self.spec.clone()
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        self.call_in(&CallContext::default(), arguments)
    }

    fn call_in(&self, context: &CallContext<'_>, arguments: &Value) -> ActionReturn {
        let name = self.spec.name.as_str();
        if let Some(message) = self.spec.argument_error(arguments) {
            return ActionReturn::error(name, arguments.clone(), ActionState::ArgsError, message);
        }
        match self.run(context, arguments) {
            Ok((parts, place)) => ActionReturn::success(name, arguments.clone(), parts).with_url(place),
            Err(failure) => ActionReturn::error(name, arguments.clone(), failure.state, failure.message),
        }
    }

    fn readiness(&self) -> Readiness {
        match &self.means {
            Ok(_) => Readiness::Ready,
            Err(reason) => Readiness::Unavailable { reason: reason.clone() },
        }
    }

    fn needs_approval(&self) -> bool {
        match self.site.config.approve {
            Approve::Writes => !self.operation.only_reads(),
            Approve::All => true,
            Approve::Nothing => false,
        }
    }
}
