//! What a team does next, as a pure function of its kind and of how far the question is.

use internlm_model::chat::Message;

use super::kind::{Handoff, Join, Parallel, Router, TeamKind};
use super::plan::{Assignment, Next, Plan, named};
use crate::run::FailReason;

/// The members of a team as the plan knows them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Members<'a> {
    /// Names of the members in order.
    pub(super) names: &'a [String],
    /// What the members are for, in the same order.
    pub(super) descriptions: &'a [String],
}

impl Members<'_> {
    /// The index of a member. The names in a checked team all exist.
    fn index(self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

/// What the team does next.
pub(super) fn next(kind: &TeamKind, members: Members<'_>, plan: &Plan) -> Next {
    let count = members.names.len();
    match kind {
        TeamKind::Sequential(config) => {
            let total = config.exit_at.map_or(count, |exit_at| exit_at.saturating_add(1));
            sequential(count, total, plan)
        }
        TeamKind::List(config) | TeamKind::Dict(config) => {
            let total = config.exit_at.map_or(count, |exit_at| exit_at.saturating_add(1)).min(count);
            let all: Vec<usize> = (0..total).collect();
            side_by_side(&all, 1, plan).unwrap_or_else(|| plan.finish_with(&all, members.names))
        }
        TeamKind::Parallel(config) => parallel(config, members, plan),
        TeamKind::Graph(graph) => graph.next(members.names, plan),
        TeamKind::Router(config) => router(config, members, plan),
        TeamKind::Handoff(config) => handoff(config, members, plan),
        TeamKind::Lead(config) => single(members.index(&config.lead), plan),
    }
}

/// One member after the other, each on the answer of the one before; after the last one the first again.
fn sequential(count: usize, total: usize, plan: &Plan) -> Next {
    if !plan.open.is_empty() {
        return Next::Wait;
    }
    let done = plan.outcomes.len();
    if done >= total {
        return plan.finish_with_last();
    }
    let last = plan.outcomes.last().and_then(|outcome| outcome.answer.as_ref());
    let messages = match last {
        Some(answer) => vec![Message::user(answer.text())],
        None => plan.question.clone(),
    };
    Plan::start(done.checked_rem(count).unwrap_or(0), messages)
}

/// Each of these members on the question, up to `bound` at the same time; `None` when all have ended.
fn side_by_side(all: &[usize], bound: usize, plan: &Plan) -> Option<Next> {
    let ended = |member: usize| plan.outcomes.iter().any(|outcome| outcome.member == member);
    let free = bound.saturating_sub(plan.open.len());
    let start: Vec<Assignment> = all
        .iter()
        .filter(|member| !ended(**member) && !plan.open.contains(member))
        .take(free)
        .map(|member| Assignment { member: *member, messages: plan.question.clone() })
        .collect();
    if !start.is_empty() {
        return Some(Next::Start(start));
    }
    (!plan.open.is_empty()).then_some(Next::Wait)
}

fn parallel(config: &Parallel, members: Members<'_>, plan: &Plan) -> Next {
    let judge = match &config.join {
        Join::Member(name) => members.index(name),
        Join::All | Join::First | Join::Vote => None,
    };
    let all: Vec<usize> = (0..members.names.len()).filter(|member| Some(*member) != judge).collect();
    if config.join == Join::First
        && let Some(first) = plan.outcomes.iter().find(|outcome| outcome.answer.is_some())
    {
        return plan.finish_with(&[first.member], members.names);
    }
    if let Some(next) = side_by_side(&all, config.bound, plan) {
        return next;
    }
    match judge {
        Some(judge) if plan.outcomes.iter().any(|outcome| outcome.member == judge) => {
            plan.finish_with(&[judge], members.names)
        }
        Some(judge) => judged(judge, &all, members, plan),
        None if config.join == Join::Vote => plan.finish_with(&vote(&all, plan), members.names),
        None => plan.finish_with(&all, members.names),
    }
}

/// Gives all answers to the member that makes one of them.
fn judged(judge: usize, all: &[usize], members: Members<'_>, plan: &Plan) -> Next {
    let parts: Vec<(&str, &str)> = all
        .iter()
        .filter_map(|member| Some((members.names[*member].as_str(), plan.answer(*member)?.text())))
        .collect();
    if parts.is_empty() {
        return plan.finish_with(all, members.names);
    }
    let mut messages = plan.question.clone();
    messages.push(Message::user(named(&parts)));
    Plan::start(judge, messages)
}

/// The earliest member whose answer is as frequent as any; nobody when nobody answered.
fn vote(all: &[usize], plan: &Plan) -> Vec<usize> {
    let text = |member: usize| plan.answer(member).map(|answer| answer.text().trim());
    let votes = |member: usize| all.iter().filter(|other| text(**other) == text(member)).count();
    let mut best: Option<(usize, usize)> = None;
    for member in all.iter().copied().filter(|member| text(*member).is_some()) {
        let count = votes(member);
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((member, count));
        }
    }
    best.map(|(member, _)| member).into_iter().collect()
}

/// One member on the question; its answer is the team's.
fn single(member: Option<usize>, plan: &Plan) -> Next {
    match member {
        _ if !plan.outcomes.is_empty() => plan.finish_with_last(),
        Some(member) if plan.open.is_empty() => Plan::start(member, plan.question.clone()),
        _ => Next::Wait,
    }
}

fn handoff(config: &Handoff, members: Members<'_>, plan: &Plan) -> Next {
    let Some(handover) = plan.handovers.last() else { return single(members.index(&config.start), plan) };
    if !plan.outcomes.is_empty() || !plan.open.is_empty() {
        return single(None, plan);
    }
    let mut messages = plan.question.clone();
    if !handover.message.trim().is_empty() {
        let from = members.names.get(handover.from).map_or("", String::as_str);
        messages.push(Message::user(named(&[(from, handover.message.as_str())])));
    }
    Plan::start(handover.to, messages)
}

fn router(config: &Router, members: Members<'_>, plan: &Plan) -> Next {
    let Some(router) = members.index(&config.router) else { return Next::Wait };
    if !plan.open.is_empty() {
        return Next::Wait;
    }
    match plan.outcomes.as_slice() {
        [] => {
            let mut messages = vec![Message::system(choices(router, members))];
            messages.extend_from_slice(&plan.question);
            Plan::start(router, messages)
        }
        [_] => {
            let reply = plan.answer(router).map_or("", Message::text);
            let chosen = chosen(reply, router, members.names);
            let default = config.default.as_deref().and_then(|name| members.index(name));
            match chosen.or(default) {
                Some(member) => Plan::start(member, plan.question.clone()),
                None => {
                    let problem = format!("found `{}`, expected the name of one member", reply.trim());
                    Next::Fail(FailReason::Team { problem })
                }
            }
        }
        _ => plan.finish_with_last(),
    }
}

/// The instruction of the member that chooses.
fn choices(router: usize, members: Members<'_>) -> String {
    let mut text = "Choose who should answer. Reply with one of these names and nothing else:".to_owned();
    for (index, (name, description)) in members.names.iter().zip(members.descriptions).enumerate() {
        if index == router {
            continue;
        }
        let line =
            if description.is_empty() { format!("\n- {name}") } else { format!("\n- {name}: {description}") };
        text.push_str(&line);
    }
    text
}

/// The only member that a reply names as a word.
fn chosen(reply: &str, router: usize, names: &[String]) -> Option<usize> {
    let words: Vec<&str> = reply
        .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
        .filter(|word| !word.is_empty())
        .collect();
    let is_named = |name: &String| words.iter().any(|word| word.eq_ignore_ascii_case(name));
    let mut found = (0..names.len()).filter(|index| *index != router && is_named(&names[*index]));
    found.next().filter(|_| found.next().is_none())
}
