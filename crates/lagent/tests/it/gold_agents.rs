//! Gold agents of two benchmarks: a script plays the right code, and the real tools run it in the sandbox.
//!
//! CIBench's template experiments need libraries that a plain Python does not have: `LAGENT_TEST_JUPYTER` names a
//! Python that has them. `LAGENT_GOLD=all` plays every experiment and every MATH question instead of the first few.
//! The archive has no outputs, few of the tables, and none of the pictures, so they are drawn: the code also runs
//! without an agent, and what an agent gets has to be the same.

mod experiment;

use std::path::Path;
use std::time::Duration;

use internlm_kit::sandbox::SandboxConfig;
use internlm_kit::testing::shared_data;
use lagent::action::{ActionReturn, CallContext, Service, ToolSettings, Toolbox};
use lagent::driver::{CallResults, Ending, ToolAccess, drive_blocking};
use lagent::llm::Scripted;
use lagent::protocol::{Protocol, React, ReactTemplate};
use lagent::run::{AgentRun, AgentSpec};
use lagent::{Message, Role};
use serde_json::{Value, json};

use self::experiment::{Experiment, Step, open_folder, unpacked};
use crate::local_tools::measured;

const NOTEBOOK: &str = "IPythonInterpreter";
const PROGRAM: &str = "PythonInterpreter";
/// A Python with ipykernel and libraries, for machines whose `python3` has none.
const PYTHON: &str = "LAGENT_TEST_JUPYTER";
/// Number of experiments and of MATH questions unless all are asked for.
const FEW: (usize, usize) = (2, 10);

fn all() -> bool {
    std::env::var("LAGENT_GOLD").is_ok_and(|value| value == "all")
}

/// A tool that may read `data`, with enough of everything for the libraries; `None` with a visible line without Python.
fn tools(name: &str, data: &Path) -> Option<Toolbox> {
    let sandbox = SandboxConfig::default()
        .with_processes(256)
        .with_memory_mib(8192)
        .with_cpu_seconds(120)
        .with_open_files(512)
        .with_readable(data);
    let mut settings = ToolSettings::new(sandbox).with_folder(data.join("files"));
    if let Ok(python) = std::env::var(PYTHON) {
        let extra = [("python".to_owned(), Value::from(python))].into();
        settings = settings.with_service(name, Service { extra, ..Service::default() });
    }
    let tools = Toolbox::with_tools(&[name.to_owned()], &settings).expect("some sandbox level works");
    match tools.first_unavailable() {
        None => Some(tools),
        Some((_, reason)) => {
            println!("skipped: {reason}");
            None
        }
    }
}

fn agent(template: ReactTemplate, tools: &Toolbox) -> AgentRun {
    AgentRun::new(AgentSpec::new(Protocol::React(React::of(template)), tools.specs()))
}

/// A reply of CIBench's format.
fn code_reply(code: &str) -> String {
    format!("Thought: The next step.\nAction: {NOTEBOOK}\nAction Input: ```python\n{code}\n```\n")
}

/// Runs code in the notebook of a session, without an agent.
fn direct(tools: &Toolbox, session: &str, code: &str) -> ActionReturn {
    let context = CallContext { session, deadline: Duration::from_secs(60), ..CallContext::default() };
    tools.call_in(&context, NOTEBOOK, &json!({"command": code}))
}

/// Makes the data of an experiment visible in the folder of a session, as upstream does for its notebook.
fn link(tools: &Toolbox, session: &str, experiment: &Experiment) {
    let folder = experiment.folder.join("data");
    let code = format!("import os\nos.symlink({:?}, 'data')", folder.display().to_string());
    let linked = direct(tools, session, &code);
    assert_eq!(linked.errmsg, None);
}

/// The names of the libraries that this Python does not have.
fn missing(tools: &Toolbox, modules: &[String]) -> String {
    let code = format!(
        "import importlib.util\nprint(' '.join(m for m in {modules:?} if importlib.util.find_spec(m) is None))"
    );
    direct(tools, "probe", &code).for_model()
}

/// The execute result of a step, or else what it printed.
fn output(result: &ActionReturn) -> Option<&str> {
    let text = result.result.iter().rfind(|item| item.kind == "text");
    text.map(|item| item.content.as_str())
}

fn shows_image(result: &ActionReturn) -> bool {
    result.result.iter().any(|item| item.kind == "image")
}

/// Numbers of steps, of those with a call of the notebook, and of what came of it.
#[derive(Debug, Default)]
struct Score {
    steps: usize,
    called: usize,
    executed: usize,
    /// Steps whose code fails here without an agent as well.
    gold_fails: usize,
    /// Numeric results that are those of the code without an agent, and all of them.
    numbers: (usize, usize),
    images: usize,
}

impl Score {
    /// Adds one step: the results of the agent's calls and that of the same code without an agent.
    fn add(&mut self, step: &Step, calls: &CallResults, gold: &ActionReturn) {
        self.steps += 1;
        let Some(result) = calls.last_of(NOTEBOOK) else { return };
        self.called += 1;
        self.executed += usize::from(result.errmsg.is_none());
        self.gold_fails += usize::from(gold.errmsg.is_some());
        self.images += usize::from(shows_image(result));
        assert_eq!(result.errmsg.is_none(), gold.errmsg.is_none(), "{}: {}", step.code, result.for_model());
        assert_eq!(shows_image(result), shows_image(gold), "{}", step.code);
        if step.kind == "num" {
            self.numbers.1 += 1;
            self.numbers.0 += usize::from(output(result) == output(gold));
        }
    }
}

/// Mode `every`: one conversation in which each question follows the agent's own answers.
fn play(tools: &Toolbox, experiment: &Experiment, score: &mut Score) {
    for session in ["gold", "agent"] {
        link(tools, session, experiment);
    }
    let mut run = agent(ReactTemplate::CibenchReact, tools);
    let access = ToolAccess::from(tools).with_session("agent");
    for step in &experiment.steps {
        let gold = direct(tools, "gold", &step.code);
        let script = Scripted::new([code_reply(&step.code), "Final Answer: Done.".to_owned()]);
        let mut calls = CallResults::default();
        let question = vec![Message::user(&step.question)];
        let ending = drive_blocking(&mut run, question, |asked| script.next(asked), access, &mut calls);
        let ending = ending.expect("drives");
        assert_eq!(ending.answer().map(str::trim), Some("Done."), "{}: {}", experiment.name, step.code);
        score.add(step, &calls, &gold);
    }
}

#[test]
fn the_gold_agent_of_cibench_solves_every_step() {
    let Some(archive) = shared_data("eval/cibench/cibench.tar.zst") else { return };
    let Some(folder) = unpacked(&archive) else { return };
    let experiments = Experiment::read_all(&folder.path().join("cibench"));
    assert_eq!(experiments.len(), 146);
    let Some(probe) = tools(NOTEBOOK, folder.path()) else { return };
    let (mut score, mut played, mut without_data, mut without_library) = (Score::default(), 0, 0, 0);
    for experiment in &experiments {
        if !experiment.has_its_data() {
            without_data += 1;
            continue;
        }
        let missing = missing(&probe, &experiment.modules());
        if !missing.is_empty() {
            println!("skipped: {} needs {missing}", experiment.name);
            without_library += 1;
        } else if played < FEW.0 || all() {
            // Each experiment has a tool of its own, so that its processes end with it.
            let Some(tools) = tools(NOTEBOOK, folder.path()) else { return };
            play(&tools, experiment, &mut score);
            played += 1;
        }
    }
    println!(
        "CIBench: {played} of {} experiments played, {without_data} without their data in the archive, \
         {without_library} without a library; {score:?}",
        experiments.len()
    );
    assert_eq!((score.called, score.executed), (score.steps, score.steps - score.gold_fails));
    assert_eq!(score.numbers.0, score.numbers.1);
    if played > 0 {
        measured(NOTEBOOK, format!("{} of {}", score.executed, score.steps));
    }
}

/// An experiment of the same form that needs nothing but Python.
const PLAIN: &str = "---\njupyter:\n  step_types:\n    - exec\n    - num\n    - num\n  modules:\n    - csv\n---\n\n\
    ### Read the file 'data/prices.csv'.\n```python\nimport csv\n\nwith open('data/prices.csv') as file:\n    \
    rows = list(csv.DictReader(file))\n```\n\n### Print the number of rows.\n```python\nlen(rows)\n```\n\n\
    ### What do all cost together?\n```python\nprint('sum')\nsum(float(row['price']) for row in rows)\n```\n";

/// The plain experiment in a folder of its own.
fn plain(folder: &Path) -> Experiment {
    std::fs::create_dir(folder.join("data")).expect("creates");
    std::fs::write(folder.join("data/prices.csv"), "name,price\na,1.5\nb,2.25\n").expect("writes");
    Experiment::parse("plain", folder, PLAIN)
}

#[test]
fn every_step_is_asked_after_the_agents_own_answers() {
    let folder = open_folder();
    let experiment = plain(folder.path());
    let Some(tools) = tools(NOTEBOOK, folder.path()) else { return };
    assert!(experiment.has_its_data() && missing(&tools, &experiment.modules()).is_empty());
    let mut score = Score::default();
    play(&tools, &experiment, &mut score);
    assert_eq!((score.steps, score.called, score.executed, score.numbers), (3, 3, 3, (2, 2)), "{score:?}");
}

#[test]
fn every_step_is_asked_after_the_gold_answers() {
    let folder = open_folder();
    let experiment = plain(folder.path());
    let Some(tools) = tools(NOTEBOOK, folder.path()) else { return };
    link(&tools, "s", &experiment);
    let access = ToolAccess::from(&tools).with_session("s");
    // It knows nothing but how to look at the rows, which only the gold code has read.
    let codes = ["rows", "len(rows)", "rows[0]['price']"];
    let mut history: Vec<Message> = Vec::new();
    let mut outputs = Vec::new();
    for (step, code) in experiment.steps.iter().zip(codes) {
        history.push(Message::user(&step.question));
        let mut run = agent(ReactTemplate::CibenchReact, &tools);
        let script = Scripted::new([code_reply(code), "Final Answer: Done.".to_owned()]);
        let mut calls = CallResults::default();
        drive_blocking(&mut run, history.clone(), |asked| script.next(asked), access, &mut calls)
            .expect("drives");
        outputs.push(calls.last_of(NOTEBOOK).expect("a call").clone());
        // The gold reply takes the place of the agent's, and its code has run.
        let mut gold = agent(ReactTemplate::CibenchReact, &tools);
        let script = Scripted::new([code_reply(&step.code)]);
        let ending = drive_blocking(&mut gold, history, |asked| script.next(asked), access, &mut calls)
            .expect("drives");
        assert!(matches!(ending, Ending::Failed { .. }), "the script ends behind the result");
        history = gold.history().to_vec();
    }
    assert!(outputs[0].errmsg.as_deref().is_some_and(|message| message.contains("NameError")), "{outputs:?}");
    assert_eq!((output(&outputs[1]), output(&outputs[2])), (Some("2"), Some("'1.5'")));
    let roles: Vec<Role> = history.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::System].repeat(3));
    assert_eq!(history[8].text(), "Response:sum\n3.75\n");
}

#[test]
fn the_gold_agent_of_math_gets_every_answer() {
    let Some(path) = shared_data("eval/math500/test.jsonl") else { return };
    let folder = open_folder();
    let Some(tools) = tools(PROGRAM, folder.path()) else { return };
    let text = std::fs::read_to_string(path).expect("reads");
    let questions: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a question")).collect();
    assert_eq!(questions.len(), 500);
    let few = if all() { questions.len() } else { FEW.1 };
    for question in &questions[..few] {
        let (problem, answer) = (&question["problem"], question["answer"].as_str().expect("a text"));
        // A text of JSON is one of Python as well.
        let code = format!("def solution():\n    return {}", question["answer"]);
        let call = format!("Tool:{PROGRAM}\nTool Input:```python\n{code}\n```\n");
        let last = format!("FinalAnswer: The final answer is ${answer}$. I hope it is correct.");
        let script = Scripted::new([call, last]);
        let (mut run, mut calls) = (agent(ReactTemplate::MathReact, &tools), CallResults::default());
        let asked = vec![Message::user(problem.as_str().expect("a text"))];
        let ending = drive_blocking(&mut run, asked, |asked| script.next(asked), &tools, &mut calls);
        let ending = ending.expect("drives");
        let said = format!("The final answer is ${answer}$. I hope it is correct.");
        assert_eq!(ending.answer().map(str::trim), Some(said.as_str()), "{problem}");
        let [result] = calls.as_slice() else { panic!("{problem}: {calls:?}") };
        assert_eq!((result.kind.as_str(), output(result)), (PROGRAM, Some(answer)), "{result:?}");
    }
    measured("PythonInterpreter", format!("{few} of {few} right"));
    println!("MATH: {few} of {} questions played, all followed, executed and right", questions.len());
}
