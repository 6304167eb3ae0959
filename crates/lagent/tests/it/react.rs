//! ReAct with models that almost keep to the format: what runs, what the model reads, what is asked of the server.

use std::sync::Arc;

use internlm_kit::testing::{Response, TestServer};
use lagent::action::{Action, ActionReturn, Calculator, ToolSpec, Toolbox};
use lagent::driver::{Ending, Silent, drive_blocking};
use lagent::llm::Scripted;
use lagent::protocol::{ErrorMode, Protocol, React};
use lagent::run::{AgentRun, AgentSpec, Finish, ModelOutcome};
use lagent::{Message, Role};
use serde_json::{Value, json};

use crate::terminal::program;

fn tools() -> Toolbox {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    tools
}

fn spec(errors: ErrorMode) -> AgentSpec {
    let mut protocol = React::default();
    protocol.errors = errors;
    AgentSpec::new(Protocol::React(protocol), tools().specs())
}

/// The run and its ending after these replies.
fn asked(errors: ErrorMode, replies: &[&str]) -> (AgentRun, Ending) {
    let mut run = AgentRun::new(spec(errors));
    let model = Scripted::new(replies.iter().copied());
    let question = vec![Message::user("What is 12 x 34?")];
    let ending = drive_blocking(&mut run, question, |asked| model.next(asked), &tools(), &mut Silent);
    (run, ending.expect("nothing can fail here"))
}

/// What the tools told the model.
fn told(run: &AgentRun) -> Vec<String> {
    let results = run.history().iter().filter(|message| message.role == Role::System);
    results.map(|message| message.text().to_owned()).collect()
}

const DONE: &str = "Thought: done\nFinal Answer: 408";

#[test]
fn the_tool_runs_and_what_the_model_made_up_is_forgotten() {
    let step =
        "Thought: I need to multiply.\nAction: Calculator\nAction Input: {\"expression\": \"12*34\"}\n";
    for made_up in ["Response: 999\n", "Response: 999\nThought: I know it now.\nFinal Answer: 999"] {
        let (run, ending) = asked(ErrorMode::Fixed, &[&format!("{step}{made_up}"), DONE]);
        assert_eq!((ending.answer().map(str::trim), run.used().tool_calls), (Some("408"), 1));
        assert_eq!(told(&run), ["Response:408\n"]);
        assert_eq!(run.history()[1].text(), step);
    }
}

#[test]
fn every_form_of_an_input_reaches_the_tool() {
    for call in [
        "Action: Calculator\nAction Input:\n```json\n{\n  \"expression\": \"12*34\"\n}\n```\n",
        "Action: **Calculator**\nAction Input: {'expression': '12*34'}",
        "**Action:** `calculator`\n**Action Input:** 12*34",
        "Action: [Calculator].\nAction Input: ~~~\n12*34\n~~~",
    ] {
        let (run, ending) = asked(ErrorMode::Fixed, &[&format!("Thought: x\n{call}"), DONE]);
        assert_eq!(told(&run), ["Response:408\n"], "{call}");
        assert_eq!(ending.answer().map(str::trim), Some("408"), "{call}");
    }
}

#[test]
fn what_cannot_be_read_is_corrected_in_words_that_help() {
    for (reply, expected) in [
        (
            "Action: Search\nAction Input: {\"query\": \"x\"}",
            "The action is invalid, please check the action name. Found `Search`, expected one of Calculator.",
        ),
        (
            "Action: Calculator\nAction Input: {\"expression\": 12*34}",
            "the action input is not valid JSON (expected `,` or `}` at line 1 column 18), expected an object",
        ),
        (
            "I would say 408.",
            "Please follow the format: `Action:` and `Action Input:` to use a tool, or `Final Answer:` to answer",
        ),
    ] {
        let (run, _) = asked(ErrorMode::Fixed, &[reply, DONE]);
        assert_eq!(told(&run), [format!("Response:{expected}\n")], "{reply}");
    }
}

#[test]
fn compat_reads_by_the_letter_as_lagent_does() {
    let made_up = "Action: Calculator\nAction Input: 1\nResponse: 999\nFinal Answer: 999";
    let (run, ending) = asked(ErrorMode::Compat, &[made_up]);
    assert_eq!((ending.answer(), run.used().tool_calls), (Some(" 999"), 0));
    let unknown = "Action: Search\nAction Input: {\"query\": \"x\"}";
    let (run, _) = asked(ErrorMode::Compat, &[unknown, DONE]);
    assert_eq!(told(&run), ["Response:{\"query\": \"x\"}\n"]);
    let unknown = "Action: Search\nAction Input:";
    let (run, _) = asked(ErrorMode::Compat, &[unknown, DONE]);
    assert_eq!(told(&run), ["Response:The action is invalid, please check the action name.\n"]);
}

/// A tool that returns characters which GBK does not have.
struct Smile(&'static str);

impl Action for Smile {
    fn spec(&self) -> ToolSpec {
        ToolSpec::with_texts(self.0, "Smiles.", &["command"])
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        ActionReturn::text(self.0, arguments.clone(), "好 😀 €5")
    }
}

#[test]
fn compat_drops_what_gbk_does_not_have_as_upstreams_parser_does() {
    for (errors, name, expected) in [
        (ErrorMode::Compat, "Smile", "Response:好  5\n"),
        (ErrorMode::Compat, "IPythonInterpreter", "Response:好 😀 €5\n"),
        (ErrorMode::Fixed, "Smile", "Response:好 😀 €5\n"),
    ] {
        let mut tools = Toolbox::default();
        tools.add(Arc::new(Smile(name)));
        let mut protocol = React::default();
        protocol.errors = errors;
        let mut run = AgentRun::new(AgentSpec::new(Protocol::React(protocol), tools.specs()));
        let call = format!("Thought: x\nAction: {name}\nAction Input: {{\"command\": \"smile\"}}\n");
        let model = Scripted::new([call.as_str(), DONE]);
        let question = vec![Message::user("Smile!")];
        drive_blocking(&mut run, question, |asked| model.next(asked), &tools, &mut Silent).expect("drives");
        assert_eq!(told(&run), [expected], "{name}");
    }
}

#[test]
fn compat_ends_with_upstreams_sentence_and_fixed_with_a_reason() {
    let nothing = ["I think.", "I think again.", "And again.", "Hm."];
    let (run, ending) = asked(ErrorMode::Compat, &nothing);
    assert_eq!(ending.answer(), Some("Sorry that I cannot answer your question."));
    assert_eq!((run.used().turns, told(&run).len()), (4, 4));
    let call = "Action: Calculator\nAction Input: 1";
    let (_, ending) = asked(ErrorMode::Fixed, &[call; 4]);
    let Ending::Failed { reason, best } = ending else { panic!("{ending:?}") };
    assert_eq!((reason.to_string().as_str(), best.as_deref()), ("limit max-turn reached", Some(call)));
}

#[test]
fn the_server_is_asked_to_stop_at_the_response() {
    for (errors, expected) in
        [(ErrorMode::Fixed, vec!["\nResponse:".to_owned()]), (ErrorMode::Compat, vec![])]
    {
        let mut stops = Vec::new();
        let mut run = AgentRun::new(spec(errors));
        let model = |asked: lagent::llm::ModelRequest<'_>| {
            stops.push(asked.params.stop.clone());
            ModelOutcome::text(DONE)
        };
        drive_blocking(&mut run, vec![Message::user("q")], model, &tools(), &mut Silent).expect("drives");
        assert_eq!(stops, [expected]);
    }
}

/// A server that answers every request with a text and this reason of its end.
fn server(text: &'static str, finish: &'static str) -> TestServer {
    TestServer::start(move |request| match request.path.as_str() {
        "/v1/models" => Response::models(512),
        _ if request.body["stream"] == true => {
            let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": finish});
            Response::Events(vec![json!({"choices": [choice]})])
        }
        _ => {
            let message = json!({"role": "assistant", "content": text});
            let choice = json!({"index": 0, "message": message, "finish_reason": finish});
            let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
            Response::Json(200, json!({"model": "tiny", "choices": [choice], "usage": usage}))
        }
    })
}

const AGENT: &str = "[protocol]\nkind = \"react\"\n[questions]\npath = \"q.jsonl\"\nout = \"out\"\n";

#[test]
fn requests_carry_the_stop_word_and_answers_that_were_cut_are_marked() {
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("a.toml"), AGENT).expect("writes");
    let question = "{\"id\": \"a\", \"question\": \"q\", \"answer\": 408}\n";
    std::fs::write(folder.path().join("q.jsonl"), question).expect("writes");
    for (finish, end, cut) in [("length", "cut", 1), ("stop", "finished", 0)] {
        let server = server("Final Answer: 408", finish);
        let set = format!("model.base-url={}", server.url());
        let ran = program(folder.path()).run(["run", "a.toml", "--set", &set]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let summary: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(summary["cut"], cut);
        let predictions =
            std::fs::read_to_string(folder.path().join("out/predictions.jsonl")).expect("reads");
        assert!(predictions.contains(&format!("\"end\":\"{end}\"")), "{predictions}");
        assert_eq!(server.requests().last().expect("was asked").body["stop"], json!(["\nResponse:"]));
        let chat = program(folder.path()).with_input("q\n").run(["chat", "a.toml", "--set", &set]);
        assert_eq!(chat.stdout.contains("[the answer is cut off"), finish == "length", "{}", chat.stdout);
    }
}

#[test]
fn a_pipe_gets_the_bytes_of_an_answer() {
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("a.toml"), AGENT).expect("writes");
    let answer = "Final Answer: hello \u{1b}]0;owned\u{7}\u{1b}[31mred";
    let server = server(answer, "stop");
    let set = format!("model.base-url={}", server.url());
    let chat = program(folder.path()).with_input("q\n").run(["chat", "a.toml", "--set", &set]);
    assert_eq!(chat.stdout, format!("{answer}\n"), "{}", chat.stderr);
    let shown = internlm_kit::terminal::visible(answer);
    assert_eq!(shown, "Final Answer: hello ^[]0;owned^G^[[31mred");
}

#[test]
fn a_reply_that_the_token_limit_cut_says_so_in_its_ending() {
    let mut run = AgentRun::new(spec(ErrorMode::Fixed));
    let model = |_: lagent::llm::ModelRequest<'_>| ModelOutcome::Reply {
        content: DONE.to_owned(),
        calls: Vec::new(),
        finish: Finish::Length,
        input_tokens: 1,
        output_tokens: 1,
        milliseconds: 0,
    };
    let ending = drive_blocking(&mut run, vec![Message::user("q")], model, &tools(), &mut Silent);
    assert!(matches!(ending, Ok(Ending::Finished { finish: Finish::Length, .. })), "{ending:?}");
}
