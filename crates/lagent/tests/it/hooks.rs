//! Hooks: order, handles, refusals, and the hooks that come with the crate.

use std::sync::{Arc, Mutex};

use lagent::Message;
use lagent::action::{ActionReturn, ActionState};
use lagent::hook::{
    ApprovalHook, Budget, BudgetConfig, Hook, HookConfig, Hooks, InternLmActionProcessor, Logger,
    PendingAction, Redaction, Refusal,
};
use lagent::run::Approval;
use serde_json::{Value, json};

/// A hook that writes its name behind every message, and notes every call of it.
struct Mark {
    name: &'static str,
    seen: Arc<Mutex<Vec<String>>>,
    refuses: bool,
}

impl Mark {
    fn note(&self, place: &str) {
        self.seen.lock().expect("no panic").push(format!("{} {place}", self.name));
    }
}

impl Hook for Mark {
    fn before_agent(&self, _: &str, messages: &mut Vec<Message>) -> Result<(), Refusal> {
        self.note("before_agent");
        messages.push(Message::user(self.name));
        if self.refuses { Err(Refusal::new("closed")) } else { Ok(()) }
    }

    fn after_agent(&self, _: &str, answer: &mut Message) {
        self.note("after_agent");
        *answer = Message::assistant(format!("{}{}", answer.text(), self.name));
    }

    fn before_action(&self, action: &mut PendingAction) -> Result<(), Refusal> {
        self.note("before_action");
        action.name.push_str(self.name);
        if self.refuses { Err(Refusal::new("not today")) } else { Ok(()) }
    }

    fn after_action(&self, action: &PendingAction, value: &mut ActionReturn) {
        self.note("after_action");
        value.kind.clone_from(&action.name);
    }
}

fn action(args: Value) -> PendingAction {
    PendingAction::new("s", 7, "Tool", args)
}

#[test]
fn hooks_act_in_order_and_handles_remove_them() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mark = |name| Arc::new(Mark { name, seen: Arc::clone(&seen), refuses: false });
    let hooks = Hooks::default();
    let first = hooks.register(mark("a"));
    hooks.register(mark("b"));
    let clone = hooks.clone();
    let mut messages = Vec::new();
    clone.before_agent("s", &mut messages).expect("nobody refuses");
    assert_eq!(messages.iter().map(Message::text).collect::<Vec<_>>(), ["a", "b"]);
    let mut answer = Message::assistant("x");
    hooks.after_agent("s", &mut answer);
    assert_eq!(answer.text(), "xab");
    let mut call = action(json!({}));
    hooks.before_action(&mut call).expect("nobody refuses");
    let mut value = ActionReturn::text("Tool", json!({}), "result");
    hooks.after_action(&call, &mut value);
    assert_eq!((call.name.as_str(), value.kind.as_str()), ("Toolab", "Toolab"));
    let places = ["before_agent", "after_agent", "before_action", "after_action"];
    let expected: Vec<String> =
        places.iter().flat_map(|place| ["a", "b"].map(|name| format!("{name} {place}"))).collect();
    assert_eq!(*seen.lock().expect("no panic"), expected);
    first.remove();
    first.remove();
    hooks.after_agent("s", &mut answer);
    assert_eq!(answer.text(), "xabb");
    assert!(!hooks.is_empty());
}

#[test]
fn a_refusal_stops_the_hooks_behind_it() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hooks = Hooks::default();
    hooks.register(Arc::new(Mark { name: "a", seen: Arc::clone(&seen), refuses: true }));
    hooks.register(Arc::new(Mark { name: "b", seen: Arc::clone(&seen), refuses: false }));
    let error = hooks.before_agent("s", &mut Vec::new()).expect_err("refused");
    assert_eq!(error.to_string(), "closed");
    let mut call = action(json!({"x": 1}));
    let refusal = hooks.before_action(&mut call).expect_err("refused");
    assert_eq!(*seen.lock().expect("no panic"), ["a before_agent", "a before_action"]);
    let value = refusal.into_return(&call);
    assert_eq!((value.state, value.args.clone()), (ActionState::ApiError, json!({"x": 1})));
    assert_eq!(value.for_model(), "The call was refused: not today");
}

#[test]
fn parsed_actions_become_calls() {
    let hook = InternLmActionProcessor::new("IPythonInterpreter").with_code_parameter("code");
    for (args, name, expected) in [
        (json!("print(1)"), "IPythonInterpreter", json!({"code": "print(1)"})),
        (json!({"name": "Now", "parameters": {"zone": "UTC"}}), "Now", json!({"zone": "UTC"})),
        (json!({"name": "x"}), "Tool", json!({"name": "x"})),
        (json!({"name": 1, "parameters": {}}), "Tool", json!({"name": 1, "parameters": {}})),
        (json!({"expression": "1+1"}), "Tool", json!({"expression": "1+1"})),
    ] {
        let mut call = action(args);
        hook.before_action(&mut call).expect("refuses nothing");
        assert_eq!((call.name.as_str(), &call.args), (name, &expected));
    }
}

#[test]
fn approval_asks_about_the_covered_tools_only() {
    let decide = |action: &PendingAction| {
        if action.args == json!({"path": "/"}) { Err(Refusal::new("not that folder")) } else { Ok(()) }
    };
    let hook = ApprovalHook::new(Approval::Tools(["Tool".to_owned()].into()), decide);
    assert!(hook.before_action(&mut action(json!({"path": "/tmp"}))).is_ok());
    assert!(hook.before_action(&mut action(json!({"path": "/"}))).is_err());
    let mut other = PendingAction::new("s", 1, "Other", json!({"path": "/"}));
    assert!(hook.before_action(&mut other).is_ok());
}

#[test]
fn secrets_are_masked_wherever_they_are_read() {
    let hook = Redaction::new(["key", "key-1234", ""]);
    let mut messages = vec![Message::user("my key-1234 and key")];
    messages[0].fields.insert("note".to_owned(), json!([{"deep": "key"}]));
    hook.before_agent("s", &mut messages).expect("refuses nothing");
    assert_eq!(messages[0].text(), "my *** and ***", "the longer secret is masked as a whole");
    assert_eq!(messages[0].fields["note"], json!([{"deep": "***"}]));
    let call = action(json!({"token": "key-1234"}));
    let mut value =
        ActionReturn::text("Tool", call.args.clone(), "got key-1234").with_url("http://x/?t=key-1234");
    hook.after_action(&call, &mut value);
    assert_eq!(value.url.as_deref(), Some("http://x/?t=***"));
    assert_eq!((value.for_model().as_str(), &value.args), ("got ***", &json!({"token": "***"})));
    let mut value = ActionReturn::error("Tool", json!({}), ActionState::HttpError, "bad key");
    hook.after_action(&call, &mut value);
    assert_eq!(value.for_model(), "bad ***");
    assert_eq!(call.args, json!({"token": "key-1234"}), "the tool gets what it needs");
    assert!(!format!("{hook:?}").contains("key-1234"));
}

#[test]
fn a_session_has_its_own_budget() {
    let config: BudgetConfig =
        toml::from_str("questions = 2\nactions = 3\n[tools]\nTool = 1").expect("parses");
    let hook = Budget::new(config);
    let ask = |session: &str| hook.before_agent(session, &mut Vec::new());
    assert!(ask("1").is_ok() && ask("1").is_ok() && ask("2").is_ok());
    assert_eq!(ask("1").expect_err("used up").reason, "the session has used its budget of 2 questions");
    let act =
        |session: &str, name: &str| hook.before_action(&mut PendingAction::new(session, 1, name, json!({})));
    assert!(act("1", "Tool").is_ok());
    let refused = act("1", "Tool").expect_err("used up").reason;
    assert_eq!(refused, "the session has used its budget of 1 calls of Tool");
    assert!(act("1", "Other").is_ok() && act("1", "Other").is_ok(), "refused calls do not count");
    assert!(act("1", "Other").is_err() && act("2", "Tool").is_ok());
    hook.reset("1");
    assert!(ask("1").is_ok() && act("1", "Tool").is_ok());
}

#[test]
fn agent_files_name_hooks() {
    #[derive(serde::Deserialize)]
    struct File {
        hooks: Vec<HookConfig>,
    }
    let folder = tempfile::tempdir().expect("temporary folder");
    let secrets = folder.path().join("secrets");
    std::fs::write(&secrets, "hunter2\n\n  other \n").expect("writes");
    let text = format!(
        "[[hooks]]\nkind = \"redaction\"\npath = {:?}\n[[hooks]]\nkind = \"logger\"\n\
        [[hooks]]\nkind = \"internlm-action-processor\"\ninterpreter = \"Py\"\n\
        [[hooks]]\nkind = \"budget\"\nquestions = 1\n",
        secrets.display().to_string()
    );
    let file: File = toml::from_str(&text).expect("parses");
    let hooks = Hooks::from_configs(&file.hooks).expect("builds");
    let mut messages = vec![Message::user("hunter2, other")];
    hooks.before_agent("1", &mut messages).expect("the first question");
    assert_eq!(messages[0].text(), "***, ***");
    assert!(hooks.before_agent("1", &mut messages).is_err());
    let mut call = action(json!("1+1"));
    hooks.before_action(&mut call).expect("no budget of calls");
    assert_eq!(call.args, json!({"command": "1+1"}));
    for wrong in ["kind = \"logger\"\ncolor = true", "kind = \"budget\"\nquestion = 1", "kind = \"none\""] {
        assert!(toml::from_str::<File>(&format!("[[hooks]]\n{wrong}")).is_err(), "{wrong}");
    }
    let missing = format!(
        "[[hooks]]\nkind = \"redaction\"\npath = {:?}",
        folder.path().join("no").display().to_string()
    );
    let file: File = toml::from_str(&missing).expect("parses");
    let error = Hooks::from_configs(&file.hooks).expect_err("no such file").to_string();
    assert!(error.contains("no"), "{error}");
}

#[test]
fn a_logger_changes_nothing() {
    let hook = Logger::default();
    let mut messages = vec![Message::user("q")];
    hook.before_agent("s", &mut messages).expect("refuses nothing");
    let mut call = action(json!({}));
    hook.before_action(&mut call).expect("refuses nothing");
    assert_eq!((messages, call), (vec![Message::user("q")], action(json!({}))));
}
