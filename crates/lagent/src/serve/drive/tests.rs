//! Decisions that come faster than they are heard.

use super::*;
use crate::action::{Calculator, Toolbox};
use crate::llm::Scripted;
use crate::run::{AgentRun, AgentSpec, Approval};
use crate::serve::run::RunName;

/// A reply with two calls.
fn two_calls() -> String {
    let call = |sum: &str| {
        let body = format!("{{\"name\": \"Calculator\", \"parameters\": {{\"expression\": \"{sum}\"}}}}");
        format!("<|action_start|><|plugin|>\n{body}<|action_end|>")
    };
    format!("I add.{}{}", call("1+1"), call("2+2"))
}

#[tokio::test]
async fn calls_may_be_refused_before_the_driver_hears_of_the_first_one() {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    let spec = AgentSpec::internlm2(tools.specs()).with_approval(Approval::Always);
    let model = Scripted::new([two_calls(), "Neither.".to_owned()]);
    let agent = Arc::new(ServedAgent::new("careful", AgentRun::new(spec), model, tools));
    let (id, name) = ("run_1".to_owned(), agent.name.clone());
    let name = RunName { id, agent: name, session: Value::Null, created: 0 };
    let (run, mut control) = Run::new("local".into(), name);
    let mut machine = agent.machine.clone();
    let (mode, session) = (ToolsMode::Inside, "run_1".to_owned());
    let scene = Scene { agent, run: Arc::clone(&run), tuning: Tuning::default(), mode, session };
    let decided = async {
        while run.info().approvals.len() < 2 {
            tokio::task::yield_now().await;
        }
        for approval in run.info().approvals {
            let deny = |call| Event::Deny { call, reason: "no".to_owned() };
            run.decide(Some(approval.call), deny).expect("waits");
        }
    };
    let start = Event::Start { messages: vec![Message::user("Add.")] };
    let (stop, ()) = tokio::join!(drive(&mut machine, [start], &scene, &mut control), decided);
    assert_eq!(stop, Stop::Finished(Message::assistant("Neither."), Finish::Stop));
}
