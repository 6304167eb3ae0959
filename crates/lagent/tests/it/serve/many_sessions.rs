//! Many sessions at the same time: none sees another one's messages. `LAGENT_SESSIONS=1000` is the full size,
//! for which client and server together need 3,000 open files (`ulimit -n`).

use std::time::Instant;

use lagent::client::{AgentClient, AgentRequest};

use super::stage::{Player, Stage, run};

/// Number of questions of each session.
const TURNS: usize = 3;

fn sessions() -> usize {
    let number = std::env::var("LAGENT_SESSIONS").ok().and_then(|number| number.parse().ok());
    number.unwrap_or(100)
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

/// The time below which all but one percent are.
fn p99(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() * 99 / 100]
}

#[test]
fn sessions_at_the_same_time_do_not_see_each_other() {
    run(async {
        let stage = Stage::start(&Player::usual());
        let tasks: Vec<_> =
            (0..sessions()).map(|session| tokio::spawn(converse(stage.client.clone(), session))).collect();
        let mut together = Vec::new();
        for task in tasks {
            together.extend(task.await.expect("no session fails"));
        }
        assert_eq!(together.len(), sessions() * TURNS);
        // The model takes no time, so this is what a turn costs: the client, the server, the state machine.
        let mut alone = converse(stage.client.clone(), usize::MAX >> 1).await;
        for session in 0..100 {
            alone.extend(converse(stage.client.clone(), 1_000_000 + session).await);
        }
        println!(
            "{} sessions of {TURNS} turns: p99 {:.2} ms together, {:.2} ms one after the other",
            sessions(),
            p99(&mut together),
            p99(&mut alone)
        );
    });
}
