//! The agents besides ReAct: what is asked, what runs, how a question ends; the two benchmark prompts with real
//! Python; constrained decoding.

use std::sync::Arc;

use internlm_kit::config::parse;
use lagent::action::{Calculator, Toolbox};
use lagent::config::AgentConfig;
use lagent::driver::{Ending, Silent, drive_blocking};
use lagent::llm::Scripted;
use lagent::protocol::{
    AutoGpt, Constraint, ErrorMode, InternLm2, MathCoder, Plain, Protocol, React, ReactTemplate, Rewoo,
};
use lagent::run::{AgentRun, AgentSpec, Approval, Command, Event, Finish, Limits, ModelOutcome};
use lagent::{Channel, Message, Role};
use serde_json::{Value, json};

fn tools() -> Toolbox {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    tools
}

/// What happened to a question.
struct Seen {
    run: AgentRun,
    ending: Ending,
    /// The messages of every request as role and text.
    prompts: Vec<Vec<(Role, String)>>,
}

impl Seen {
    fn answer(&self) -> Option<&str> {
        self.ending.answer()
    }

    fn reason(&self) -> String {
        match &self.ending {
            Ending::Failed { reason, .. } => reason.to_string(),
            Ending::Finished { message, .. } => panic!("finished: {}", message.text()),
        }
    }

    /// Role and text of the last message of a request.
    fn last(&self, request: usize) -> (Role, &str) {
        let (role, text) = self.prompts[request].last().expect("a message");
        (*role, text)
    }
}

fn asked(spec: AgentSpec, tools: &Toolbox, replies: &[&str]) -> Seen {
    let mut run = AgentRun::new(spec);
    let model = Scripted::new(replies.iter().copied());
    let mut prompts = Vec::new();
    let question = vec![Message::user("What is 12 x 34, plus 1?")];
    let ending = drive_blocking(
        &mut run,
        question,
        |asked| {
            let texts = asked.messages.iter().map(|message| (message.role, message.text().to_owned()));
            prompts.push(texts.collect());
            model.next(asked)
        },
        tools,
        &mut Silent,
    );
    Seen { run, ending: ending.expect("nothing can fail here"), prompts }
}

fn rewoo(errors: ErrorMode) -> AgentSpec {
    let mut protocol = Rewoo::default();
    protocol.errors = errors;
    AgentSpec::new(Protocol::Rewoo(protocol), tools().specs())
}

const PLAN: &str = "Plan: multiply\n#E1 = Calculator[{\"expression\": \"12*34\"}]\n\
                    Plan: add one\n#E2 = Calculator[{\"expression\": \"#E1 + 1\"}]\n";

#[test]
fn rewoo_works_through_its_plan() {
    for errors in [ErrorMode::Fixed, ErrorMode::Compat] {
        let seen = asked(rewoo(errors), &tools(), &[PLAN, "It is 409."]);
        assert_eq!((seen.answer(), seen.run.used().tool_calls), (Some("It is 409."), 2));
        let (role, solver) = seen.last(1);
        assert_eq!((role, seen.prompts[1].len()), (Role::User, 1));
        let log = "\nThought: multiply\nResponse: 408\n\n\nThought: add one\nResponse: 409\n\n";
        assert!(solver.contains(log) && solver.contains("What is 12 x 34, plus 1?"), "{solver}");
        let texts: Vec<&str> = seen.run.history().iter().map(Message::text).collect();
        assert_eq!(texts, ["What is 12 x 34, plus 1?", PLAN, log, "It is 409."]);
    }
}

#[test]
fn rewoo_asks_for_another_plan_and_then_solves_without_one() {
    let seen = asked(rewoo(ErrorMode::Fixed), &tools(), &["409, I guess.", PLAN, "It is 409."]);
    assert_eq!((seen.answer(), seen.run.used().parse_errors), (Some("It is 409."), 1));
    let problem = "found no plan, expected lines `Plan: ..` and `#E1 = tool[input]`";
    let expected = format!("Response Format Error: {problem}. Please reply again:\n");
    assert_eq!(seen.last(1), (Role::System, expected.as_str()));
    let guesses = ["I guess.", "I still guess.", "409"];
    let seen = asked(rewoo(ErrorMode::Fixed), &tools(), &guesses);
    assert_eq!((seen.answer(), seen.run.used().turns, seen.run.used().parse_errors), (Some("409"), 3, 2));
    // Upstream takes a reply without any plan for a plan of no steps.
    let seen = asked(rewoo(ErrorMode::Compat), &tools(), &["I guess.", "409"]);
    assert_eq!((seen.answer(), seen.run.used().turns), (Some("409"), 2));
}

#[test]
fn a_step_that_fails_is_evidence_too() {
    let plan = "Plan: divide\n#E1 = Calculator[1/0]\nPlan: use it\n#E2 = Calculator[#E1]";
    let seen = asked(rewoo(ErrorMode::Fixed), &tools(), &[plan, "There is none."]);
    let (_, solver) = seen.last(1);
    assert!(solver.contains("Thought: divide\nResponse: ") && solver.contains("zero"), "{solver}");
    assert_eq!((seen.answer(), seen.run.used().tool_calls), (Some("There is none."), 2));
    let unknown = "Plan: look it up\n#E1 = Search[x]";
    let seen = asked(rewoo(ErrorMode::Compat), &tools(), &[unknown, "408"]);
    assert!(seen.last(1).1.contains("Response: x\n"), "upstream answers with the input");
    let later = "Plan: a\n#E1 = Calculator[#E2]";
    let seen = asked(rewoo(ErrorMode::Compat), &tools(), &[later]);
    assert_eq!(seen.reason(), "no usable call: list index out of range");
}

#[test]
fn limits_and_approvals_hold_inside_of_a_plan() {
    let mut limits = Limits::default();
    limits.tool_calls = Some(1);
    let seen = asked(rewoo(ErrorMode::Fixed).with_limits(limits), &tools(), &[PLAN]);
    assert_eq!((seen.reason().as_str(), seen.run.used().tool_calls), ("limit tool-calls reached", 1));
    let seen = asked(rewoo(ErrorMode::Fixed).with_approval(Approval::Always), &tools(), &[PLAN, "No."]);
    assert!(seen.last(1).1.contains("Response: The call was refused: "), "{:?}", seen.last(1));
    let mut run = AgentRun::new(rewoo(ErrorMode::Fixed));
    run.step(Event::Start { messages: vec![Message::user("q")] });
    run.step(Event::Model { request: 1, outcome: ModelOutcome::text(PLAN) });
    assert!(matches!(run.step(Event::Cancel)[..], [Command::Fail { .. }]));
    let commands = run.step(Event::Start { messages: vec![Message::user("again")] });
    assert!(matches!(commands[..], [Command::AskModel { .. }]), "{commands:?}");
}

fn autogpt(errors: ErrorMode) -> AgentSpec {
    let mut protocol = AutoGpt::default();
    protocol.errors = errors;
    AgentSpec::new(Protocol::AutoGpt(protocol), tools().specs())
}

fn command(name: &str, args: &Value) -> String {
    let thoughts = json!({"text": "a", "reasoning": "b", "plan": "c", "criticism": "d", "speak": "e"});
    json!({"thoughts": thoughts, "command": {"name": name, "args": args}}).to_string()
}

#[test]
fn autogpt_runs_commands_until_the_finish_command() {
    let call = command("Calculator", &json!({"expression": "12*34+1"}));
    let finish = command("FinishAction", &json!({"response": "409"}));
    let seen = asked(autogpt(ErrorMode::Fixed), &tools(), &[&format!("```json\n{call}\n```"), &finish]);
    assert_eq!((seen.answer(), seen.run.used().tool_calls), (Some("409"), 1));
    let roles: Vec<Role> = seen.prompts[1].iter().map(|(role, _)| *role).collect();
    assert_eq!(roles, [Role::System, Role::System, Role::Assistant, Role::System, Role::User]);
    assert!(seen.prompts[1][0].1.ends_with("fulfill the following goals:\nWhat is 12 x 34, plus 1?\n"));
    assert_eq!(seen.prompts[1][3].1, "Command Calculator returned: 409");
}

#[test]
fn autogpt_answers_what_it_cannot_understand() {
    let words = "I would multiply.";
    let seen = asked(autogpt(ErrorMode::Fixed), &tools(), &[words, words]);
    assert_eq!(seen.reason(), "limit max-turn reached");
    assert!(seen.prompts[1][3].1.starts_with("Your response could not be parsed"), "{:?}", seen.prompts[1]);
    let seen = asked(autogpt(ErrorMode::Compat), &tools(), &[words, words]);
    assert_eq!(seen.answer(), Some("Sorry that I cannot answer your question."));
}

#[test]
fn math_coder_runs_code_and_gives_the_reply_without_code() {
    let mut protocol = MathCoder::default();
    protocol.interpreter = "Calculator".to_owned();
    let mut tool = tools().specs().remove(0);
    tool.parameters = json!({"type": "object", "properties": {"command": {}}, "required": ["command"]});
    let mut run = AgentRun::new(AgentSpec::new(Protocol::MathCoder(protocol), vec![tool]));
    assert_eq!(run.spec().max_turn(), 6);
    let asked = run.step(Event::Start { messages: vec![Message::user("1+1?")] });
    let [Command::AskModel { messages, grammar: None, .. }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(messages[0].channel, Some(Channel::Interpreter));
    let code = "So.<|action_start|><|interpreter|>\n1+1<|action_end|>";
    let commands = run.step(Event::Model { request: 1, outcome: ModelOutcome::text(code) });
    let [_, Command::CallTool { args, .. }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(*args, json!({"command": "1+1"}));
}

#[test]
fn an_agent_without_tools_answers_with_its_reply() {
    let mut protocol = Plain::default();
    (protocol.system, protocol.format) = (Some("Be brief.".to_owned()), Some("One number.".to_owned()));
    let seen = asked(AgentSpec::new(Protocol::Plain(protocol), Vec::new()), &tools(), &["409"]);
    assert_eq!((seen.answer(), seen.run.used().turns), (Some("409"), 1));
    assert_eq!(seen.prompts[0][0], (Role::System, "Be brief.\nOne number.".to_owned()));
}

#[test]
fn compat_drops_a_broken_plugin_call_and_asks_again() {
    let protocol = InternLm2 { errors: ErrorMode::Compat, ..InternLm2::default() };
    let spec = AgentSpec::new(Protocol::InternLm2(protocol), tools().specs());
    let broken = "t<|action_start|><|plugin|>\n{<|action_end|>";
    let seen = asked(spec.clone(), &tools(), &[broken, "409"]);
    assert_eq!((seen.answer(), seen.run.used().parse_errors, seen.run.history().len()), (Some("409"), 1, 2));
    assert_eq!(seen.prompts[0], seen.prompts[1]);
    let seen = asked(spec, &tools(), &[broken; 4]);
    assert_eq!(seen.answer(), Some(""));
}

#[test]
fn the_defaults_of_turns_are_upstreams() {
    let default = |text: &str| {
        let config: AgentConfig = parse(text, "agent.toml").expect("a good file");
        config.spec(&Toolbox::default()).max_turn()
    };
    assert_eq!(default(""), 4);
    for (kind, turns) in [("internlm2", 4), ("react", 4), ("rewoo", 2), ("autogpt", 2), ("plain", 1)] {
        assert_eq!(default(&format!("[protocol]\nkind = \"{kind}\"")), turns, "{kind}");
    }
    assert_eq!(default("[protocol]\nkind = \"react\"\ntemplate = \"cibench_react\""), 3);
    assert_eq!(default("[protocol]\nkind = \"rewoo\"\nlanguage = \"cn\"\n[limits]\nmax-turn = 5"), 5);
}

#[test]
fn constrained_agents_send_a_grammar() {
    let grammar = |protocol: Protocol| {
        let spec = AgentSpec::new(protocol, tools().specs()).with_constraint(Constraint::Calls);
        let commands = AgentRun::new(spec).step(Event::Start { messages: vec![Message::user("q")] });
        match commands.into_iter().next() {
            Some(Command::AskModel { grammar, .. }) => {
                grammar.map(|fields| fields["response_format"].clone())
            }
            other => panic!("{other:?}"),
        }
    };
    for protocol in [
        Protocol::InternLm2(InternLm2::default()),
        Protocol::React(React::default()),
        Protocol::Rewoo(Rewoo::default()),
    ] {
        let format = grammar(protocol).expect("a grammar");
        assert_eq!(format["type"], "grammar");
        assert!(format["grammar"].as_str().is_some_and(|rules| rules.starts_with("start: ")), "{format}");
    }
    let format = grammar(Protocol::AutoGpt(AutoGpt::default())).expect("a schema");
    assert_eq!(format["type"], "json_schema");
    assert_eq!(grammar(Protocol::Plain(Plain::default())), None);
    let free = AgentRun::new(autogpt(ErrorMode::Fixed)).step(Event::Start { messages: vec![] });
    assert!(matches!(free[..], [Command::AskModel { grammar: None, .. }]));
}

/// Runs an agent file with real tools, or says why that is not possible here.
fn with_real_tools(agent: &str, replies: &[&str]) -> Option<Seen> {
    let config: AgentConfig = parse(agent, "agent.toml").expect("a good file");
    let tools = match config.toolbox() {
        Ok(tools) => tools,
        Err(error) => {
            println!("skipped: {error}");
            return None;
        }
    };
    Some(asked(config.spec(&tools), &tools, replies))
}

#[test]
fn cibench_runs_cells_in_one_session() {
    let agent =
        "tools = [\"IPythonInterpreter\"]\n[protocol]\nkind = \"react\"\ntemplate = \"cibench_react\"";
    let replies = [
        "Thought: Load it.\nAction: IPythonInterpreter\nAction Input: ```python\nxs = [3, 1, 2]\n```\n",
        "Thought: Sum it.\nAction: IPythonInterpreter\nAction Input: ```python\nprint(sum(xs))\n```\nResponse: 7\n",
        "Thought: done\nFinal Answer: 6",
    ];
    let Some(seen) = with_real_tools(agent, &replies) else { return };
    assert_eq!((seen.answer().map(str::trim), seen.run.used().tool_calls), (Some("6"), 2));
    let results: Vec<&Message> =
        seen.run.history().iter().filter(|message| message.role == Role::System).collect();
    assert_eq!(results[1].text().trim(), "Response:6");
    let forced = "You should directly give results based on history information.";
    assert_eq!(seen.last(2), (Role::System, forced));
}

#[test]
fn math_runs_a_solution() {
    let agent = "tools = [\"PythonInterpreter\"]\n[protocol]\nkind = \"react\"\ntemplate = \"math_react\"";
    let replies = [
        "Tool:PythonInterpreter\nTool Input:```python\ndef solution():\n    return 12 * 34 + 1\n```",
        "FinalAnswer: The final answer is $409$. I hope it is correct.",
    ];
    let Some(seen) = with_real_tools(agent, &replies) else { return };
    let answer = seen.answer().map(str::trim);
    assert_eq!(answer, Some("The final answer is $409$. I hope it is correct."));
    assert_eq!(seen.last(1), (Role::System, "Response:409\n"));
    let examples = React::of(ReactTemplate::MathReact).examples;
    let shown: Vec<&str> = seen.prompts[0][1..5].iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(shown, examples.iter().map(Message::text).collect::<Vec<_>>());
    assert!(matches!(seen.ending, Ending::Finished { finish: Finish::Stop, .. }));
}
