//! Teams as graphs: members are nodes, and what one says travels along typed edges to the next.

use std::collections::BTreeSet;

use internlm_model::chat::Message;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::on_failure::OnFailure;
use super::plan::{Assignment, Next, Plan, named};
use crate::run::FailReason;

/// A graph without circles. Members that no edge leads to receive the question; the answers of members that no
/// edge starts from are the answer of the team.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Graph {
    /// The connections between members.
    pub edges: Vec<Edge>,
    /// Names of the members that start with the first edge that arrives. All others wait until every edge that
    /// leads to them has arrived or cannot arrive any more.
    pub any: BTreeSet<String>,
    /// Maximum number of members that work at the same time. Default: 4.
    pub bound: usize,
    /// What the failure of a member means. Default: `"fail"`.
    pub on_failure: OnFailure,
}

impl Default for Graph {
    fn default() -> Self {
        Self { edges: Vec::new(), any: BTreeSet::new(), bound: 4, on_failure: OnFailure::Fail }
    }
}

/// A connection between two members.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Edge {
    /// Name of the member whose answer travels.
    pub from: String,
    /// Name of the member that receives it.
    pub to: String,
    /// Type of what travels. Default: `"answer"`.
    #[serde(default)]
    pub carry: Carry,
    /// A condition on the answer; the edge cannot arrive when it does not hold. Default: no condition.
    pub when: Option<Condition>,
}

/// Type of what travels along an edge.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Carry {
    /// The text of the answer.
    #[default]
    Answer,
    /// The messages of the question, followed by the text of the answer.
    QuestionAndAnswer,
    /// The part of an answer in JSON that this JSON pointer names; the empty pointer names all of it. An answer
    /// that is not JSON or lacks the part ends the question.
    Json(String),
}

/// A condition on the text of an answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Condition {
    /// The answer contains this text.
    Contains(String),
    /// The answer does not contain this text.
    Lacks(String),
}

/// How far a member is.
enum State {
    Waiting,
    Open,
    /// It never starts, or it failed.
    Dead,
    Ready(Vec<Message>),
    Done,
}

/// What came along one edge.
struct Arrival<'a> {
    from: &'a str,
    text: String,
    carry: &'a Carry,
}

impl Edge {
    /// Creates an edge that carries the answer under no condition.
    #[must_use]
    pub fn new(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { from: from.into(), to: to.into(), carry: Carry::Answer, when: None }
    }

    /// Replaces the type of what travels.
    #[must_use]
    pub fn with_carry(self, carry: Carry) -> Self {
        Self { carry, ..self }
    }

    /// Replaces the condition under which the edge arrives.
    #[must_use]
    pub fn with_condition(self, when: Condition) -> Self {
        Self { when: Some(when), ..self }
    }

    fn holds(&self, answer: &str) -> bool {
        match &self.when {
            None => true,
            Some(Condition::Contains(text)) => answer.contains(text),
            Some(Condition::Lacks(text)) => !answer.contains(text),
        }
    }

    /// The text that travels; the problem if the answer does not have the edge's type.
    fn text(&self, answer: &str) -> Result<String, String> {
        let Carry::Json(pointer) = &self.carry else { return Ok(answer.to_owned()) };
        let Self { from, to, .. } = self;
        let value: Value = serde_json::from_str(answer.trim())
            .map_err(|error| format!("the answer of {from} to {to} is not JSON: {error}"))?;
        match value.pointer(pointer) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(part) => Ok(part.to_string()),
            None => Err(format!("the answer of {from} to {to} has no part `{pointer}`")),
        }
    }
}

impl Graph {
    /// Creates a graph of these edges with the default settings.
    #[must_use]
    pub fn new(edges: impl IntoIterator<Item = Edge>) -> Self {
        Self { edges: edges.into_iter().collect(), ..Self::default() }
    }

    /// Returns the members in an order in which every edge leads forward, and those that are part of a circle.
    pub(super) fn order(&self, names: &[String]) -> (Vec<usize>, Vec<usize>) {
        let mut order: Vec<usize> = Vec::new();
        let mut left: Vec<usize> = (0..names.len()).collect();
        loop {
            let free = |member: &usize| {
                let mut incoming = self.edges.iter().filter(|edge| edge.to == names[*member]);
                incoming.all(|edge| !left.iter().any(|other| names[*other] == edge.from))
            };
            let (next, rest): (Vec<usize>, Vec<usize>) = left.iter().copied().partition(free);
            if next.is_empty() {
                return (order, rest);
            }
            order.extend(next);
            left = rest;
        }
    }

    /// What follows from the state of a question.
    pub(super) fn next(&self, names: &[String], plan: &Plan) -> Next {
        let mut states: Vec<State> = names.iter().map(|_| State::Waiting).collect();
        let (order, _) = self.order(names);
        for member in &order {
            states[*member] = match self.state(*member, names, (plan, &states)) {
                Ok(state) => state,
                Err(problem) => return Next::Fail(FailReason::Team { problem }),
            };
        }
        let free = self.bound.saturating_sub(plan.open.len());
        let ready = states.into_iter().enumerate().filter_map(|(member, state)| match state {
            State::Ready(messages) => Some(Assignment { member, messages }),
            _ => None,
        });
        let start: Vec<Assignment> = ready.take(free).collect();
        if !start.is_empty() {
            return Next::Start(start);
        }
        if !plan.open.is_empty() {
            return Next::Wait;
        }
        let is_last = |member: &usize| !self.edges.iter().any(|edge| edge.from == names[*member]);
        let last: Vec<usize> = (0..names.len()).filter(is_last).collect();
        if last.iter().any(|member| plan.answer(*member).is_some()) {
            plan.finish_with(&last, names)
        } else {
            // Conditions cut every way to the end: the last answer on the way is what there is.
            plan.finish_with_last()
        }
    }

    /// The state of one member; `states` has those of all members before it.
    fn state(&self, member: usize, names: &[String], known: (&Plan, &[State])) -> Result<State, String> {
        let (plan, states) = known;
        if plan.outcomes.iter().any(|outcome| outcome.member == member) {
            return Ok(if plan.answer(member).is_some() { State::Done } else { State::Dead });
        }
        if plan.open.contains(&member) {
            return Ok(State::Open);
        }
        let (mut arrivals, mut pending, mut incoming) = (Vec::new(), 0, 0);
        for edge in self.edges.iter().filter(|edge| edge.to == names[member]) {
            incoming += 1;
            let Some(from) = names.iter().position(|name| *name == edge.from) else { continue };
            match (&states[from], plan.answer(from)) {
                (State::Done, Some(answer)) if edge.holds(answer.text()) => {
                    let text = edge.text(answer.text())?;
                    arrivals.push(Arrival { from: &edge.from, text, carry: &edge.carry });
                }
                (State::Done | State::Dead, _) => {}
                (State::Waiting | State::Open | State::Ready(_), _) => pending += 1,
            }
        }
        let starts_early = self.any.contains(&names[member]) && !arrivals.is_empty();
        Ok(if incoming == 0 {
            State::Ready(plan.question.clone())
        } else if pending > 0 && !starts_early {
            State::Waiting
        } else if arrivals.is_empty() {
            State::Dead
        } else {
            State::Ready(messages(&plan.question, &arrivals))
        })
    }
}

/// What a member reads of the edges that have arrived.
fn messages(question: &[Message], arrivals: &[Arrival<'_>]) -> Vec<Message> {
    let mut messages = Vec::new();
    if arrivals.iter().any(|arrival| *arrival.carry == Carry::QuestionAndAnswer) {
        messages.extend_from_slice(question);
    }
    let text = match arrivals {
        [only] => only.text.clone(),
        several => {
            let parts: Vec<(&str, &str)> =
                several.iter().map(|arrival| (arrival.from, arrival.text.as_str())).collect();
            named(&parts)
        }
    };
    messages.push(Message::user(text));
    messages
}
