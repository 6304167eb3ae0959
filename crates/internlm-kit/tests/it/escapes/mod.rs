//! More than two hundred attempts to get out of the sandbox, at every level that works on this machine.
//!
//! An attempt is a piece of Python that returns what it reached, if anything. Those of one kind run one after the
//! other in children of one process; those that use a resource up have a run each. What the attempts would leave
//! outside (files, connections, a dead victim) is also looked for from outside.

mod bombs;
mod calls;
mod files;
mod network;
mod processes;
mod table;
mod world;

use internlm_kit::sandbox::{Level, Sandbox, SandboxConfig, Status, Task};

use crate::sandbox::{python, sandboxes};
use table::Table;
use world::World;

/// The levels that an attempt is contained by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Holds {
    /// All levels, also the one that only limits.
    Everywhere,
    /// The levels with a view of the files and processes of their own.
    Confined,
}

/// One attempt: the body of a Python function that returns something true when it succeeded.
#[derive(Clone, Debug)]
struct Attempt {
    kind: &'static str,
    name: String,
    code: String,
    holds: Holds,
}

impl Attempt {
    fn new(kind: &'static str, holds: Holds, name: impl Into<String>, code: impl Into<String>) -> Self {
        Self { kind, name: name.into(), code: code.into(), holds }
    }

    fn holds_at(&self, level: Level) -> bool {
        self.holds == Holds::Everywhere || level > Level::Process
    }
}

/// Runs every attempt in a child of its own and prints one line of JSON for each.
const RUNNER: &str = include_str!("runner.py");

fn all(world: &World) -> Vec<Attempt> {
    [files::attempts(), calls::attempts(), network::attempts(), processes::attempts()]
        .concat()
        .into_iter()
        .map(|attempt| Attempt { code: world.fill(&attempt.code), ..attempt })
        .collect()
}

/// What became of each attempt: empty when it was contained.
fn run(sandbox: &Sandbox, attempts: &[Attempt]) -> Vec<String> {
    let sources: Vec<&str> = attempts.iter().map(|attempt| attempt.code.as_str()).collect();
    let task = Task::new("python3")
        .args(["-I", "-u", "runner.py"])
        .file("runner.py", RUNNER)
        .file("attempts.json", serde_json::to_vec(&sources).expect("texts"));
    let outcome = sandbox.run(&task).expect("runs");
    let done = outcome.stdout.lines().count();
    let last = attempts.get(done).map(|attempt| &attempt.name);
    assert_eq!(
        outcome.status,
        Status::Exited { code: 0 },
        "{}: {last:?}: {}",
        sandbox.level(),
        outcome.stderr
    );
    let lines: Vec<String> = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of the runner"))
        .collect();
    assert_eq!(lines.len(), attempts.len(), "{}", outcome.stderr);
    lines
}

fn config(config: &mut SandboxConfig) {
    // All levels run at the same time, and may share a user whose processes are counted.
    (config.wall_seconds, config.cpu_seconds, config.processes) = (60.0, 20, 512);
}

#[test]
fn nothing_gets_out_at_any_level() {
    let world = World::build();
    let attempts = all(&world);
    let sandboxes = sandboxes(config);
    if python(&sandboxes[0], "").is_none() {
        return;
    }
    let mut table = Table::default();
    std::thread::scope(|scope| {
        let run = |sandbox: &Sandbox| {
            let tried: Vec<Attempt> =
                attempts.iter().filter(|attempt| attempt.holds_at(sandbox.level())).cloned().collect();
            (sandbox.level(), run(sandbox, &tried), tried)
        };
        let runs: Vec<_> = sandboxes.iter().map(|sandbox| scope.spawn(move || run(sandbox))).collect();
        for run in runs {
            let (level, results, tried) = run.join().expect("the level's attempts run");
            for (attempt, result) in tried.iter().zip(results) {
                table.add(level, attempt.kind, &attempt.name, &result);
            }
        }
    });
    let bombs = bombs::run(&sandboxes, &mut table);
    println!("{table}");
    assert!(attempts.len() + bombs >= 200, "{} attempts", attempts.len() + bombs);
    assert_eq!(table.escaped(), Vec::<String>::new());
    assert_eq!(world.damage(), Vec::<String>::new());
}
