//! A call of a tool, with the questions that a server may ask in between.

use std::collections::BTreeMap;
use std::time::Duration;

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ClientRequest, InputRequest, InputRequests,
    ServerResult,
};
use rmcp::service::ServiceError;
use serde_json::{Value, json};

use super::ask::{Asking, Unanswered};

/// Maximum number of times that a server may ask back during one call.
const ROUNDS: usize = 10;
/// Pause before a request is repeated that the server wants again without asking anything.
const PAUSE: Duration = Duration::from_millis(100);

/// Calls a tool. Questions to a person are declined, and the server decides what that means for the call.
pub(super) async fn call_tool(
    asking: Asking<'_>,
    mut params: CallToolRequestParams,
) -> Result<CallToolResult, Unanswered> {
    for round in 0..ROUNDS {
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params.clone()));
        let answer = match asking.ask(request).await {
            // The server has worked on the call already.
            Err(Unanswered::NotSent(error)) if round > 0 => return Err(Unanswered::Failed(error)),
            other => other?,
        };
        match answer {
            ServerResult::CallToolResult(result) => return Ok(result),
            ServerResult::EmptyResult(_) => return Ok(CallToolResult::default()),
            ServerResult::InputRequiredResult(asked) => {
                let responses = declined(&asked.input_requests.unwrap_or_default())?;
                if responses.is_empty() {
                    tokio::time::sleep(PAUSE).await;
                }
                params.input_responses = Some(responses).filter(|responses| !responses.is_empty());
                params.request_state = asked.request_state;
            }
            _ => return Err(Unanswered::Failed(ServiceError::UnexpectedResponse)),
        }
    }
    Err(Unanswered::Failed(ServiceError::InputRequiredRoundsExceeded { max_rounds: ROUNDS }))
}

/// The answers to a server's questions: there is nobody to ask, and there are no folders. A model's reply cannot be
/// declined, so the call ends.
fn declined(requests: &InputRequests) -> Result<BTreeMap<String, Value>, Unanswered> {
    let answer = |request: &InputRequest| match request {
        InputRequest::Elicitation(_) => Ok(json!({"action": "decline"})),
        InputRequest::ListRoots(_) => Ok(json!({"roots": []})),
        _ => Err(Unanswered::Sampling),
    };
    requests.iter().map(|(key, request)| Ok((key.clone(), answer(request)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(request: Value) -> InputRequests {
        serde_json::from_value(json!({"a": request})).expect("a request")
    }

    #[test]
    fn questions_to_a_person_are_declined() {
        let form = json!({"method": "elicitation/create", "params": {
            "message": "Your name?",
            "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}},
        }});
        let answers = declined(&asked(form)).expect("can be declined");
        assert_eq!(json!(answers), json!({"a": {"action": "decline"}}));
        let answers = declined(&asked(json!({"method": "roots/list"}))).expect("can be answered");
        assert_eq!(json!(answers), json!({"a": {"roots": []}}));
        let sampling = json!({"method": "sampling/createMessage", "params": {
            "messages": [{"role": "user", "content": {"type": "text", "text": "Hi"}}],
            "maxTokens": 10,
        }});
        assert!(matches!(declined(&asked(sampling)), Err(Unanswered::Sampling)));
    }
}
