//! Streamed chats with agents that call tools: what comes while a reply is written, whatever its pieces are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use lagent::action::{Calculator, Toolbox};
use lagent::llm::{Deltas, LanguageModel, ModelRequest};
use lagent::protocol::{AutoGpt, InternLm2, Plain, Protocol, React, Rewoo};
use lagent::run::{AgentRun, AgentSpec, ModelOutcome};
use lagent::serve::{Agents, ServedAgent};
use lmdeploy::protocol::{ChatMessage, ChatRequest, FinishReason};
use tokio::sync::Notify;

use super::stage::{Stage, calculate, config, run};

/// Number of streams of each agent, with pieces of other sizes each time.
const ROUNDS: usize = 8;

/// A model that says its replies over and over, in pieces of one to seven letters.
struct Pieces {
    replies: Vec<String>,
    asked: AtomicUsize,
    sent: AtomicUsize,
}

impl LanguageModel for Pieces {
    fn name(&self) -> &str {
        "pieces"
    }

    async fn chat(&self, _: ModelRequest<'_>) -> ModelOutcome {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        ModelOutcome::text(self.replies[asked % self.replies.len()].as_str())
    }

    async fn stream(&self, request: ModelRequest<'_>, deltas: Deltas<'_>) -> ModelOutcome {
        let outcome = self.chat(request).await;
        let ModelOutcome::Reply { content, .. } = &outcome else { return outcome };
        let mut letters = content.chars().peekable();
        while letters.peek().is_some() {
            let sent = self.sent.fetch_add(1, Ordering::SeqCst);
            // A prime number, so that no round is like another one.
            let size = 1 + sent * 7919 % 1009 % 7;
            deltas(&letters.by_ref().take(size).collect::<String>());
            tokio::task::yield_now().await;
        }
        outcome
    }
}

fn agent(name: &str, protocol: Protocol, replies: &[&str]) -> ServedAgent {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    let replies = replies.iter().map(|reply| (*reply).to_owned()).collect();
    let model = Pieces { replies, asked: AtomicUsize::new(0), sent: AtomicUsize::new(0) };
    let spec = AgentSpec::new(protocol, tools.specs());
    ServedAgent::new(name, AgentRun::new(spec), model, tools)
}

/// The agents, each with its protocol.
const NAMES: [&str; 5] = ["plain", "internlm2", "react", "rewoo", "autogpt"];

fn agents() -> [ServedAgent; 5] {
    let thoughts =
        r#""thoughts": {"text": "a", "reasoning": "b", "plan": "c", "criticism": "d", "speak": "e"}"#;
    let command = |name: &str, arguments: &str| {
        format!("{{{thoughts}, \"command\": {{\"name\": \"{name}\", \"args\": {arguments}}}}}")
    };
    let calculation = command("Calculator", r#"{"expression": "12*34"}"#);
    let finish = command("FinishAction", r#"{"response": "408 it is"}"#);
    let step = "Thought: multiply\nAction: Calculator\nAction Input: {\"expression\": \"12*34\"}";
    let done = "Thought: done\nFinal Answer: It is\n408, 不是 407.\nThought: no\nFinal Answer: 7";
    let plan = "Plan: multiply\n#E1 = Calculator[{\"expression\": \"12*34\"}]\n";
    [
        agent("plain", Protocol::Plain(Plain::default()), &["It is 408, 不是 407."]),
        agent("internlm2", Protocol::InternLm2(InternLm2::default()), &[&calculate("12*34"), "It is 408."]),
        agent("react", Protocol::React(React::default()), &[step, done]),
        agent("rewoo", Protocol::Rewoo(Rewoo::default()), &[plan, "It is 408."]),
        agent("autogpt", Protocol::AutoGpt(AutoGpt::default()), &[&calculation, &finish]),
    ]
}

fn ask(agent: &str) -> ChatRequest {
    ChatRequest::new([ChatMessage::user("What is 12 * 34?")]).with_model(agent)
}

/// What a stream has said.
#[derive(Default)]
struct Said {
    reasoning: String,
    /// Pieces of the answer that are not empty.
    content: Vec<String>,
    finish: Option<FinishReason>,
}

async fn streamed(stage: &Stage, agent: &str) -> Said {
    let mut stream = stage.client.openai().chat_stream(&ask(agent)).await.expect("a stream");
    let mut said = Said::default();
    while let Some(chunk) = stream.next().await {
        for choice in chunk.expect("a chunk").choices {
            said.reasoning.push_str(&choice.delta.reasoning_content.unwrap_or_default());
            said.content.extend(choice.delta.content.filter(|text| !text.is_empty()));
            said.finish = choice.finish_reason.or(said.finish);
        }
    }
    said
}

#[test]
fn a_stream_has_the_answer_of_the_request_without_one() {
    run(async {
        let stage = Stage::of(Agents::new(agents()).expect("agents of different names"), config());
        for name in NAMES {
            let whole = stage.client.openai().chat(&ask(name)).await.expect("an answer").text();
            for _ in 0..ROUNDS {
                let said = streamed(&stage, name).await;
                assert_eq!(said.content.concat(), whole, "{name}");
                assert_eq!(said.finish, Some(FinishReason::Stop), "{name}");
                let calls = said.reasoning.matches("\n[calling Calculator]\n").count();
                assert_eq!(calls, usize::from(name != "plain"), "{name}: {}", said.reasoning);
                let is_live = matches!(name, "plain" | "react" | "rewoo");
                assert_eq!(said.content.len() > 1, is_live, "{name}: {:?}", said.content);
            }
        }
    });
}

/// A model that stops in the middle of its answer until it is told to continue.
struct Halting(Arc<Notify>);

impl LanguageModel for Halting {
    fn name(&self) -> &str {
        "halting"
    }

    async fn chat(&self, _: ModelRequest<'_>) -> ModelOutcome {
        ModelOutcome::text("Thought: easy\nFinal Answer: one two")
    }

    async fn stream(&self, request: ModelRequest<'_>, deltas: Deltas<'_>) -> ModelOutcome {
        deltas("Thought: easy\nFinal Answer: one");
        self.0.notified().await;
        deltas(" two");
        self.chat(request).await
    }
}

#[test]
fn the_beginning_of_an_answer_does_not_wait_for_its_end() {
    run(async {
        let more = Arc::new(Notify::new());
        let spec = AgentSpec::new(Protocol::React(React::default()), Vec::new());
        let model = Halting(Arc::clone(&more));
        let agent = ServedAgent::new("halting", AgentRun::new(spec), model, Toolbox::default());
        let stage = Stage::of(Agents::new([agent]).expect("an agent"), config());
        let mut stream = stage.client.openai().chat_stream(&ask("halting")).await.expect("a stream");
        let (mut reasoning, mut content) = (String::new(), Vec::new());
        while let Some(chunk) = stream.next().await {
            for choice in chunk.expect("a chunk").choices {
                reasoning.push_str(&choice.delta.reasoning_content.unwrap_or_default());
                content.extend(choice.delta.content.filter(|text| !text.is_empty()));
            }
            if content == [" one"] {
                // The model has not said more yet.
                more.notify_one();
            }
        }
        assert_eq!(reasoning, "Thought: easy\nFinal Answer:");
        assert_eq!(content, [" one", " two"]);
    });
}

#[test]
fn an_answer_that_is_taken_back_ends_the_stream_with_an_error() {
    run(async {
        let reply = "Perhaps\nFinal Answer: 1\nor not?</think>\nFinal Answer: 408";
        let agent = agent("thinker", Protocol::React(React::default()), &[reply]);
        let stage = Stage::of(Agents::new([agent]).expect("an agent"), config());
        let whole = stage.client.openai().chat(&ask("thinker")).await.expect("an answer");
        assert_eq!(whole.text(), " 408");
        let mut stream = stage.client.openai().chat_stream(&ask("thinker")).await.expect("a stream");
        let mut last = None;
        while let Some(chunk) = stream.next().await {
            last = Some(chunk);
        }
        let error = last.expect("something").expect_err("another answer").to_string();
        assert!(error.contains("ask without `stream`"), "{error}");
    });
}
