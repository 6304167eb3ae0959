//! Runs in the background: their events, decisions about calls, their early end.

use std::sync::atomic::Ordering;

use futures_util::StreamExt;
use lagent::client::{AgentClient, AgentRequest, RunEvent, RunInfo, RunStatus};
use lagent::run::{Command, Event};

use super::stage::{Counter, Player, Stage, config, raw, refusal, run, until};

/// Events with their numbers.
type Events = Vec<(Option<u64>, RunEvent)>;

/// All events of a run from `after` on, and its last state.
async fn events(client: &AgentClient, id: &str, after: Option<u64>) -> (Events, RunInfo) {
    let mut stream = client.events(id, after).await.expect("a stream");
    let mut all = Vec::new();
    while let Some(event) = stream.next().await {
        all.push(event.expect("an event"));
    }
    match all.pop() {
        Some((Some(_), RunEvent::End(info))) => (all, *info),
        other => panic!("expected the end, found {other:?}"),
    }
}

/// The names of events and commands, deltas left out.
fn names(events: &[(Option<u64>, RunEvent)]) -> Vec<String> {
    let name = |event: &RunEvent| {
        let json = serde_json::to_value(event).expect("serializes");
        let (kind, body) = json.as_object().and_then(|map| map.iter().next()).expect("one key");
        format!("{kind} {}", body["type"].as_str().expect("a type"))
    };
    events.iter().filter(|(id, _)| id.is_some()).map(|(_, event)| name(event)).collect()
}

#[test]
fn events_can_be_read_while_a_run_lasts_and_after() {
    run(async {
        let stage = Stage::start(&Player::usual());
        let request = AgentRequest::new(["calc 2*3"]).with_session(5);
        let begun = stage.client.start(&request).await.expect("starts");
        assert_eq!((begun.object.as_str(), begun.agent.as_str()), ("run", "solver"));
        assert_eq!(begun.session_id, 5);
        let (live, end) = events(&stage.client, &begun.id, None).await;
        assert_eq!((end.status, end.used.tool_calls, end.used.turns), (RunStatus::Finished, 1, 2));
        assert_eq!(end.answer.as_ref().map(|answer| answer.text()).as_deref(), Some("It is 6."));
        let (later, _) = events(&stage.client, &begun.id, None).await;
        let expected = [
            "event start",
            "command ask-model",
            "event model",
            "command emit",
            "command call-tool",
            "event tool",
            "command emit",
            "command ask-model",
            "event model",
            "command finish",
        ];
        assert_eq!((names(&live), names(&later)), (expected.map(str::to_owned).to_vec(), names(&live)));
        let (rest, _) = events(&stage.client, &begun.id, Some(8)).await;
        assert_eq!(names(&rest), ["event model", "command finish"]);
        assert_eq!(stage.client.run(&begun.id).await.expect("is known"), end);
        assert_eq!(stage.client.runs().await.expect("a list").data, [end]);
        assert_eq!(refusal(stage.client.run("run_0").await).0, 404);
    });
}

#[test]
fn a_person_decides_about_calls() {
    run(async {
        let counter = Counter::default();
        let stage = Stage::with(&Player::usual(), &counter, config());
        for (session, approve) in [(1, true), (2, false)] {
            let request = AgentRequest::new(["calc 2*3"]).with_agent("careful").with_session(session);
            let begun = stage.client.start(&request).await.expect("starts");
            let client = &stage.client;
            until("a decision is needed", async || {
                client.run(&begun.id).await.expect("is known").status == RunStatus::NeedsApproval
            })
            .await;
            let waits = client.run(&begun.id).await.expect("is known").approvals;
            assert_eq!((waits.len(), waits[0].name.as_str()), (1, "Calculator"));
            assert_eq!(waits[0].args["expression"], "2*3");
            let (status, param, _) = refusal(client.approve(&begun.id, 99).await);
            assert_eq!((status, param.as_deref()), (409, Some("call")));
            let before = counter.0.load(Ordering::SeqCst);
            if approve {
                client.approve(&begun.id, waits[0].call).await.expect("waits");
            } else {
                client.deny(&begun.id, waits[0].call, "not today").await.expect("waits");
            }
            let (_, end) = events(client, &begun.id, None).await;
            let answer = end.answer.expect("an answer").text();
            let calls = counter.0.load(Ordering::SeqCst) - before;
            if approve {
                assert_eq!((answer.as_str(), calls), ("It is 6.", 1));
            } else {
                assert_eq!((answer.as_str(), calls), ("It is The call was refused: not today.", 0));
            }
            assert_eq!(refusal(client.approve(&begun.id, waits[0].call).await).0, 409, "it is over");
        }
    });
}

#[test]
fn a_cancelled_run_stops_its_model_request() {
    run(async {
        let player = Player::usual();
        let stage = Stage::start(&player);
        let begun = stage.client.start(&AgentRequest::new(["sleep"])).await.expect("starts");
        until("the model is asked", async || player.open.load(Ordering::SeqCst) == 1).await;
        let started = std::time::Instant::now();
        let ended = stage.client.cancel(&begun.id).await.expect("is known");
        println!("cancelled after {:?}", started.elapsed());
        assert_eq!(ended.status, RunStatus::Cancelled);
        until("the request is dropped", async || player.open.load(Ordering::SeqCst) == 0).await;
        // The session continues.
        let next = stage.client.chat(&AgentRequest::new(["next"])).await.expect("an answer");
        assert_eq!(next.text(), "sleep|next");
        let again = stage.client.cancel(&begun.id).await.expect("is known");
        assert_eq!(again.status, RunStatus::Cancelled);
    });
}

#[test]
fn a_run_that_waits_for_its_session_can_be_cancelled() {
    run(async {
        let player = Player::usual();
        let stage = Stage::start(&player);
        let first = stage.client.start(&AgentRequest::new(["sleep"])).await.expect("starts");
        until("the model is asked", async || player.open.load(Ordering::SeqCst) == 1).await;
        let second = stage.client.start(&AgentRequest::new(["two"])).await.expect("starts");
        assert_eq!(stage.client.run(&second.id).await.expect("is known").status, RunStatus::Queued);
        assert_eq!(stage.client.cancel(&second.id).await.expect("is known").status, RunStatus::Cancelled);
        let (status, _, _) = refusal(stage.client.forget("solver", &0.into()).await);
        assert_eq!(status, 409, "the session is in use");
        stage.client.cancel(&first.id).await.expect("is known");
    });
}

#[test]
fn a_client_that_leaves_ends_its_run() {
    run(async {
        let player = Player::usual();
        let stage = Stage::start(&player);
        let client = stage.client.clone();
        let waits = tokio::spawn(async move { client.chat(&AgentRequest::new(["sleep"])).await });
        until("the model is asked", async || player.open.load(Ordering::SeqCst) == 1).await;
        waits.abort();
        until("the request is dropped", async || player.open.load(Ordering::SeqCst) == 0).await;
        until("the run has ended", async || {
            let runs = stage.client.runs().await.expect("a list").data;
            runs.len() == 1 && runs[0].status == RunStatus::Cancelled
        })
        .await;
    });
}

#[test]
fn whoever_waits_for_a_cancelled_run_is_told() {
    run(async {
        let player = Player::usual();
        let stage = Stage::start(&player);
        let client = stage.client.clone();
        let waits = tokio::spawn(async move { client.chat(&AgentRequest::new(["sleep"])).await });
        until("the model is asked", async || player.open.load(Ordering::SeqCst) == 1).await;
        let id = stage.client.runs().await.expect("a list").data[0].id.clone();
        stage.client.cancel(&id).await.expect("is known");
        let (status, _, message) = refusal(waits.await.expect("no panic"));
        assert_eq!((status, message), (409, format!("{id} has no answer: cancelled")));
    });
}

#[test]
fn pieces_of_replies_are_sent_while_they_are_generated() {
    run(async {
        let stage = Stage::start(&Player::usual());
        // The first question blocks the session until the events of the second one are read.
        let first = stage.client.start(&AgentRequest::new(["sleep"])).await.expect("starts");
        let second = stage.client.start(&AgentRequest::new(["a b"])).await.expect("starts");
        let mut stream = stage.client.events(&second.id, None).await.expect("a stream");
        stage.client.cancel(&first.id).await.expect("is known");
        let mut text = String::new();
        while let Some(event) = stream.next().await {
            match event.expect("an event") {
                (None, RunEvent::Event(event)) => match *event {
                    Event::ModelDelta { text: piece, .. } => text.push_str(&piece),
                    other => panic!("{other:?}"),
                },
                (Some(_), RunEvent::Command(command)) => {
                    if let Command::Finish { message, .. } = *command {
                        assert_eq!(text, message.text());
                    }
                }
                _ => {}
            }
        }
        assert_eq!(text, "sleep|a b");
    });
}

#[test]
fn the_number_of_the_last_event_is_a_number() {
    run(async {
        let stage = Stage::start(&Player::usual());
        let begun = stage.client.start(&AgentRequest::new(["a"])).await.expect("starts");
        for (path, body, status) in [
            ("approve", r#"{"call": "x"}"#, 400),
            ("approve", r#"{"reason": "x"}"#, 400),
            ("deny", r#"{"call": 1, "why": "x"}"#, 400),
            ("approve", "{}", 409),
            ("cancel", r#"{"now": true}"#, 400),
        ] {
            let path = format!("/v1/runs/{}/{path}", begun.id);
            let (found, answer) = raw(&stage.url, "POST", &path, Some(body)).await;
            assert_eq!(found, status, "{path} {body}: {answer}");
        }
    });
}
