//! [`Question`]: a request in lagent's form, checked and ready to become a run.

use std::sync::Arc;

use internlm_model::chat::Message;
use lmdeploy::protocol::OneOrMany;
use serde_json::Value;

use super::ToolsMode;
use super::app::App;
use super::failure::Failure;
use super::fields::Fields;
use super::run::Run;
use super::tenants::Tenant;
use super::turn::{Subject, Turn, new_place};
use crate::client::Tuning;
use crate::message::AgentMessage;

/// A question in a session.
#[derive(Debug)]
pub(super) struct Question {
    subject: Subject,
    messages: Vec<Message>,
}

impl Question {
    /// Reads lagent's body: `message`, `session_id`, and what upstream passes on to the model.
    ///
    /// # Errors
    /// Status 400 naming the field that is wrong, and 404 for an unknown agent.
    pub(super) fn read(app: &App, tenant: Tenant, mut fields: Fields) -> Result<Self, Failure> {
        let agent: Option<String> = fields.take("agent")?;
        let agent = app.agent(agent.as_deref())?;
        let messages = messages(fields.take("message")?)?;
        let session = fields.take("session_id")?.unwrap_or_else(|| Value::from(0));
        session_name(&session)?;
        let tuning = tuning(&mut fields)?;
        fields.finish()?;
        let subject = Subject { tenant, agent, tuning, mode: ToolsMode::Inside, session };
        Ok(Self { subject, messages })
    }

    /// Begins the question and returns its run.
    ///
    /// # Errors
    /// Status 429 or 503 when there is no place for it.
    pub(super) async fn ask(self, app: &App) -> Result<Arc<Run>, Failure> {
        let key = session_key(&self.subject.tenant, &self.subject.agent.name, &self.subject.session)?;
        let place = new_place(app, &self.subject.tenant)?;
        let (session, dropped) = app.sessions.open(&key, &self.subject.agent)?;
        if let Some(dropped) = dropped {
            app.dropped(&dropped).await;
        }
        let turn = Turn::new(app, self.subject, place);
        let run = Arc::clone(turn.run());
        turn.ask_in(app, session, self.messages);
        Ok(run)
    }
}

/// The key of a session among those of all tenants and agents.
///
/// # Errors
/// Status 400 when `session` is not the name of a session.
pub(super) fn session_key(tenant: &Tenant, agent: &str, session: &Value) -> Result<String, Failure> {
    // The length in front of the agent's name keeps a session of one agent from having the key of another one's.
    Ok(format!("{}/{}:{agent}/{}", tenant.name, agent.len(), session_name(session)?))
}

/// A session's name as text: numbers and texts name the same sessions, as they do in the path of `/memory`.
fn session_name(session: &Value) -> Result<String, Failure> {
    match session {
        Value::String(name) if !name.is_empty() => Ok(name.clone()),
        Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
        other => Err(Failure::field(
            "session_id",
            format_args!("found {other}, expected a whole number or a text that is not empty"),
        )),
    }
}

/// The messages of lagent's list, each a text or an `AgentMessage`.
fn messages(given: Option<Vec<Value>>) -> Result<Vec<Message>, Failure> {
    let given = given.unwrap_or_default();
    if given.is_empty() {
        return Err(Failure::field("message", "found no messages, expected a list of at least one"));
    }
    let read = |(index, value): (usize, Value)| match value {
        Value::String(text) => Ok(Message::user(text)),
        other => serde_json::from_value::<AgentMessage>(other)
            .map(|message| message.to_message())
            .map_err(|error| Failure::field(format!("message[{index}]"), error)),
    };
    given.into_iter().enumerate().map(read).collect()
}

/// The sampling settings of a request, under the names of OpenAI and of lagent.
pub(super) fn tuning(fields: &mut Fields) -> Result<Tuning, Failure> {
    let stop: Option<OneOrMany> = fields.take_any(&["stop", "stop_words"])?;
    let tuning = Tuning {
        temperature: fields.take("temperature")?,
        top_p: fields.take("top_p")?,
        max_tokens: fields.take_any(&["max_tokens", "max_completion_tokens", "max_new_tokens"])?,
        seed: fields.take_any(&["seed", "random_seed"])?,
        stop: stop.map(|stop| stop.as_slice().to_vec()),
    };
    match tuning.problem() {
        Some((name, problem)) => Err(Failure::field(name, problem)),
        None => Ok(tuning),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sessions_are_named_by_numbers_and_texts() {
        for name in [json!(7), json!("7")] {
            assert_eq!(session_name(&name), Ok("7".to_owned()));
        }
        for wrong in [json!(1.5), json!(""), json!([1]), json!(true), json!(null)] {
            assert_eq!(session_name(&wrong).expect_err("not a name").param.as_deref(), Some("session_id"));
        }
    }

    #[test]
    fn messages_are_texts_and_objects() {
        let read = messages(Some(vec![json!("a"), json!({"content": "b", "sender": "planner"})]));
        assert_eq!(read, Ok(vec![Message::user("a"), Message::assistant("b")]));
        let wrong = messages(Some(vec![json!("a"), json!({"sender": "user"})])).expect_err("no content");
        assert_eq!(wrong.param.as_deref(), Some("message[1]"));
        assert_eq!(messages(None).expect_err("nothing").param.as_deref(), Some("message"));
    }

    #[test]
    fn settings_have_the_names_of_both_worlds() {
        let mut fields = serde_json::from_value(json!({"max_new_tokens": 9, "stop_words": ["x"], "seed": 3}))
            .expect("an object");
        let read = tuning(&mut fields).expect("good");
        assert_eq!((read.max_tokens, read.seed, read.stop), (Some(9), Some(3), Some(vec!["x".to_owned()])));
        let mut wrong = serde_json::from_value(json!({"top_p": 0})).expect("an object");
        assert_eq!(tuning(&mut wrong).expect_err("out of range").param.as_deref(), Some("top_p"));
    }
}
