//! Teams: every kind, members as tools, limits, definitions and files; properties of random runs.

use std::collections::BTreeSet;
use std::fs;

use internlm_model::chat::Message;
use lagent::action::{ActionReturn, ToolSpec};
use lagent::protocol::{InternLm2, Protocol};
use lagent::run::{
    AgentSpec, Approval, Command, Event, FailReason, FailureKind, Finish, Limits, MachinePhase, ModelOutcome,
    ToolOutcome,
};
use lagent::team::{
    Carry, Condition, Container, Edge, Graph, Handoff, Join, Lead, LoadedTeam, MemberSpec, OnFailure,
    Parallel, Router, Sequential, TeamConfig, TeamError, TeamKind, TeamRun, TeamSpec,
};
use proptest::prelude::*;
use serde_json::json;

mod definitions;
mod random;

/// An agent whose prompt begins with its name, so that tests see who asks.
fn agent(name: &str, tools: Vec<ToolSpec>) -> AgentSpec {
    let protocol = InternLm2 { system: Some(name.to_owned()), ..InternLm2::default() };
    AgentSpec::new(Protocol::InternLm2(protocol), tools)
}

fn member(name: &str) -> MemberSpec {
    MemberSpec::agent(name, agent(name, Vec::new())).with_description(format!("Member {name}."))
}

fn team(kind: TeamKind, names: &[&str]) -> TeamRun {
    TeamRun::new(TeamSpec::new(kind, names.iter().map(|name| member(name)))).expect("a good team")
}

fn start(team: &mut TeamRun) -> Vec<Command> {
    team.step(Event::Start { messages: vec![Message::user("q")] })
}

/// One request: its id, the member that asks, and the text that the member reads last.
#[derive(Clone, Debug)]
struct Asked {
    id: u64,
    who: String,
    text: String,
}

fn asked(commands: &[Command]) -> Vec<Asked> {
    let requests = commands.iter().filter_map(|command| match command {
        Command::AskModel { id, messages, .. } => Some((id, messages)),
        _ => None,
    });
    let text =
        |message: Option<&Message>| message.map(|message| message.text().to_owned()).unwrap_or_default();
    requests
        .map(|(id, messages)| Asked { id: *id, who: text(messages.first()), text: text(messages.last()) })
        .collect()
}

/// The only request among the commands.
fn only(commands: &[Command]) -> Asked {
    let requests = asked(commands);
    assert_eq!(requests.len(), 1, "{commands:?}");
    requests[0].clone()
}

fn reply(request: u64, text: &str) -> Event {
    let outcome = ModelOutcome::Reply {
        content: text.to_owned(),
        calls: Vec::new(),
        finish: Finish::Stop,
        input_tokens: 10,
        output_tokens: 5,
        milliseconds: 3,
    };
    Event::Model { request, outcome }
}

fn call(name: &str, message: &str) -> String {
    let body = json!({"name": name, "parameters": {"message": message}});
    format!("<|action_start|><|plugin|>\n{body}<|action_end|>")
}

/// The answer or the reason that ends the question.
fn ending(commands: &[Command]) -> Result<String, FailReason> {
    match commands.last() {
        Some(Command::Finish { message, .. }) => Ok(message.text().to_owned()),
        Some(Command::Fail { reason, .. }) => Err(reason.clone()),
        other => panic!("not an ending: {other:?}"),
    }
}

/// Answers every request by `model`, in the order of the requests, until the question ends.
fn answer(team: &mut TeamRun, model: impl Fn(&Asked) -> String) -> (Vec<Asked>, Result<String, FailReason>) {
    let mut commands = start(team);
    let mut all = Vec::new();
    let mut open: Vec<Asked> = Vec::new();
    loop {
        open.extend(asked(&commands));
        if matches!(commands.last(), Some(Command::Finish { .. } | Command::Fail { .. })) {
            return (all, ending(&commands));
        }
        let next = open.remove(0);
        commands = team.step(reply(next.id, &model(&next)));
        all.push(next);
    }
}

fn order(asked: &[Asked]) -> Vec<&str> {
    asked.iter().map(|asked| asked.who.as_str()).collect()
}

#[test]
fn a_sequence_passes_answers_on_and_starts_again() {
    let mut kind = Sequential::default();
    let mut run = team(TeamKind::Sequential(kind.clone()), &["a", "b"]);
    let (all, end) = answer(&mut run, |asked| format!("{}+{}", asked.text, asked.who));
    assert_eq!((order(&all), end), (vec!["a", "b"], Ok("q+a+b".to_owned())));
    let texts: Vec<String> = run.history().iter().map(|message| message.text().to_owned()).collect();
    assert_eq!(texts, ["q", "q+a+b"]);
    kind.exit_at = Some(2);
    let mut run = team(TeamKind::Sequential(kind.clone()), &["a", "b"]);
    let (all, end) = answer(&mut run, |asked| format!("{}+{}", asked.text, asked.who));
    assert_eq!((order(&all), end), (vec!["a", "b", "a"], Ok("q+a+b+a".to_owned())));
    kind.exit_at = Some(0);
    let mut run = team(TeamKind::Sequential(kind), &["a", "b"]);
    assert_eq!(answer(&mut run, |_| "done".to_owned()).1, Ok("done".to_owned()));
}

#[test]
fn containers_ask_everyone_the_question() {
    let mut kind = Container::default();
    let (all, end) = answer(&mut team(TeamKind::List(kind.clone()), &["0", "1"]), |asked| asked.text.clone());
    assert_eq!((order(&all), end), (vec!["0", "1"], Ok("[0]\nq\n\n[1]\nq".to_owned())));
    kind.exit_at = Some(0);
    let (all, end) = answer(&mut team(TeamKind::Dict(kind), &["x", "y"]), |asked| asked.text.clone());
    assert_eq!((order(&all), end), (vec!["x"], Ok("q".to_owned())));
}

#[test]
fn sessions_of_a_team_do_not_see_each_other() {
    let spec = TeamSpec::new(TeamKind::Sequential(Sequential::default()), [member("a")]);
    let mut first = TeamRun::new(spec.clone()).expect("a good team");
    let mut second = TeamRun::new(spec).expect("a good team");
    answer(&mut first, |_| "first".to_owned()).1.expect("answers");
    answer(&mut second, |_| "second".to_owned()).1.expect("answers");
    for (run, said) in [(&first, "first"), (&second, "second")] {
        let texts: Vec<String> =
            run.histories()["a"].iter().map(|message| message.text().to_owned()).collect();
        assert_eq!(texts, ["q", said]);
    }
}

fn parallel(bound: usize, join: Join, on_failure: OnFailure) -> TeamKind {
    let mut kind = Parallel::default();
    (kind.bound, kind.join, kind.on_failure) = (bound, join, on_failure);
    TeamKind::Parallel(kind)
}

#[test]
fn a_bound_holds_and_answers_come_in_the_order_of_the_members() {
    let mut run = team(parallel(2, Join::All, OnFailure::Fail), &["a", "b", "c"]);
    let first = asked(&start(&mut run));
    assert_eq!(order(&first), ["a", "b"]);
    let third = only(&run.step(reply(first[1].id, "B")));
    assert_eq!(third.who, "c");
    assert_eq!(run.step(reply(third.id, "C")), []);
    assert_eq!(ending(&run.step(reply(first[0].id, "A"))), Ok("[a]\nA\n\n[b]\nB\n\n[c]\nC".to_owned()));
    assert_eq!((run.used().turns, run.used().input_tokens, run.used().milliseconds), (3, 30, 9));
}

#[test]
fn the_first_answer_cancels_the_others() {
    let mut run = team(parallel(4, Join::First, OnFailure::Fail), &["a", "b"]);
    let open = asked(&start(&mut run));
    assert_eq!(ending(&run.step(reply(open[1].id, "B"))), Ok("B".to_owned()));
    let saved = run.save();
    assert_eq!(run.step(reply(open[0].id, "A")), []);
    assert_eq!(run.save(), saved, "a late reply changes nothing");
    let again = asked(&start(&mut run));
    assert_eq!(order(&again), ["a", "b"], "the cancelled member takes the next question");
    assert!(again.iter().all(|asked| open.iter().all(|old| old.id != asked.id)), "ids are not used twice");
}

#[test]
fn answers_are_counted_or_judged() {
    let votes = |asked: &Asked| if asked.who == "a" { "no".to_owned() } else { " yes\n".to_owned() };
    let kind = parallel(4, Join::Vote, OnFailure::Fail);
    assert_eq!(answer(&mut team(kind, &["a", "b", "c"]), votes).1, Ok(" yes\n".to_owned()));
    let kind = parallel(4, Join::Member("judge".to_owned()), OnFailure::Fail);
    let (all, end) = answer(&mut team(kind, &["judge", "b", "c"]), |asked| match asked.who.as_str() {
        "judge" => format!("read {}", asked.text),
        who => who.to_uppercase(),
    });
    assert_eq!((order(&all), end), (vec!["b", "c", "judge"], Ok("read [b]\nB\n\n[c]\nC".to_owned())));
}

fn failed(request: u64) -> Event {
    let message = "broken".to_owned();
    Event::Model {
        request,
        outcome: ModelOutcome::Failed { kind: FailureKind::Server, message, milliseconds: 1 },
    }
}

#[test]
fn a_failure_ends_the_team_or_is_skipped() {
    let mut run = team(parallel(4, Join::All, OnFailure::Fail), &["a", "b"]);
    let open = asked(&start(&mut run));
    assert!(matches!(ending(&run.step(failed(open[0].id))), Err(FailReason::Model { .. })));
    assert_eq!(run.phase(), MachinePhase::Failed);
    let mut run = team(parallel(4, Join::All, OnFailure::Skip), &["a", "b"]);
    let open = asked(&start(&mut run));
    assert_eq!(run.step(failed(open[0].id)), []);
    assert_eq!(ending(&run.step(reply(open[1].id, "B"))), Ok("B".to_owned()));
    let open = asked(&start(&mut run));
    run.step(failed(open[0].id));
    assert!(
        matches!(ending(&run.step(failed(open[1].id))), Err(FailReason::Model { .. })),
        "nobody answered"
    );
}

#[test]
fn a_graph_joins_what_arrives() {
    let edges = [Edge::new("a", "b"), Edge::new("a", "c"), Edge::new("b", "d"), Edge::new("c", "d")];
    let mut run = team(TeamKind::Graph(Graph::new(edges)), &["d", "c", "b", "a"]);
    let (all, end) = answer(&mut run, |asked| format!("{}<{}>", asked.who, asked.text.replace('\n', " ")));
    assert_eq!(order(&all), ["a", "c", "b", "d"]);
    assert_eq!(end, Ok("d<[b] b<a<q>>  [c] c<a<q>>>".to_owned()));
    // Without waiting for the slower one.
    let mut graph = Graph::new([Edge::new("a", "c"), Edge::new("b", "c")]);
    graph.any.insert("c".to_owned());
    let mut run = team(TeamKind::Graph(graph), &["a", "b", "c"]);
    let open = asked(&start(&mut run));
    let last = only(&run.step(reply(open[1].id, "B")));
    assert_eq!((last.who.as_str(), last.text.as_str()), ("c", "B"));
    assert_eq!(run.step(reply(last.id, "C")), [], "a is still at work");
    assert_eq!(ending(&run.step(reply(open[0].id, "A"))), Ok("C".to_owned()));
}

#[test]
fn edges_have_conditions_and_types() {
    let yes = Edge::new("a", "b").with_condition(Condition::Contains("yes".to_owned()));
    let no = Edge::new("a", "c").with_condition(Condition::Lacks("yes".to_owned()));
    let kind = TeamKind::Graph(Graph::new([yes, no, Edge::new("c", "d")]));
    let names = ["a", "b", "c", "d"];
    let says = |word: &'static str| {
        move |asked: &Asked| if asked.who == "a" { word.to_owned() } else { asked.who.clone() }
    };
    assert_eq!(answer(&mut team(kind.clone(), &names), says("yes")).1, Ok("b".to_owned()));
    assert_eq!(answer(&mut team(kind, &names), says("maybe")).1, Ok("d".to_owned()));
    let typed = |text: &'static str| {
        let edge = Edge::new("a", "b").with_carry(Carry::Json("/plan/0".to_owned()));
        let mut run = team(TeamKind::Graph(Graph::new([edge])), &["a", "b"]);
        answer(&mut run, move |asked| if asked.who == "a" { text.to_owned() } else { asked.text.clone() }).1
    };
    assert_eq!(typed(r#"{"plan": ["search", 2]}"#), Ok("search".to_owned()));
    for (text, problem) in [("no", "is not JSON"), ("{}", "has no part `/plan/0`")] {
        let Err(FailReason::Team { problem: found }) = typed(text) else { panic!("{text}") };
        assert!(found.contains(problem), "{found}");
    }
    let both = Edge::new("a", "b").with_carry(Carry::QuestionAndAnswer);
    let mut run = team(TeamKind::Graph(Graph::new([both])), &["a", "b"]);
    let first = only(&start(&mut run));
    let commands = run.step(reply(first.id, "A"));
    let Some(Command::AskModel { messages, .. }) = commands.last() else { panic!("{commands:?}") };
    let texts: Vec<&str> = messages.iter().map(Message::text).collect();
    assert_eq!(texts, ["b", "q", "A"]);
}

#[test]
fn a_router_chooses_one_member() {
    let routed = |choice: &'static str, default: Option<&str>| {
        let mut kind = Router::new("r");
        kind.default = default.map(str::to_owned);
        let mut run = team(TeamKind::Router(kind), &["r", "math", "code"]);
        answer(&mut run, move |asked| if asked.who == "r" { choice.to_owned() } else { asked.who.clone() }).1
    };
    assert_eq!(routed("**Code**.", None), Ok("code".to_owned()));
    assert_eq!(routed("mathematics", Some("math")), Ok("math".to_owned()));
    for choice in ["math or code", "nobody", "r"] {
        assert!(matches!(routed(choice, None), Err(FailReason::Team { .. })), "{choice}");
    }
    let mut run = team(TeamKind::Router(Router::new("r")), &["r", "math", "code"]);
    let commands = start(&mut run);
    let Some(Command::AskModel { messages, .. }) = commands.last() else { panic!("{commands:?}") };
    assert!(messages[1].text().ends_with("- math: Member math.\n- code: Member code."), "{messages:?}");
}

#[test]
fn the_conversation_is_handed_over() {
    let mut kind = Handoff::new("a");
    kind.max = 1;
    let mut run = team(TeamKind::Handoff(kind), &["a", "b"]);
    let first = only(&start(&mut run));
    let commands = run.step(reply(first.id, &format!("Not mine.{}", call("transfer_to_b", "urgent"))));
    let second = only(&commands);
    assert_eq!((second.who.as_str(), second.text.as_str()), ("b", "[a]\nurgent"));
    assert!(!commands.iter().any(|command| matches!(command, Command::CallTool { .. })), "{commands:?}");
    let results = run.histories()["a"].last().map(|message| message.text().to_owned());
    assert_eq!(results.as_deref(), Some("The conversation is handed over."));
    let end = run.step(reply(second.id, &call("transfer_to_a", "")));
    assert_eq!(ending(&end), Err(FailReason::Limit { limit: "handovers".to_owned() }));
    // A member cannot hand over to itself: there is no such tool.
    let first = only(&start(&mut run));
    let corrected = only(&run.step(reply(first.id, &call("transfer_to_a", ""))));
    assert_eq!(corrected.who, "a");
    assert_eq!(ending(&run.step(reply(corrected.id, "mine"))), Ok("mine".to_owned()));
}

#[test]
fn a_lead_calls_members_as_tools() {
    let mut run = team(TeamKind::Lead(Lead::new("lead")), &["lead", "math", "code"]);
    let commands = start(&mut run);
    let Some(Command::AskModel { tools, .. }) = commands.last() else { panic!("{commands:?}") };
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["math", "code"]);
    let two = format!("{}{}", call("math", "2+2?"), call("code", "print?"));
    let members = asked(&run.step(reply(only(&commands).id, &two)));
    assert_eq!(order(&members), ["math", "code"]);
    assert_eq!(members[0].text, "2+2?");
    run.step(reply(members[1].id, "print(4)"));
    let back = run.step(reply(members[0].id, "4"));
    let agents: Vec<Option<&str>> = back
        .iter()
        .filter_map(|command| match command {
            Command::Emit { agent, .. } => Some(agent.as_deref()),
            _ => None,
        })
        .collect();
    assert_eq!(agents, [Some("lead"), Some("lead")], "two results");
    assert_eq!((only(&back).who.as_str(), only(&back).text.as_str()), ("lead", "print(4)"));
    assert_eq!(ending(&run.step(reply(only(&back).id, "done"))), Ok("done".to_owned()));
    assert_eq!((run.used().turns, run.used().tool_calls), (4, 2));
}

#[test]
fn a_member_that_fails_is_a_failed_call() {
    let mut run = team(TeamKind::Lead(Lead::new("lead")), &["lead", "math"]);
    let first = only(&start(&mut run));
    let math = only(&run.step(reply(first.id, &call("math", "?"))));
    let back = only(&run.step(failed(math.id)));
    assert_eq!(back.text, "math gave no answer: the model request failed: broken");
}

/// A team in which everyone may call everyone.
fn friends(names: &[&str], limits: Limits) -> TeamRun {
    let members = names.iter().map(|name| {
        let others = names.iter().filter(|other| *other != name).copied();
        member(name).with_calls(others.collect::<Vec<_>>())
    });
    let kind = TeamKind::Sequential(Sequential::default());
    TeamRun::new(TeamSpec::new(kind, members).with_limits(limits)).expect("a good team")
}

#[test]
fn members_that_would_wait_for_each_other_are_refused() {
    let mut run = friends(&["a", "b", "c"], Limits::default());
    let a = only(&start(&mut run));
    let b = only(&run.step(reply(a.id, &call("b", "?"))));
    let c = only(&run.step(reply(b.id, &call("c", "?"))));
    let refused = only(&run.step(reply(c.id, &call("a", "?"))));
    assert_eq!(
        (refused.who.as_str(), refused.text.as_str()),
        ("c", "a is waiting for your answer, so it cannot be asked now")
    );
    let b = only(&run.step(reply(refused.id, "C")));
    assert_eq!((b.who.as_str(), b.text.as_str()), ("b", "C"));
}

#[test]
fn two_calls_of_one_member_wait_for_each_other() {
    let mut run = team(TeamKind::Lead(Lead::new("lead")), &["lead", "math"]);
    let first = only(&start(&mut run));
    let one = only(&run.step(reply(first.id, &format!("{}{}", call("math", "1"), call("math", "2")))));
    assert_eq!(one.text, "1");
    let two = only(&run.step(reply(one.id, "one")));
    assert_eq!((two.who.as_str(), two.text.as_str()), ("math", "2"));
    let back = only(&run.step(reply(two.id, "two")));
    assert_eq!((back.who.as_str(), back.text.as_str()), ("lead", "two"));
}

#[test]
fn limits_of_the_team_hold_within_one_step() {
    let limited = |set: fn(&mut Limits)| {
        let mut limits = Limits::default();
        set(&mut limits);
        let mut run = friends(&["a", "b", "c"], limits);
        let a = only(&start(&mut run));
        let commands = run.step(reply(a.id, &format!("I think so.{}", call("b", "?"))));
        let Some(Command::Fail { reason: FailReason::Limit { limit }, best }) = commands.last() else {
            panic!("{commands:?}")
        };
        assert_eq!(best.as_deref(), Some("I think so."));
        assert!(!commands.iter().any(|command| matches!(command, Command::AskModel { .. })), "{commands:?}");
        assert_eq!(run.step(Event::Cancel), [], "nobody is at work");
        limit.clone()
    };
    assert_eq!(limited(|limits| limits.max_turn = Some(1)), "max-turn");
    assert_eq!(limited(|limits| limits.input_tokens = Some(10)), "input-tokens");
    assert_eq!(limited(|limits| limits.output_tokens = Some(5)), "output-tokens");
    assert_eq!(limited(|limits| limits.milliseconds = Some(3)), "milliseconds");
    assert_eq!(limited(|limits| limits.tool_calls = Some(0)), "tool-calls");
    assert_eq!(limited(|limits| limits.depth = 0), "depth");
    assert_eq!(limited(|limits| (limits.money, limits.output_price) = (Some(1e-6), 1.0)), "money");
}

#[test]
fn approvals_and_tools_pass_through_with_ids_of_the_team() {
    let tool = ToolSpec::with_texts("Now", "Tells the time.", &[]);
    let spec = agent("a", vec![tool]).with_approval(Approval::Always);
    let kind = parallel(2, Join::All, OnFailure::Fail);
    let members = [MemberSpec::agent("a", spec.clone()), MemberSpec::agent("b", spec)];
    let mut run = TeamRun::new(TeamSpec::new(kind, members)).expect("a good team");
    let open = asked(&start(&mut run));
    let body = "<|action_start|><|plugin|>\n{\"name\": \"Now\", \"parameters\": {}}<|action_end|>";
    let mut ids = Vec::new();
    for request in &open {
        let commands = run.step(reply(request.id, body));
        let Some(Command::AskHuman { call, .. }) = commands.last() else { panic!("{commands:?}") };
        ids.push(*call);
    }
    let commands = run.step(Event::Approve { call: ids[1] });
    assert!(matches!(commands[..], [Command::CallTool { id, .. }] if id == ids[1]), "{commands:?}");
    let value = ActionReturn::text("Now", json!({}), "12:00");
    let early = Event::Tool { call: ids[0], outcome: ToolOutcome { value: value.clone(), milliseconds: 1 } };
    assert_eq!(run.step(early), [], "not approved yet");
    let denied = only(&run.step(Event::Deny { call: ids[0], reason: "no".to_owned() }));
    assert_eq!(denied.text, "The call was refused: no");
    let outcome = ToolOutcome { value, milliseconds: 1 };
    assert_eq!(only(&run.step(Event::Tool { call: ids[1], outcome })).text, "12:00");
}

#[test]
fn teams_nest_and_messages_name_their_path() {
    let inner = TeamSpec::new(TeamKind::Lead(Lead::new("x")), [member("x"), member("y")]);
    let kind = TeamKind::Sequential(Sequential::default());
    let mut run =
        TeamRun::new(TeamSpec::new(kind, [MemberSpec::team("in", inner), member("out")])).expect("good");
    let x = only(&start(&mut run));
    let commands = run.step(reply(x.id, &call("y", "help")));
    assert!(
        matches!(&commands[0], Command::Emit { agent: Some(agent), .. } if agent == "in.x"),
        "{commands:?}"
    );
    let x = only(&run.step(reply(only(&commands).id, "Y")));
    let out = only(&run.step(reply(x.id, "X")));
    assert_eq!((out.who.as_str(), out.text.as_str()), ("out", "X"));
    assert_eq!(ending(&run.step(reply(out.id, "end"))), Ok("end".to_owned()));
    let histories = run.histories();
    let paths: Vec<&str> = histories.keys().map(String::as_str).collect();
    assert_eq!(paths, ["", "in", "in.x", "in.y", "out"]);
    assert_eq!(run.used().turns, 4);
}
