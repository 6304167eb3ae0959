//! [`AgentClient`]: one method for every operation of the agent server.

use std::collections::BTreeMap;
use std::pin::Pin;

use futures_util::{Stream, TryStreamExt};
use lmdeploy::client::{Client, ClientConfig, segment};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{AgentList, AgentRequest, Forgotten, HealthCheck, RunEvent, RunInfo, RunList};
use crate::message::AgentMessage;
use crate::{Error, Result};

/// Field of the data of a run's last event, [`RunEvent::End`].
const END: &str = "end";

/// Events of a run, each with its number. Pieces of replies have no number. The stream ends after
/// [`RunEvent::End`] or the first error; dropping it does not cancel the run.
pub type RunEvents = Pin<Box<dyn Stream<Item = Result<(Option<u64>, RunEvent)>> + Send>>;

/// A client for one agent server. Cheap to clone; clones share their connections.
///
/// Questions are sent once and never again: a second try could call tools twice. Dropping the future of
/// [`AgentClient::chat`] cancels the question.
#[derive(Clone, Debug)]
pub struct AgentClient {
    openai: Client,
    /// For all other routes: a request may call tools, so it is sent once.
    routes: Client,
}

impl AgentClient {
    /// Creates a client for `config.base_url`, with or without `/v1` at its end. It does not connect yet.
    ///
    /// # Errors
    /// [`Error::AgentServer`] when the address or the key cannot be used.
    pub fn new(config: ClientConfig) -> Result<Self> {
        let openai = Client::new(config).map_err(Error::AgentServer)?;
        Ok(Self { routes: openai.without_retries(), openai })
    }

    /// Returns the client for OpenAI's routes of the same server: chats whose model is an agent, models, metrics.
    #[must_use]
    pub fn openai(&self) -> &Client {
        &self.openai
    }

    /// `POST /chat_completion`: asks a question of a session and waits for the answer.
    ///
    /// # Errors
    /// [`Error::AgentServer`] with [`lmdeploy::Error::Status`] for a request that is refused and for a run that has no
    /// answer, and with other variants when the server cannot be reached or understood.
    pub async fn chat(&self, request: &AgentRequest) -> Result<AgentMessage> {
        self.post("/chat_completion", request).await
    }

    /// `GET /memory/{session_id}`: the messages of a session of the server's first agent, by path of the agent.
    ///
    /// # Errors
    /// Like [`AgentClient::chat`], with status 404 for an unknown session.
    pub async fn memory(&self, session: &Value) -> Result<BTreeMap<String, Vec<AgentMessage>>> {
        self.get(&format!("/memory/{}", session_segment(session)?)).await
    }

    /// `GET /v1/agents/{agent}/memory/{session_id}`: the same for a session of any agent.
    ///
    /// # Errors
    /// Like [`AgentClient::memory`].
    pub async fn agent_memory(
        &self,
        agent: &str,
        session: &Value,
    ) -> Result<BTreeMap<String, Vec<AgentMessage>>> {
        self.get(&agent_route(agent, session)?).await
    }

    /// `DELETE /v1/agents/{agent}/memory/{session_id}`: the server forgets a session.
    ///
    /// # Errors
    /// Like [`AgentClient::memory`].
    pub async fn forget(&self, agent: &str, session: &Value) -> Result<Forgotten> {
        self.delete(&agent_route(agent, session)?).await
    }

    /// `GET /health_check`: whether the server takes requests.
    ///
    /// # Errors
    /// Like [`AgentClient::chat`], with status 503 for a server that is stopping.
    pub async fn health(&self) -> Result<HealthCheck> {
        self.get("/health_check").await
    }

    /// `GET /v1/agents`: the agents of the server and their tools.
    ///
    /// # Errors
    /// Like [`AgentClient::chat`].
    pub async fn agents(&self) -> Result<AgentList> {
        self.get("/v1/agents").await
    }

    /// `POST /v1/runs`: starts a question and does not wait for its answer.
    ///
    /// # Errors
    /// Like [`AgentClient::chat`].
    pub async fn start(&self, request: &AgentRequest) -> Result<RunInfo> {
        self.post("/v1/runs", request).await
    }

    /// `GET /v1/runs`: the runs of this client's key that the server still knows.
    ///
    /// # Errors
    /// Like [`AgentClient::chat`].
    pub async fn runs(&self) -> Result<RunList> {
        self.get("/v1/runs").await
    }

    /// `GET /v1/runs/{id}`: the state of a run.
    ///
    /// # Errors
    /// Like [`AgentClient::chat`], with status 404 for a run that the server does not know.
    pub async fn run(&self, id: &str) -> Result<RunInfo> {
        self.get(&run_route(id, "")?).await
    }

    /// `GET /v1/runs/{id}/events`: the events of a run, from the first one or from the one after number `after`.
    ///
    /// # Errors
    /// Like [`AgentClient::run`] before the first event; later errors are items of the stream.
    pub async fn events(&self, id: &str, after: Option<u64>) -> Result<RunEvents> {
        let events = self.routes.events::<RunEvent>(&run_route(id, "/events")?, after, END).await;
        Ok(Box::pin(events.map_err(Error::AgentServer)?.map_err(Error::AgentServer)))
    }

    /// `POST /v1/runs/{id}/approve`: lets a call run that waits for a decision.
    ///
    /// # Errors
    /// Like [`AgentClient::run`], with status 409 for a call that does not wait.
    pub async fn approve(&self, id: &str, call: u64) -> Result<RunInfo> {
        self.post(&run_route(id, "/approve")?, &json!({ "call": call })).await
    }

    /// `POST /v1/runs/{id}/deny`: refuses a call that waits for a decision. The model reads the reason.
    ///
    /// # Errors
    /// Like [`AgentClient::approve`].
    pub async fn deny(&self, id: &str, call: u64, reason: &str) -> Result<RunInfo> {
        let body = json!({ "call": call, "reason": reason });
        self.post(&run_route(id, "/deny")?, &body).await
    }

    /// `POST /v1/runs/{id}/cancel`: ends a run. One that has ended stays as it is.
    ///
    /// # Errors
    /// Like [`AgentClient::run`].
    pub async fn cancel(&self, id: &str) -> Result<RunInfo> {
        self.post(&run_route(id, "/cancel")?, &json!({})).await
    }

    async fn get<T: DeserializeOwned>(&self, route: &str) -> Result<T> {
        self.routes.get(route).await.map_err(Error::AgentServer)
    }

    async fn delete<T: DeserializeOwned>(&self, route: &str) -> Result<T> {
        self.routes.delete(route).await.map_err(Error::AgentServer)
    }

    async fn post<T: DeserializeOwned>(&self, route: &str, body: &impl Serialize) -> Result<T> {
        self.routes.post(route, body).await.map_err(Error::AgentServer)
    }
}

fn run_route(id: &str, rest: &str) -> Result<String> {
    Ok(format!("/v1/runs/{}{rest}", name_segment("run", id)?))
}

fn agent_route(agent: &str, session: &Value) -> Result<String> {
    Ok(format!("/v1/agents/{}/memory/{}", name_segment("agent", agent)?, session_segment(session)?))
}

/// The name of a session as a part of a path: a text as it is, a number as JSON writes it.
fn session_segment(session: &Value) -> Result<String> {
    match session {
        Value::String(name) => name_segment("session_id", name),
        other => name_segment("session_id", &other.to_string()),
    }
}

fn name_segment(what: &str, name: &str) -> Result<String> {
    segment(what, name).map_err(Error::AgentServer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_segment_of_a_path() {
        assert_eq!(run_route("run_1-a", "/events").expect("a path"), "/v1/runs/run_1-a/events");
        let route = agent_route("a/b", &Value::from(7)).expect("a path");
        assert_eq!(route, "/v1/agents/a%2Fb/memory/7");
        assert_eq!(session_segment(&Value::from("\u{e4} 7")).expect("a segment"), "%C3%A4%207");
        for name in ["", ".", ".."] {
            let error = run_route(name, "/cancel").expect_err("another path").to_string();
            assert!(error.contains(&format!("run: found `{name}`, expected a name")), "{error}");
        }
    }
}
