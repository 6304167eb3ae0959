//! Keys, limits of requests and of keys, and the end of the server.

use std::sync::atomic::Ordering;
use std::time::Duration;

use lagent::client::{AgentRequest, RunStatus};
use serde_json::json;

use super::stage::{Counter, Player, Stage, client, config, raw, refusal, run, until};

#[test]
fn keys_do_not_see_each_other() {
    run(async {
        let config = config().with_api_keys(["one", "two"]);
        let stage = Stage::with(&Player::usual(), &Counter::default(), config);
        let two = client(&stage.url, Some("two"));
        let request = AgentRequest::new(["secret"]).with_session(1);
        let begun = stage.client.start(&request).await.expect("starts");
        stage.client.chat(&request).await.expect("an answer");
        assert_eq!(two.chat(&request).await.expect("an answer").text(), "secret", "a session of its own");
        assert_eq!(refusal(two.run(&begun.id).await).0, 404);
        assert_eq!(refusal(two.cancel(&begun.id).await).0, 404);
        assert_eq!(two.runs().await.expect("a list").data.len(), 1);
        for key in [None, Some("three")] {
            let stranger = client(&stage.url, key);
            assert_eq!(refusal(stranger.chat(&request).await).0, 401);
            assert_eq!(refusal(stranger.agents().await).0, 401);
            assert!(stranger.openai().metrics().await.is_err());
            assert!(stranger.openai().models().await.is_err());
            stranger.health().await.expect("everybody may ask");
        }
    });
}

#[test]
fn a_key_has_so_many_places() {
    run(async {
        let mut config = config().with_api_keys(["one", "two"]);
        config.concurrency_per_key = Some(1);
        let player = Player::usual();
        let stage = Stage::with(&player, &Counter::default(), config);
        let begun = stage.client.start(&AgentRequest::new(["sleep"])).await.expect("starts");
        until("the model is asked", async || player.open.load(Ordering::SeqCst) == 1).await;
        let other = AgentRequest::new(["a"]).with_session(2);
        assert_eq!(refusal(stage.client.chat(&other).await).0, 429);
        let two = client(&stage.url, Some("two"));
        two.chat(&other).await.expect("another key has its own place");
        stage.client.cancel(&begun.id).await.expect("is known");
        stage.client.chat(&other).await.expect("the place is free again");
    });
}

#[test]
fn a_large_body_and_other_types_are_refused() {
    run(async {
        let mut config = config();
        config.body_limit = 1000;
        let stage = Stage::with(&Player::usual(), &Counter::default(), config);
        let long = json!({"message": ["x".repeat(1000)]}).to_string();
        let (status, answer) = raw(&stage.url, "POST", "/chat_completion", Some(&long)).await;
        assert_eq!(status, 413, "{answer}");
        assert_eq!(answer["error"]["message"], "the request body is larger than 1000 bytes");
    });
}

#[test]
fn sessions_in_use_are_not_dropped_for_others() {
    run(async {
        let mut config = config();
        config.max_sessions = 1;
        let player = Player::usual();
        let stage = Stage::with(&player, &Counter::default(), config);
        let ask = |text: &str, session: i64| AgentRequest::new([text]).with_session(session);
        stage.client.chat(&ask("one", 1)).await.expect("an answer");
        stage.client.chat(&ask("two", 2)).await.expect("session 1 makes place");
        assert_eq!(refusal(stage.client.memory(&json!(1)).await).0, 404);
        let begun = stage.client.start(&ask("sleep", 2)).await.expect("starts");
        until("the model is asked", async || player.open.load(Ordering::SeqCst) == 1).await;
        assert_eq!(refusal(stage.client.chat(&ask("three", 3)).await).0, 503);
        stage.client.cancel(&begun.id).await.expect("is known");
    });
}

#[test]
fn unfinished_questions_are_limited() {
    run(async {
        let mut config = config();
        config.max_sessions = 1;
        let player = Player::usual();
        let stage = Stage::with(&player, &Counter::default(), config);
        let begun = stage.client.start(&AgentRequest::new(["sleep"]).with_session(1)).await.expect("starts");
        // It would only wait for the first one.
        let (status, _, message) =
            refusal(stage.client.start(&AgentRequest::new(["a"]).with_session(1)).await);
        assert_eq!(
            (status, message.contains("found 1 unfinished questions, as many as this server takes")),
            (503, true),
            "{message}"
        );
        stage.client.cancel(&begun.id).await.expect("is known");
        // One that waits for its client makes room.
        let messages = json!([{"role": "user", "content": "calc 1+1"}]);
        let body = json!({"messages": messages, "agent_tools": "calls"}).to_string();
        let (status, answer) = raw(&stage.url, "POST", "/v1/chat/completions", Some(&body)).await;
        assert_eq!((status, answer["choices"][0]["finish_reason"].as_str()), (200, Some("tool_calls")));
        stage.client.chat(&AgentRequest::new(["b"]).with_session(2)).await.expect("an answer");
        let runs = stage.client.runs().await.expect("a list").data;
        let states: Vec<RunStatus> = runs.iter().map(|run| run.status).collect();
        assert_eq!(states, [RunStatus::Cancelled, RunStatus::Cancelled, RunStatus::Finished]);
    });
}

#[test]
fn a_refused_question_does_not_cost_another_one_its_session() {
    run(async {
        let mut config = config();
        (config.max_sessions, config.concurrency_per_key) = (2, Some(1));
        let player = Player::usual();
        let stage = Stage::with(&player, &Counter::default(), config);
        let ask = |text: &str, session: i64| AgentRequest::new([text]).with_session(session);
        stage.client.chat(&ask("one", 1)).await.expect("an answer");
        let begun = stage.client.start(&ask("sleep", 2)).await.expect("starts");
        until("the model is asked", async || player.open.load(Ordering::SeqCst) == 1).await;
        assert_eq!(refusal(stage.client.chat(&ask("three", 3)).await).0, 429);
        stage.client.memory(&json!(1)).await.expect("session 1 is still there");
        stage.client.cancel(&begun.id).await.expect("is known");
    });
}

#[test]
fn running_questions_may_finish_when_the_server_stops() {
    run(async {
        let player = Player::new(|messages| {
            std::thread::sleep(Duration::from_secs(1));
            messages.last().expect("a message").text().to_owned()
        });
        let mut config = config();
        config.drain_timeout = 30.0;
        let mut stage = Stage::with(&player, &Counter::default(), config);
        stage.client.start(&AgentRequest::new(["background"]).with_session(1)).await.expect("starts");
        let asking = stage.client.clone();
        let waits = tokio::spawn(async move { asking.chat(&AgentRequest::new(["waited for"])).await });
        until("both are asked", async || player.open.load(Ordering::SeqCst) == 2).await;
        // As `stop` does, but with the port still open, so that the refusal can be told.
        stage.app.drain();
        assert_eq!(refusal(stage.client.chat(&AgentRequest::new(["late"])).await).0, 503);
        assert_eq!(refusal(stage.client.health().await).0, 503);
        stage.stop();
        assert_eq!(waits.await.expect("no panic").expect("an answer").text(), "waited for");
        tokio::task::spawn_blocking(|| stage.join()).await.expect("the server ends");
    });
}

#[test]
fn questions_that_do_not_end_are_cancelled_at_the_end() {
    run(async {
        let player = Player::usual();
        let stage = Stage::start(&player);
        let begun = stage.client.start(&AgentRequest::new(["sleep"])).await.expect("starts");
        until("the model is asked", async || player.open.load(Ordering::SeqCst) == 1).await;
        assert_eq!(stage.client.run(&begun.id).await.expect("is known").status, RunStatus::Running);
        tokio::task::spawn_blocking(|| stage.join()).await.expect("the server ends");
        until("the request is dropped", async || player.open.load(Ordering::SeqCst) == 0).await;
    });
}
