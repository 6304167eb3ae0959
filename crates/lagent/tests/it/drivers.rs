//! Drivers, batches and files through the library: tools that hang, runs that are stopped, broken transcripts.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use internlm_kit::context::RunContext;
use internlm_kit::exit::BadInput;
use internlm_kit::stop::Stop;
use lagent::action::{Action, ActionReturn, ActionState, Calculator, CallContext, ToolSpec};
use lagent::batch::{Batch, Question, Start};
use lagent::config::AgentConfig;
use lagent::driver::{Ending, Silent, ToolAccess, Watcher, World, drive, drive_blocking};
use lagent::hook::{Hook, Hooks, PendingAction, Refusal};
use lagent::llm::{LanguageModel, ModelRequest, Scripted};
use lagent::run::{Command, Event, FailReason, FailureKind, Limits, Machine, ModelOutcome};
use lagent::transcript::replay;
use lagent::{AgentRun, AgentSpec, Error, Message, Toolbox};
use serde_json::{Value, json};

/// A tool that sleeps, panics or answers, as its argument says.
struct Moody;

impl Action for Moody {
    fn spec(&self) -> ToolSpec {
        ToolSpec::with_texts("Moody", "Does what it likes.", &["mood"])
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        match arguments["mood"].as_str() {
            Some("sleep") => std::thread::sleep(Duration::from_secs(30)),
            Some("panic") => panic!("as asked for by the test"),
            _ => {}
        }
        ActionReturn::text("Moody", arguments.clone(), "fine")
    }
}

fn call(mood: &str) -> String {
    format!(
        "<|action_start|><|plugin|>\n{{\"name\": \"Moody\", \"parameters\": {{\"mood\": \"{mood}\"}}}}<|action_end|>"
    )
}

/// What the model reads from the tool.
fn results(run: &AgentRun) -> Vec<String> {
    let results = run.history().iter().filter(|message| message.role == lagent::Role::Environment);
    results.map(|message| serde_json::to_value(message).expect("serializes")["content"].to_string()).collect()
}

#[test]
fn a_tool_that_hangs_or_panics_is_an_error_for_the_model() {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Moody));
    let mut limits = Limits::default();
    limits.tool_milliseconds = 3000;
    let agent = AgentSpec::internlm2(tools.specs()).with_limits(limits);
    let model =
        Scripted::new([format!("{}{}{}", call("sleep"), call("panic"), call("good")), "Well.".to_owned()]);
    let mut run = AgentRun::new(agent);
    let question = vec![Message::user("How are you?")];
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = World::new(&model, &tools);
    let ending = runtime.block_on(drive(&mut run, question, world, &mut Silent)).expect("drives");
    // Without waiting for the thread that still sleeps.
    runtime.shutdown_background();
    assert_eq!(ending.answer(), Some("Well."));
    assert_eq!(
        results(&run),
        ["\"the tool did not end within 3000 ms\"", "\"the tool panicked\"", "\"fine\""]
    );
}

#[test]
fn both_drivers_give_the_same_conversation() {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Moody));
    let script = || Scripted::new([format!("Hm.{}", call("good")), call("good"), "Done.".to_owned()]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut live = AgentRun::new(AgentSpec::internlm2(tools.specs()));
    let model = script();
    let question = || vec![Message::user("?")];
    runtime.block_on(drive(&mut live, question(), World::new(&model, &tools), &mut Silent)).expect("drives");
    let mut blocking = AgentRun::new(AgentSpec::internlm2(tools.specs()));
    let model = script();
    drive_blocking(&mut blocking, question(), |asked| model.next(asked), &tools, &mut Silent)
        .expect("drives");
    assert_eq!(live.history(), blocking.history());
    assert_eq!(live.history().len(), 6);
}

/// A tool that says which session calls it.
struct Where;

impl Action for Where {
    fn spec(&self) -> ToolSpec {
        ToolSpec::with_texts("Where", "Says where it is.", &["place"])
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        self.call_in(&CallContext::default(), arguments)
    }

    fn call_in(&self, context: &CallContext<'_>, arguments: &Value) -> ActionReturn {
        let text = format!("{} {} {:?}", context.session, arguments["place"], context.deadline);
        ActionReturn::text("Where", arguments.clone(), text)
    }
}

/// A hook that changes everything it may change, and refuses what is forbidden.
struct Meddler;

impl Hook for Meddler {
    fn before_agent(&self, _: &str, messages: &mut Vec<Message>) -> Result<(), Refusal> {
        if messages[0].text() == "forbidden" {
            return Err(Refusal::new("not today"));
        }
        messages[0] = Message::user("changed");
        Ok(())
    }

    fn after_agent(&self, session: &str, answer: &mut Message) {
        *answer = Message::assistant(format!("{} [{session}]", answer.text()));
    }

    fn before_action(&self, action: &mut PendingAction) -> Result<(), Refusal> {
        if action.args["place"] == "there" {
            return Err(Refusal::new("too far"));
        }
        action.args = json!({"place": "here"});
        Ok(())
    }

    fn after_action(&self, _: &PendingAction, value: &mut ActionReturn) {
        for item in &mut value.result {
            item.content.push('!');
        }
    }
}

#[test]
fn hooks_and_sessions_reach_every_call_in_both_drivers() {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Where));
    let hooks = Hooks::default();
    let handle = hooks.register(Arc::new(Meddler));
    let place =
        |place: &str| call("x").replace("Moody", "Where").replace("mood", "place").replace("\"x\"", place);
    let script =
        || Scripted::new([format!("{}{}", place("\"home\""), place("\"there\"")), "Done.".to_owned()]);
    let agent = || AgentRun::new(AgentSpec::internlm2(tools.specs()));
    let question = |text: &str| vec![Message::user(text)];

    let (mut live, model) = (agent(), script());
    let world = World::new(&model, &tools).with_hooks(&hooks).with_session("s1");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ending = runtime.block_on(drive(&mut live, question("q"), world, &mut Silent)).expect("drives");
    assert_eq!(ending.answer(), Some("Done. [s1]"));

    let (mut blocking, model) = (agent(), script());
    let access = || ToolAccess::from(&tools).with_hooks(&hooks).with_session("s1");
    drive_blocking(&mut blocking, question("q"), |asked| model.next(asked), access(), &mut Silent)
        .expect("drives");
    assert_eq!(live.history(), blocking.history());
    let texts: Vec<&str> = live.history().iter().map(Message::text).collect();
    assert_eq!(texts, ["changed", "", "s1 \"here\" 60s!", "The call was refused: too far", "Done."]);

    let never = |_: ModelRequest<'_>| -> ModelOutcome { panic!("nothing may be asked") };
    let ending = drive_blocking(&mut agent(), question("forbidden"), never, access(), &mut Silent);
    let Ok(Ending::Failed { reason, best: None }) = ending else { panic!("{ending:?}") };
    assert_eq!(reason.to_string(), "refused: not today");

    handle.remove();
    let (mut machine, model) = (Machine::from(agent()), script());
    let ending =
        drive_blocking(&mut machine, question("q"), |asked| model.next(asked), access(), &mut Silent);
    assert_eq!(ending.expect("drives").answer(), Some("Done."));
    assert_eq!(machine.history()[3].text(), "s1 \"there\" 60s");
}

#[test]
fn a_run_that_is_busy_takes_no_second_question() {
    let mut run = AgentRun::new(AgentSpec::internlm2(Vec::new()));
    run.step(Event::Start { messages: vec![Message::user("first")] });
    let model = |_: ModelRequest<'_>| ModelOutcome::text("never asked");
    let asked =
        drive_blocking(&mut run, vec![Message::user("second")], model, &Toolbox::default(), &mut Silent);
    assert!(matches!(asked, Err(Error::NotReady)));
}

/// A watcher that fails at its first command.
struct Full;

impl Watcher for Full {
    fn command(&mut self, _: &Command) -> lagent::Result<()> {
        Err(std::io::Error::other("the disk is full").into())
    }
}

#[test]
fn an_error_of_the_watcher_stops_the_driver() {
    let mut run = AgentRun::new(AgentSpec::internlm2(Vec::new()));
    let model = |_: ModelRequest<'_>| -> ModelOutcome { panic!("nothing may be asked") };
    let error = drive_blocking(&mut run, vec![Message::user("?")], model, &Toolbox::default(), &mut Full)
        .expect_err("the watcher fails");
    assert!(error.to_string().contains("the disk is full") && !error.is_bad_input(), "{error}");
}

/// A model that asks for a stop after some requests, and fails after others.
struct Counting {
    asked: AtomicUsize,
    stop_at: usize,
    stop: Stop,
    fail_at: usize,
}

impl LanguageModel for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    async fn chat(&self, _: ModelRequest<'_>) -> ModelOutcome {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        if asked == self.stop_at {
            self.stop.request();
        }
        if asked == self.fail_at {
            let message = "connection reset".to_owned();
            return ModelOutcome::Failed { kind: FailureKind::Network, message, milliseconds: 1 };
        }
        ModelOutcome::text("It is 7.")
    }
}

fn counting(stop_at: usize, fail_at: usize, stop: &Stop) -> Counting {
    Counting { asked: AtomicUsize::new(0), stop_at, stop: stop.clone(), fail_at }
}

#[tokio::test]
async fn a_stopped_or_broken_batch_keeps_what_is_finished() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (agent, tools) = (AgentSpec::internlm2(Vec::new()), Toolbox::default());
    let questions: Vec<_> = (0..6)
        .map(|index| Question::new(format!("q{index}"), "?", if index < 3 { "7" } else { "8" }))
        .collect();
    let stop = Stop::new();
    let context = RunContext::default().with_stop(stop.clone());
    let stopping = counting(2, 99, &stop);
    let batch =
        |model| Batch::new(&agent, World::new(model, &tools), &questions, folder.path()).with_concurrency(1);
    let error = batch(&stopping).run(Start::Resume, &context).await.expect_err("stopped");
    assert!(matches!(error, Error::Stopped { finished: 2, total: 6 }), "{error}");
    // The network fails at the third of the four questions that are left.
    let broken = counting(99, 3, &stop);
    let error = batch(&broken).run(Start::Resume, &RunContext::default()).await.expect_err("broken");
    assert!(matches!(&error, Error::Interrupted { id, .. } if id == "q4"), "{error}");
    assert!(!error.is_bad_input() && !folder.path().join("summary.json").exists());
    let good = counting(99, 99, &stop);
    let summary = batch(&good).run(Start::Resume, &RunContext::default()).await.expect("finishes");
    assert_eq!((good.asked.load(Ordering::SeqCst), summary.questions, summary.agent_accuracy), (2, 6, 50.0));
    assert!(!folder.path().join("journal.jsonl").exists());
    // A fresh start asks everything again.
    let good = counting(99, 99, &stop);
    batch(&good).run(Start::Fresh, &RunContext::default()).await.expect("finishes");
    assert_eq!(good.asked.load(Ordering::SeqCst), 6);
    let done = replay(folder.path().join("transcripts.jsonl")).expect("replays");
    assert_eq!((done.runs, done.events, done.commands), (6, 12, 12));
}

#[test]
fn broken_transcripts_name_the_line() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("t.jsonl");
    for (text, message) in [
        ("", "line 1: found no run, expected the transcript of at least one"),
        ("{\"event\":{\"type\":\"cancel\"}}", "line 1: found an event before any `run`"),
        ("{}", "line 1: expected exactly one of `run`, `event` and `command`"),
        ("{\"shape\":1}", "line 1: unknown field `shape`"),
        ("not JSON", "line 1: expected ident"),
    ] {
        fs::write(&path, text).expect("writes");
        let error = replay(&path).expect_err(message);
        assert!(error.is_bad_input() && error.to_string().contains(message), "{error}");
    }
}

#[test]
fn agent_files_are_checked_as_a_whole() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("a.toml");
    fs::write(&path, "tools = [\"Calculator\"]\n").expect("writes");
    let config = AgentConfig::load(&path).expect("a good file");
    assert_eq!((config.limits.max_turn, config.sampling.max_tokens, config.model.retries), (None, 512, 3));
    for (set, message) in [
        (
            "protocol={kind=\"internlm2\", interpreter=\"PythonInterpreter\"}",
            "protocol.interpreter: found `PythonInterpreter`, expected one of `tools`",
        ),
        ("sampling.temperature=3", "sampling.temperature: found 3, expected 0 to 2"),
        ("sampling.top-p=0", "sampling.top-p: found 0, expected above 0, at most 1"),
        ("sampling.max-tokens=0", "sampling.max-tokens: found 0, expected at least 1"),
        ("sampling.stop=[\"\"]", "sampling.stop: found an empty text"),
        (
            "questions={path=\"q\", out=\"o\", concurrency=0}",
            "questions.concurrency: found 0, expected at least 1",
        ),
    ] {
        let error = AgentConfig::load_with(&path, &[set]).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
    let react = AgentConfig::load_with(&path, &["protocol={kind=\"react\"}"]).expect("another protocol");
    let tools = react.toolbox().expect("its tools work here");
    let mut run = AgentRun::new(react.spec(&tools));
    let model = Scripted::new(["Thought: easy\nAction: Calculator\nAction Input: 6*7", "Final Answer: 42"]);
    let ending =
        drive_blocking(&mut run, vec![Message::user("6*7?")], |asked| model.next(asked), &tools, &mut Silent);
    assert_eq!(ending.expect("drives").answer().map(str::trim), Some("42"));
}

#[test]
fn a_script_that_is_over_is_a_failure() {
    let mut run = AgentRun::new(AgentSpec::internlm2(vec![Calculator.spec()]));
    let model = Scripted::new(Vec::<String>::new());
    let ending = drive_blocking(
        &mut run,
        vec![Message::user("?")],
        |asked| model.next(asked),
        &Toolbox::default(),
        &mut Silent,
    );
    let Ok(Ending::Failed { reason, .. }) = ending else { panic!("{ending:?}") };
    assert!(matches!(&reason, FailReason::Model { kind: FailureKind::Rejected, .. }), "{reason}");
    assert_eq!(reason.to_string(), "the model request failed: the script has no more replies");
    let unknown = Toolbox::default().call("Nothing", &json!({}));
    assert_eq!(
        (unknown.state, unknown.for_model()),
        (ActionState::ApiError, "invalid API: Nothing".to_owned())
    );
}
