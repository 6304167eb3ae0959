//! Definitions of teams: every problem is named, and files load with those of their members.

use super::*;

#[test]
fn every_problem_of_a_definition_is_listed() {
    let problems = |spec: TeamSpec| {
        let Err(TeamError::Invalid { problems }) = TeamRun::new(spec) else { panic!("refused") };
        problems.join("\n")
    };
    let graph = Graph::new([Edge::new("a", "b"), Edge::new("b", "a"), Edge::new("a", "zz")]);
    let found = problems(TeamSpec::new(
        TeamKind::Graph(graph),
        [member("a"), member("b"), member("B"), member("x.y")],
    ));
    for problem in [
        "member[2].name: found `B` twice",
        "member[3].name: found `x.y`, expected letters",
        "team.edges[2].to: found `zz`, expected one of a, b, B, x.y",
        "team.edges: found a circle through a, b",
    ] {
        assert!(found.contains(problem), "{problem}\n{found}");
    }
    let mut limits = Limits::default();
    (limits.max_turn, limits.corrections) = (Some(0), 1);
    let member = member("a").with_calls(["a", "b"]);
    let lead = TeamKind::Lead(Lead::new("nobody"));
    let found = problems(TeamSpec::new(lead, [member]).with_limits(limits));
    for problem in [
        "team.lead: found `nobody`, expected one of a",
        "limits.max-turn: found 0",
        "limits.corrections: found 1 for the team",
        "member a: calls: found `b`, expected one of a",
        "member a: calls: found the member itself",
    ] {
        assert!(found.contains(problem), "{problem}\n{found}");
    }
    assert!(problems(TeamSpec::new(TeamKind::Dict(Container::default()), [])).contains("found no member"));
}

#[test]
fn a_team_file_loads_with_the_files_of_its_members() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("team.toml");
    fs::write(folder.path().join("critic.toml"), "[protocol]\nkind = \"react\"\n").expect("writes");
    fs::write(
        folder.path().join("inner.toml"),
        "[team]\nkind = \"list\"\n[[member]]\nagent = {}\n[[member]]\nagent = \"critic.toml\"\n",
    )
    .expect("writes");
    let text = "[team]\nkind = \"lead\"\nlead = \"solver\"\n[limits]\nmax-turn = 9\n\
        [[member]]\nname = \"solver\"\nagent = { tools = [\"Calculator\"] }\n\
        [[member]]\nname = \"critic\"\nagent = \"critic.toml\"\n[[member]]\nname = \"inner\"\nteam = \"inner.toml\"\n";
    fs::write(&path, text).expect("writes");
    let team = LoadedTeam::open(&path, &["limits.max-turn=7"]).expect("a good file");
    assert_eq!((team.spec.members.len(), team.spec.limits.max_turn), (3, Some(7)));
    assert_eq!(team.tools.specs().len(), 1);
    let run = TeamRun::new(team.spec).expect("a good team");
    let histories = run.histories();
    let paths: Vec<&str> = histories.keys().map(String::as_str).collect();
    assert_eq!(paths, ["", "critic", "inner", "inner.0", "inner.1", "solver"]);
    let config = TeamConfig::load(&path).expect("a good file");
    let again: TeamConfig = toml::from_str(&toml::to_string(&config).expect("serializes")).expect("parses");
    assert_eq!(again, config);
}

#[test]
fn a_bad_team_file_names_the_key() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("team.toml");
    let head = "[team]\nkind = \"sequential\"\n";
    for (members, message) in [
        ("[[member]]\nname = \"a\"\n", "member[0]: found neither `agent` nor `team`"),
        ("[[member]]\nagent = {}\n", "member[0].name: not found"),
        ("[[member]]\nname = \"a\"\nagent = { tols = [] }\n", "unknown field `tols`"),
        ("[[member]]\nname = \"a\"\nagent = 3\n", "the path of an agent file, or a table"),
        (
            "[[member]]\nname = \"a\"\nagent = { tools = [\"Nothing\"] }\n",
            "member[0].agent.tools: found `Nothing`",
        ),
        (
            "[[member]]\nname = \"a\"\nteam = \"team.toml\"\n",
            "found more than 8 team files inside each other",
        ),
        (
            "[[member]]\nname = \"a\"\nagent = {}\n[[member]]\nname = \"b\"\nagent = { model = { name = \"m\" } }\n",
            "member b: model: found another server than that of a",
        ),
        (
            "[[member]]\nname = \"a\"\nagent = { hooks = [{ kind = \"logger\" }] }\n",
            "member a: hooks: found in a member, expected in the team file",
        ),
        (
            "[[member]]\nname = \"a\"\nagent = { memory = { recent = 1 } }\n",
            "member a: memory: found in a member, expected in the team file",
        ),
        (
            "[[member]]\nname = \"a\"\nagent = { tools = [\"Calculator\"] }\n\
            [[member]]\nname = \"b\"\nagent = { tools = [\"Calculator\"], folder = \"f\" }\n",
            "member b: found other `sandbox`, `folder` or `services` for Calculator",
        ),
        ("member = []\n", "member"),
    ] {
        let text = if members.starts_with("member") {
            format!("{members}{head}")
        } else {
            format!("{head}{members}")
        };
        fs::write(&path, text).expect("writes");
        let error = LoadedTeam::open(&path, &[""; 0]).expect_err(message).to_string();
        assert!(error.contains(message), "{message}: {error}");
    }
}
