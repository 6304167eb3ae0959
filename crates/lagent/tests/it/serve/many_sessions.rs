//! Many sessions at the same time: none sees another one's messages, and nothing of them stays when they are gone.
//!
//! For the figures, where memory is that of the whole process:
//! `LAGENT_SESSIONS=1000 cargo test --release -p lagent --test it many_sessions -- --nocapture --test-threads=1`.
//! Server and clients have one connection for each session at the same time, so a thousand sessions need a little more
//! than 2,000 open files (`ulimit -n 4096`).

use std::time::{Duration, Instant};

use lagent::client::{AgentClient, AgentRequest};

use super::stage::{Counter, Player, Stage, config, run, until};

/// Number of questions of each session.
const TURNS: usize = 3;
/// Number of times that all sessions are opened, used and deleted. An allocator keeps what it once got, so what shows a
/// leak is memory that grows from the first round to the last.
const ROUNDS: usize = 3;
/// Sessions that are used one after the other, for the time of a turn without others.
const ALONE: usize = 100;

fn sessions() -> usize {
    let number = std::env::var("LAGENT_SESSIONS").ok().and_then(|number| number.parse().ok());
    number.unwrap_or(100)
}

/// Resident memory of this process, MiB.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib / 1024.0
}

/// Number of sessions in the server's memory, from its metrics.
async fn open(client: &AgentClient) -> usize {
    let metrics = client.openai().metrics().await.expect("numbers");
    let line = metrics.lines().find_map(|line| line.strip_prefix("lagent:sessions ")).expect("the gauge");
    line.parse().expect("a number")
}

/// Asks the questions of one session and checks every answer; returns the time of each in milliseconds.
async fn converse(client: AgentClient, session: usize) -> Vec<f64> {
    let mut times = Vec::new();
    let mut expected = String::new();
    for turn in 0..TURNS {
        let question = format!("s{session}-t{turn}");
        if turn > 0 {
            expected.push('|');
        }
        expected.push_str(&question);
        let request = AgentRequest::new([question]).with_session(session);
        let started = Instant::now();
        let answer = client.chat(&request).await.expect("an answer");
        times.push(started.elapsed().as_secs_f64() * 1e3);
        assert_eq!(answer.text(), expected, "session {session}");
    }
    times
}

/// All sessions at the same time.
async fn together(client: &AgentClient) -> Vec<f64> {
    let tasks: Vec<_> =
        (0..sessions()).map(|session| tokio::spawn(converse(client.clone(), session))).collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("no session fails"));
    }
    assert_eq!(times.len(), sessions() * TURNS);
    times
}

/// Median and 99th percentile of times, in words.
fn percentiles(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    format!("p50 {:.2} ms, p99 {:.2} ms", at(50), at(99))
}

#[test]
fn sessions_at_the_same_time_do_not_see_each_other() {
    run(async {
        let mut config = config();
        // Ended runs would be part of the memory.
        config.keep_runs = 16;
        let stage = Stage::with(&Player::usual(), &Counter::default(), config);
        let before = memory();
        for round in 1..=ROUNDS {
            let times = together(&stage.client).await;
            let (peak, opened) = (memory(), open(&stage.client).await);
            assert_eq!(opened, sessions());
            for session in 0..sessions() {
                stage.client.forget("solver", &session.into()).await.expect("is known");
            }
            assert_eq!(open(&stage.client).await, 0);
            println!(
                "round {round}: {opened} sessions of {TURNS} turns together: {}; memory {before:.1} MiB at the start, \
                 {peak:.1} MiB with all sessions, {:.1} MiB after they were deleted",
                percentiles(times),
                memory()
            );
        }
        // The model takes no time, so this is what a turn costs: the client, the server, the state machine.
        let mut alone = Vec::new();
        for session in 0..ALONE {
            alone.extend(converse(stage.client.clone(), sessions() + session).await);
        }
        println!("{ALONE} sessions one after the other: {}", percentiles(alone));
    });
}

#[test]
fn idle_sessions_leave_the_memory() {
    run(async {
        let mut config = config();
        config.keep_runs = 16;
        config.session_idle_seconds = 2.0;
        let stage = Stage::with(&Player::usual(), &Counter::default(), config);
        let before = memory();
        let questions: Vec<_> = (0..sessions())
            .map(|session| {
                let client = stage.client.clone();
                // In one turn, so that no session is idle between two of them.
                tokio::spawn(async move {
                    let question = AgentRequest::new(["Hello"]).with_session(session);
                    client.chat(&question).await.expect("an answer")
                })
            })
            .collect();
        for question in questions {
            assert_eq!(question.await.expect("no session fails").text(), "Hello");
        }
        let peak = memory();
        let started = Instant::now();
        until("idle sessions are dropped", async || {
            tokio::time::sleep(Duration::from_millis(50)).await;
            open(&stage.client).await == 0
        })
        .await;
        println!(
            "{} idle sessions left within {:?}: memory {before:.1} MiB at the start, {peak:.1} MiB with them, \
             {:.1} MiB after them",
            sessions(),
            started.elapsed(),
            memory()
        );
    });
}
