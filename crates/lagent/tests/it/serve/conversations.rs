//! Lagent's own routes: questions in sessions, memories, the forms of its client.

use std::sync::atomic::Ordering;

use lagent::Toolbox;
use lagent::client::{AgentRequest, Tuning};
use lagent::message::AgentMessage;
use lagent::protocol::{Plain, Protocol};
use lagent::run::{AgentRun, AgentSpec};
use lagent::serve::{Agents, ServedAgent};
use serde_json::{Value, json};

use super::stage::{Counter, Player, Stage, config, raw, refusal, run, until};

#[test]
fn a_session_remembers_and_others_do_not() {
    run(async {
        let stage = Stage::start(&Player::usual());
        let ask = |text: &str, session: i64| {
            let request = AgentRequest::new([text]).with_session(session);
            let client = stage.client.clone();
            async move { client.chat(&request).await.expect("an answer") }
        };
        let first = ask("one", 7).await;
        assert_eq!((first.sender.as_str(), first.text().as_str()), ("solver", "one"));
        assert_eq!(ask("two", 7).await.text(), "one|two");
        assert_eq!(ask("three", 8).await.text(), "three");
        let state = stage.client.memory(&json!(7)).await.expect("a memory");
        let told: Vec<_> =
            state["memory"].iter().map(|message| format!("{}: {}", message.sender, message.text())).collect();
        assert_eq!(told, ["user: one", "solver: one", "user: two", "solver: one|two"]);
        assert_eq!(state.len(), 1);
        let (status, _, message) = refusal(stage.client.memory(&json!(9)).await);
        assert_eq!((status, message.as_str()), (404, "Session ID not found"));
    });
}

#[test]
fn an_agent_may_remember_only_the_last_messages() {
    run(async {
        let spec = AgentSpec::new(Protocol::Plain(Plain::default()), Vec::new());
        let agent = ServedAgent::new("short", AgentRun::new(spec), Player::usual(), Toolbox::default());
        let stage = Stage::of(Agents::new([agent.with_recent(2)]).expect("an agent"), config());
        for (question, answer) in [("one", "one"), ("two", "one|two"), ("three", "two|three")] {
            let request = AgentRequest::new([question]).with_session(1);
            assert_eq!(stage.client.chat(&request).await.expect("an answer").text(), answer);
        }
        let state = stage.client.memory(&json!(1)).await.expect("a memory");
        let texts: Vec<_> = state["memory"].iter().map(AgentMessage::text).collect();
        assert_eq!(texts, ["two", "one|two", "three", "two|three"]);
    });
}

#[test]
fn tools_run_inside_and_are_part_of_the_memory() {
    run(async {
        let counter = Counter::default();
        let stage = Stage::with(&Player::usual(), &counter, config());
        let request = AgentRequest::new(["calc 12*34"]).with_session("by name");
        assert_eq!(stage.client.chat(&request).await.expect("an answer").text(), "It is 408.");
        assert_eq!(counter.0.load(Ordering::SeqCst), 1);
        let state = stage.client.agent_memory("solver", &json!("by name")).await.expect("a memory");
        let texts: Vec<_> = state["memory"].iter().map(AgentMessage::text).collect();
        assert_eq!(texts, ["calc 12*34", "I compute.", "408", "It is 408."]);
        assert_eq!(state["memory"][2].stream_state, lagent::message::AgentStatus::PluginReturn);
    });
}

#[test]
fn a_session_can_be_forgotten() {
    run(async {
        let stage = Stage::start(&Player::usual());
        let request = AgentRequest::new(["one"]).with_session(1);
        stage.client.chat(&request).await.expect("an answer");
        stage.client.forget("solver", &json!(1)).await.expect("is known");
        assert_eq!(refusal(stage.client.forget("solver", &json!(1)).await).0, 404);
        assert_eq!(stage.client.chat(&request).await.expect("an answer").text(), "one", "a new session");
    });
}

#[test]
fn one_session_answers_one_question_at_a_time() {
    run(async {
        let stage = Stage::start(&Player::usual());
        let requests = (0..8).map(|number| AgentRequest::new([format!("q{number}")]).with_session(1));
        let clients = requests.map(|request| {
            let client = stage.client.clone();
            tokio::spawn(async move { client.chat(&request).await.expect("an answer").text() })
        });
        let mut lengths = Vec::new();
        for client in clients.collect::<Vec<_>>() {
            lengths.push(client.await.expect("no panic").split('|').count());
        }
        lengths.sort_unstable();
        assert_eq!(lengths, [1, 2, 3, 4, 5, 6, 7, 8], "every question saw those before it");
    });
}

#[test]
fn fields_are_applied_or_refused_by_name() {
    run(async {
        let stage = Stage::start(&Player::usual());
        for (body, status, param) in [
            (json!({"message": ["a"], "top_k": 4}), 400, "top_k"),
            (json!({"message": "a"}), 400, "message"),
            (json!({"message": []}), 400, "message"),
            (json!({"message": [{"sender": "user"}]}), 400, "message[0]"),
            (json!({"message": ["a"], "session_id": [1]}), 400, "session_id"),
            (json!({"message": ["a"], "temperature": 7}), 400, "temperature"),
            (json!({"message": ["a"], "agent": "nobody"}), 404, "agent"),
        ] {
            let (found, answer) = raw(&stage.url, "POST", "/chat_completion", Some(&body.to_string())).await;
            assert_eq!((found, answer["error"]["param"].as_str()), (status, Some(param)), "{answer}");
            assert_eq!(answer["detail"], answer["error"]["message"]);
        }
        let mut tuning = Tuning::default();
        (tuning.max_tokens, tuning.temperature) = (Some(9), Some(0.5));
        let request = AgentRequest::new(["a"]).with_tuning(tuning).with_agent("careful");
        assert_eq!(stage.client.chat(&request).await.expect("good fields").sender, "careful");
        for body in ["[]", "{", r#"{"message": ["a"], "message": ["b"]}"#] {
            let (status, answer) = raw(&stage.url, "POST", "/chat_completion", Some(body)).await;
            assert_eq!(status, 400, "{answer}");
        }
    });
}

#[test]
fn a_failure_is_an_error_and_never_an_answer() {
    run(async {
        // A model that never stops calling.
        let stage = Stage::start(&Player::new(|_| super::stage::calculate("1+1")));
        let (status, _, message) = refusal(stage.client.chat(&AgentRequest::new(["go"])).await);
        assert_eq!(status, 422);
        assert!(message.ends_with("has no answer: limit max-turn reached"), "{message}");
        let (_, answer) = raw(&stage.url, "POST", "/chat_completion", Some(r#"{"message": ["go"]}"#)).await;
        assert_eq!(answer["best"], "I compute.");
        // The conversation is kept.
        assert!(stage.client.memory(&json!(0)).await.expect("a memory")["memory"].len() > 2);
    });
}

#[test]
fn sessions_in_a_database_survive_a_restart() {
    run(async {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut config = config();
        config.memory = Some(folder.path().join("sessions.db"));
        let start = || Stage::with(&Player::usual(), &Counter::default(), config.clone());
        let ask = |text: &str| AgentRequest::new([text]).with_session("s");
        let first = start();
        first.client.chat(&ask("one")).await.expect("an answer");
        first.client.chat(&ask("calc 1+1")).await.expect("an answer");
        tokio::task::spawn_blocking(|| first.join()).await.expect("stops");
        let second = start();
        let state = second.client.memory(&json!("s")).await.expect("is known without being loaded");
        assert_eq!(state["memory"].len(), 6);
        assert_eq!(second.client.chat(&ask("two")).await.expect("an answer").text(), "one|calc 1+1|two");
    });
}

#[test]
fn idle_sessions_are_dropped() {
    run(async {
        let mut config = config();
        config.session_idle_seconds = 0.05;
        let stage = Stage::with(&Player::usual(), &Counter::default(), config);
        let request = AgentRequest::new(["one"]).with_session(1);
        stage.client.chat(&request).await.expect("an answer");
        until("the session is dropped", async || stage.client.memory(&json!(1)).await.is_err()).await;
        assert_eq!(stage.client.chat(&request).await.expect("an answer").text(), "one", "a new session");
    });
}

#[test]
fn the_server_says_what_it_has() {
    run(async {
        let stage = Stage::start(&Player::usual());
        assert_eq!(stage.client.health().await.expect("is well").status, "success");
        let agents = stage.client.agents().await.expect("a list").data;
        let names: Vec<_> = agents.iter().map(|agent| (agent.id.as_str(), agent.model.as_str())).collect();
        assert_eq!(names, [("solver", "player"), ("careful", "player")]);
        assert_eq!(agents[0].tools[0].name, "Calculator");
        let models = stage.client.openai().models().await.expect("a list").data;
        assert_eq!(models.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(), ["solver", "careful"]);
        assert!(stage.client.openai().model("careful").await.is_ok());
        assert!(stage.client.openai().model("nobody").await.is_err());
        stage.client.chat(&AgentRequest::new(["calc 1+1"])).await.expect("an answer");
        let metrics = stage.client.openai().metrics().await.expect("numbers");
        for line in [
            "lagent:runs_total{agent=\"solver\",status=\"finished\"} 1",
            "lagent:tool_calls_total{agent=\"solver\"} 1",
            "lagent:sessions 1",
            "lagent:http_requests_total{route=\"/chat_completion\",status=\"200\"} 1",
        ] {
            assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
        }
        for (method, path, status) in
            [("GET", "/nothing", 404), ("GET", "/chat_completion", 405), ("GET", "/v1/agents?x=1", 400)]
        {
            let (found, answer) = raw(&stage.url, method, path, None).await;
            assert_eq!(found, status, "{answer}");
            assert!(answer["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
        }
    });
}

#[test]
fn a_server_has_agents_of_different_names() {
    let error = Agents::new([]).expect_err("no agents").to_string();
    assert!(error.contains("agents: found nothing, expected at least one agent"), "{error}");
    assert_eq!(Value::from(0), AgentRequest::new(["a"]).session_id, "lagent's default");
}
