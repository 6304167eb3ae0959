//! The check of a team's definition: all problems at once, as `KEY: found X, expected Y`.

use super::graph::{Carry, Graph};
use super::kind::{Join, TeamKind};
use super::member_tools::transfer_name;
use super::spec::{MemberKind, MemberSpec, TeamSpec};
use crate::run::Limits;

impl TeamSpec {
    /// Returns every problem of the definition, members included, as `KEY: found X, expected Y`.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        team_problems(self)
    }
}

fn team_problems(team: &TeamSpec) -> Vec<String> {
    let names: Vec<String> = team.members.iter().map(|member| member.name.clone()).collect();
    let mut problems = Vec::new();
    if names.is_empty() {
        problems.push("member: found no member, expected at least one".to_owned());
    }
    for (index, name) in names.iter().enumerate() {
        problems.extend(name_problem(index, name, &names[..index]));
    }
    problems.extend(kind_problems(&team.kind, &names));
    problems.extend(limit_problems(&team.limits));
    for member in &team.members {
        problems.extend(member_problems(team, member, &names));
    }
    problems
}

fn name_problem(index: usize, name: &str, before: &[String]) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(is_plain) {
        return Some(format!(
            "member[{index}].name: found `{name}`, expected letters of ASCII, digits, `_` and `-`"
        ));
    }
    let twice = before.iter().any(|other| other.eq_ignore_ascii_case(name));
    twice.then(|| format!("member[{index}].name: found `{name}` twice, expected different names"))
}

/// The problem of a key that has to name a member.
fn unknown(key: &str, name: &str, names: &[String]) -> Option<String> {
    let is_known = names.iter().any(|known| known == name);
    (!is_known).then(|| format!("{key}: found `{name}`, expected one of {}", names.join(", ")))
}

fn zero(key: &str, number: usize) -> Option<String> {
    (number == 0).then(|| format!("{key}: found 0, expected at least 1"))
}

fn kind_problems(kind: &TeamKind, names: &[String]) -> Vec<String> {
    let mut problems: Vec<String> = Vec::new();
    match kind {
        TeamKind::Sequential(_) => {}
        TeamKind::List(config) | TeamKind::Dict(config) => {
            if let Some(exit_at) = config.exit_at.filter(|exit_at| *exit_at >= names.len()) {
                let expected = names.len().saturating_sub(1);
                problems.push(format!("team.exit-at: found {exit_at}, expected at most {expected}"));
            }
        }
        TeamKind::Parallel(config) => {
            problems.extend(zero("team.bound", config.bound));
            if let Join::Member(name) = &config.join {
                problems.extend(unknown("team.join.member", name, names));
                if names.len() < 2 {
                    problems
                        .push("team.join.member: found no other member, expected at least one".to_owned());
                }
            }
        }
        TeamKind::Graph(graph) => problems.extend(graph_problems(graph, names)),
        TeamKind::Router(config) => {
            problems.extend(unknown("team.router", &config.router, names));
            if let Some(name) = &config.default {
                problems.extend(unknown("team.default", name, names));
                if *name == config.router {
                    problems
                        .push(format!("team.default: found the router `{name}`, expected another member"));
                }
            }
            if names.len() < 2 {
                problems.push("team.router: found no other member, expected at least one".to_owned());
            }
        }
        TeamKind::Handoff(config) => problems.extend(unknown("team.start", &config.start, names)),
        TeamKind::Lead(config) => problems.extend(unknown("team.lead", &config.lead, names)),
    }
    problems
}

fn graph_problems(graph: &Graph, names: &[String]) -> Vec<String> {
    let mut problems: Vec<String> = zero("team.bound", graph.bound).into_iter().collect();
    for (index, edge) in graph.edges.iter().enumerate() {
        problems.extend(unknown(&format!("team.edges[{index}].from"), &edge.from, names));
        problems.extend(unknown(&format!("team.edges[{index}].to"), &edge.to, names));
        if let Carry::Json(pointer) = &edge.carry
            && !pointer.is_empty()
            && !pointer.starts_with('/')
        {
            problems.push(format!(
                "team.edges[{index}].carry.json: found `{pointer}`, expected a JSON pointer such as `/answer`"
            ));
        }
    }
    problems.extend(graph.any.iter().filter_map(|name| unknown("team.any", name, names)));
    let (_, circle) = graph.order(names);
    if !circle.is_empty() {
        let members: Vec<&str> = circle.iter().map(|member| names[*member].as_str()).collect();
        problems.push(format!("team.edges: found a circle through {}, expected none", members.join(", ")));
    }
    problems
}

/// Wrong limits, and those that no member would apply.
fn limit_problems(limits: &Limits) -> Vec<String> {
    let default = Limits::default();
    let mut problems = limits.problems();
    for (key, found, expected) in [
        ("tool-milliseconds", limits.tool_milliseconds, default.tool_milliseconds),
        ("corrections", limits.corrections.into(), default.corrections.into()),
    ] {
        if found != expected {
            problems.push(format!(
                "limits.{key}: found {found} for the team, expected it in the limits of its members"
            ));
        }
    }
    problems
}

fn member_problems(team: &TeamSpec, member: &MemberSpec, names: &[String]) -> Vec<String> {
    let MemberSpec { name, calls, kind, .. } = member;
    let mut problems: Vec<String> =
        calls.iter().filter_map(|call| unknown(&format!("member {name}: calls"), call, names)).collect();
    if calls.contains(name) {
        problems.push(format!("member {name}: calls: found the member itself, expected other members"));
    }
    match kind {
        MemberKind::Team(inner) => {
            if !calls.is_empty() {
                problems.push(format!("member {name}: calls: found for a team, expected only for agents"));
            }
            if matches!(&team.kind, TeamKind::Lead(config) if config.lead == *name) {
                problems.push(format!("team.lead: found the team `{name}`, expected an agent"));
            }
            problems
                .extend(team_problems(inner).into_iter().map(|problem| format!("member {name}: {problem}")));
        }
        MemberKind::Agent(agent) => {
            let is_taken = |tool: &str| {
                names.iter().any(|name| name.eq_ignore_ascii_case(tool) || transfer_name(name) == tool)
            };
            let taken = agent.tools.iter().filter(|tool| is_taken(&tool.name));
            problems.extend(taken.map(|tool| {
                format!("member {name}: tools: found `{}`, which is how members reach each other", tool.name)
            }));
        }
    }
    problems
}
