//! Random teams whose members answer in random order: unique ids, saved states, limits and endings.

use super::*;

/// A team of random kind with three members that may call each other.
fn any_team() -> impl Strategy<Value = TeamSpec> {
    let kind = prop_oneof![
        (0_usize..6).prop_map(|exit_at| {
            let mut kind = Sequential::default();
            kind.exit_at = Some(exit_at);
            TeamKind::Sequential(kind)
        }),
        Just(TeamKind::List(Container::default())),
        (1_usize..4, 0_usize..4, any::<bool>()).prop_map(|(bound, join, skip)| {
            let join = [Join::All, Join::First, Join::Vote, Join::Member("b".to_owned())][join].clone();
            parallel(bound, join, if skip { OnFailure::Skip } else { OnFailure::Fail })
        }),
        proptest::collection::vec((0_usize..3, 0_usize..3, any::<bool>()), 0..4).prop_map(|edges| {
            let names = ["a", "b", "c"];
            let forward = edges.into_iter().filter(|(from, to, _)| from < to).map(|(from, to, cut)| {
                let edge = Edge::new(names[from], names[to]);
                if cut { edge.with_condition(Condition::Contains("e".to_owned())) } else { edge }
            });
            TeamKind::Graph(Graph::new(forward))
        }),
        Just({
            let mut kind = Router::new("a");
            kind.default = Some("c".to_owned());
            TeamKind::Router(kind)
        }),
        Just(TeamKind::Handoff(Handoff::new("a"))),
        Just(TeamKind::Lead(Lead::new("a"))),
    ];
    let some = |range: std::ops::Range<u64>| proptest::option::of(range);
    let limits = (proptest::option::of(1_u32..12), some(20..200), proptest::option::of(0_u32..8), 0_u32..4);
    (kind, limits).prop_map(|(kind, (max_turn, input_tokens, tool_calls, depth))| {
        let mut limits = Limits::default();
        (limits.max_turn, limits.input_tokens) = (max_turn.or(Some(40)), input_tokens);
        (limits.tool_calls, limits.depth) = (tool_calls, depth);
        let names = ["a", "b", "c"];
        let tool = ToolSpec::with_texts("Now", "Tells the time.", &["message"]);
        let members = names.map(|name| {
            let others = names.into_iter().filter(|other| *other != name);
            MemberSpec::agent(name, agent(name, vec![tool.clone()])).with_calls(others)
        });
        TeamSpec::new(kind, members).with_limits(limits)
    })
}

/// What a model says: an answer, a call of anything, or nothing because it fails.
fn any_reply() -> impl Strategy<Value = Option<String>> {
    let name =
        proptest::sample::select(vec!["a", "b", "c", "Now", "transfer_to_b", "transfer_to_c", "nobody"]);
    prop_oneof![
        4 => "[a-f ]{1,8}".prop_map(Some),
        4 => name.prop_map(|name| Some(call(name, "m"))),
        1 => Just(Some(format!("{}{}", call("Now", "m"), call("transfer_to_b", "m")))),
        1 => Just(Some("<|action_start|><|plugin|>\n{<|action_end|>".to_owned())),
        1 => Just(None),
    ]
}

/// The event that answers a command; `None` for one that needs no answer.
fn respond(command: &Command, replies: &mut impl Iterator<Item = Option<String>>) -> Option<Event> {
    match command {
        Command::AskModel { id, .. } => Some(match replies.next().flatten() {
            Some(text) => reply(*id, &text),
            None => failed(*id),
        }),
        Command::CallTool { id, name, args, .. } => {
            let value = ActionReturn::text(name.clone(), args.clone(), "12:00");
            Some(Event::Tool { call: *id, outcome: ToolOutcome { value, milliseconds: 2 } })
        }
        _ => None,
    }
}

fn ids(commands: &[Command]) -> Vec<u64> {
    let ids = commands.iter().filter_map(|command| match command {
        Command::AskModel { id, .. } | Command::CallTool { id, .. } => Some(*id),
        Command::AskHuman { call, .. } => Some(*call),
        _ => None,
    });
    ids.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_teams_keep_their_promises(
        spec in any_team(),
        replies in proptest::collection::vec(any_reply(), 1..12),
        picks in proptest::collection::vec(any::<proptest::sample::Index>(), 1..12),
        cancel_at in proptest::option::of(0_usize..20),
    ) {
        let limits = spec.limits.clone();
        let mut run = TeamRun::new(spec).expect("a good team");
        let (mut replies, mut picks) = (replies.into_iter().cycle(), picks.into_iter().cycle());
        let mut twins: Vec<TeamRun> = Vec::new();
        let mut open = vec![Event::Start { messages: vec![Message::user("q")] }];
        let (mut seen, mut turns, mut calls) = (BTreeSet::new(), 0, 0);
        for step in 0.. {
            prop_assert!(step < 400, "the limits end every run");
            prop_assert!(!open.is_empty(), "a team that works waits for something");
            let event = if Some(step) == cancel_at && step > 0 {
                Event::Cancel
            } else {
                // Events come in any order.
                open.remove(picks.next().expect("endless").index(open.len()))
            };
            twins.push(TeamRun::load(&run.save()).expect("a saved team loads"));
            let commands = run.step(event.clone());
            for twin in &mut twins {
                prop_assert_eq!(&twin.step(event.clone()), &commands);
                prop_assert_eq!(twin.save(), run.save());
            }
            for id in ids(&commands) {
                prop_assert!(seen.insert(id), "the id {} is used twice: {:?}", id, commands);
            }
            turns += asked(&commands).len();
            calls += commands.iter().filter(|command| matches!(command, Command::CallTool { .. })).count();
            prop_assert!(limits.max_turn.is_none_or(|limit| turns <= limit as usize), "max-turn");
            prop_assert!(limits.tool_calls.is_none_or(|limit| calls <= limit as usize), "tool-calls");
            let endings = commands
                .iter()
                .filter(|command| matches!(command, Command::Finish { .. } | Command::Fail { .. }))
                .count();
            prop_assert_eq!(endings, usize::from(run.phase() != MachinePhase::Busy));
            if endings == 1 {
                let is_last = matches!(commands.last(), Some(Command::Finish { .. } | Command::Fail { .. }));
                prop_assert!(is_last, "an ending is the last command");
                break;
            }
            open.extend(commands.iter().filter_map(|command| respond(command, &mut replies)));
        }
        // Nobody is at work any more: late events change nothing, and the next question starts.
        let saved = run.save();
        prop_assert!(run.step(Event::Cancel).is_empty());
        for event in open {
            prop_assert!(run.step(event).is_empty());
        }
        prop_assert_eq!(run.save(), saved);
        let next = start(&mut run);
        prop_assert!(!asked(&next).is_empty(), "{:?}", next);
    }
}
