//! Memories: the same in every store, dotted keys, reset, and a database that several programs use.

use std::collections::BTreeMap;
use std::sync::Arc;

use internlm_kit::exit::BadInput;
use lagent::memory::{InProcess, Load, Memory, MemoryConfig, MemoryError, Reset, Sqlite, Store};
use lagent::message::AgentMessage;
use proptest::prelude::*;

fn said(text: &str) -> AgentMessage {
    AgentMessage::new("user", text)
}

fn texts(messages: &[AgentMessage]) -> Vec<String> {
    messages.iter().map(AgentMessage::text).collect()
}

/// Runs a check on a memory in this process and on one in a database.
fn in_every_store(check: impl Fn(Memory)) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let database = Sqlite::open(folder.path().join("memory.db")).expect("opens");
    let stores: [Arc<dyn Store>; 2] = [Arc::new(InProcess::default()), Arc::new(database)];
    for store in stores {
        check(Memory::new(["", "planner", "planner.critic"]).with_store(store));
    }
}

#[test]
fn messages_are_kept_per_agent_and_session() {
    in_every_store(|memory| {
        memory.append("1", "", &[said("a"), said("b")]).expect("appends");
        memory.append("1", "", &[said("c")]).expect("appends");
        memory.append("1", "planner", &[said("p")]).expect("appends");
        memory.append("2", "", &[said("other")]).expect("appends");
        let saved = |session: &str, path: &str| texts(&memory.save(session, path).expect("reads"));
        assert_eq!(saved("1", ""), ["a", "b", "c"]);
        assert_eq!((saved("1", "planner"), saved("2", "")), (vec!["p".to_owned()], vec!["other".to_owned()]));
        assert!(saved("2", "planner").is_empty() && saved("3", "").is_empty());
        assert_eq!(memory.sessions().expect("reads"), ["1", "2"]);
        assert!(memory.contains("2").expect("reads") && !memory.contains("3").expect("reads"));
    });
}

#[test]
fn recent_filter_delete_and_load() {
    in_every_store(|memory| {
        let all: Vec<AgentMessage> = ["a", "b", "c", "d"].into_iter().map(said).collect();
        memory.append("1", "", &all).expect("appends");
        assert_eq!(texts(&memory.recent("1", "", 2).expect("reads")), ["c", "d"]);
        assert_eq!(memory.recent("1", "", 9).expect("reads").len(), 4);
        let short = memory.clone().with_recent(3);
        let odd = short.filter("1", "", |position, _| position % 2 == 1).expect("reads");
        assert_eq!(texts(&odd), ["c"], "positions count from the first remembered message");
        let error = memory.delete("1", "", &[0, 4]).expect_err("there are four");
        assert_eq!(error.to_string(), "message 4: the memory has 4 messages");
        memory.delete("1", "", &[2, 0]).expect("deletes");
        assert_eq!(texts(&memory.save("1", "").expect("reads")), ["b", "d"]);
        memory.load("1", "", vec![said("x")], Load::Append).expect("loads");
        assert_eq!(texts(&memory.messages("1", "").expect("reads")), ["b", "d", "x"]);
        memory.load("1", "", vec![said("y")], Load::Overwrite).expect("loads");
        assert_eq!(texts(&memory.messages("1", "").expect("reads")), ["y"]);
    });
}

#[test]
fn states_have_a_key_per_agent() {
    in_every_store(|memory| {
        memory.append("1", "planner.critic", &[said("c")]).expect("appends");
        let state = memory.state_dict("1").expect("reads");
        let keys: Vec<&str> = state.keys().map(String::as_str).collect();
        assert_eq!(keys, ["memory", "planner.critic.memory", "planner.memory"]);
        let mut missing = state.clone();
        missing.remove("planner.memory");
        let error = memory.load_state_dict("2", missing).expect_err("a key is missing");
        assert_eq!(error.to_string(), "state: missing keys [planner.memory]");
        assert!(!memory.contains("2").expect("reads"), "nothing was loaded");
        let mut extra = state.clone();
        extra.insert("ghost.memory".to_owned(), Vec::new());
        assert_eq!(memory.load_state_dict("2", extra).expect("loads"), ["ghost.memory"]);
        assert_eq!(memory.state_dict("2").expect("reads"), state);
        let inner = memory.member("planner").state_dict("2").expect("reads");
        assert_eq!(inner.keys().collect::<Vec<_>>(), ["planner.critic.memory", "planner.memory"]);
    });
}

#[test]
fn a_reset_removes_one_agent_or_all() {
    in_every_store(|memory| {
        for session in ["1", "2"] {
            for path in ["", "planner", "planner.critic"] {
                memory.append(session, path, &[said("m")]).expect("appends");
            }
        }
        memory.reset("1", &Reset::Path("planner".to_owned())).expect("resets");
        let lengths = |session: &str| -> Vec<usize> {
            memory.state_dict(session).expect("reads").values().map(Vec::len).collect()
        };
        assert_eq!((lengths("1"), lengths("2")), (vec![1, 1, 0], vec![1, 1, 1]));
        memory.reset("1", &Reset::Recursive).expect("resets");
        assert_eq!((lengths("1"), lengths("2")), (vec![0, 0, 0], vec![1, 1, 1]));
        let error = memory.reset("1", &Reset::Path("critic".to_owned())).expect_err("no such agent");
        assert!(matches!(&error, MemoryError::UnknownPath { path, .. } if path == "critic"), "{error}");
        assert!(error.is_bad_input());
    });
}

#[test]
fn a_database_outlives_the_program_and_is_shared() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("memory.db");
    let open = || {
        let text = format!("path = {:?}\nrecent = 2", path.display().to_string());
        let config: MemoryConfig = toml::from_str(&text).expect("parses");
        config.open([""]).expect("opens")
    };
    let (first, second) = (open(), open());
    let mut message = said("Grüße\0");
    message.formatted = Some(serde_json::json!({"status": 1}));
    first.append("1", "", std::slice::from_ref(&message)).expect("appends");
    second.append("1", "", &[said("b"), said("c")]).expect("appends");
    drop((first, second));
    let again = open();
    assert_eq!(again.save("1", "").expect("reads")[0], message);
    assert_eq!(texts(&again.messages("1", "").expect("reads")), ["b", "c"]);
}

#[test]
fn threads_lose_no_message() {
    in_every_store(|memory| {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let memory = memory.clone();
                scope.spawn(move || {
                    for message in 0..10 {
                        memory.append("1", "", &[said(&format!("{thread}.{message}"))]).expect("appends");
                    }
                });
            }
        });
        let mut all = texts(&memory.save("1", "").expect("reads"));
        let own: Vec<String> = all.iter().filter(|text| text.starts_with("2.")).cloned().collect();
        assert_eq!(own, (0..10).map(|message| format!("2.{message}")).collect::<Vec<_>>());
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 40);
    });
}

#[test]
fn foreign_files_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let text = folder.path().join("text.db");
    std::fs::write(&text, "this is a text and not a database\n".repeat(40)).expect("writes");
    let error = Sqlite::open(&text).expect_err("not a database");
    assert!(error.to_string().contains("text.db") && error.is_bad_input(), "{error}");
    let missing = folder.path().join("no").join("folder.db");
    assert!(Sqlite::open(&missing).expect_err("no folder").is_bad_input());
    let other = folder.path().join("other.db");
    let connection = rusqlite::Connection::open(&other).expect("opens");
    connection.execute_batch("CREATE TABLE other (a)").expect("creates");
    let error = Sqlite::open(&other).expect_err("another program's database");
    assert!(
        matches!(error, MemoryError::ForeignDatabase { found: 0, tables: 1, expected: 1, .. })
            && error.is_bad_input(),
        "{error}"
    );
    connection.execute_batch("PRAGMA user_version = 9").expect("sets");
    assert!(matches!(Sqlite::open(&other), Err(MemoryError::ForeignDatabase { found: 9, .. })));
    let config: MemoryConfig = toml::from_str("recent = 0").expect("parses");
    assert_eq!(config.problems(), ["memory.recent: found 0, expected at least 1"]);
    assert!(toml::from_str::<MemoryConfig>("store = \"redis\"").is_err());
}

/// One change of a memory.
#[derive(Clone, Debug)]
enum Change {
    Append(usize, usize, Vec<String>),
    Delete(usize, usize, usize),
    Reset(usize, Option<usize>),
    Copy(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let text = proptest::collection::vec("\\PC{0,4}", 0..3);
    prop_oneof![
        4 => (0_usize..3, 0_usize..3, text).prop_map(|(session, path, texts)| Change::Append(session, path, texts)),
        2 => (0_usize..3, 0_usize..3, 0_usize..4).prop_map(|(session, path, at)| Change::Delete(session, path, at)),
        1 => (0_usize..3, proptest::option::of(0_usize..3)).prop_map(|(session, path)| Change::Reset(session, path)),
        1 => (0_usize..3, 0_usize..3).prop_map(|(from, to)| Change::Copy(from, to)),
    ]
}

const SESSIONS: [&str; 3] = ["1", "zwei", "3'; --"];
const PATHS: [&str; 3] = ["", "a", "a.b"];

/// What can be seen of a memory: the result of a change, the sessions, and the states of all.
type View = (String, Vec<String>, Vec<BTreeMap<String, Vec<AgentMessage>>>);

/// Applies a change and returns everything that can be seen afterwards.
fn apply(memory: &Memory, change: &Change) -> View {
    let result = match change {
        Change::Append(session, path, texts) => {
            let messages: Vec<AgentMessage> = texts.iter().map(|text| said(text)).collect();
            memory.append(SESSIONS[*session], PATHS[*path], &messages)
        }
        Change::Delete(session, path, at) => memory.delete(SESSIONS[*session], PATHS[*path], &[*at]),
        Change::Reset(session, None) => memory.reset(SESSIONS[*session], &Reset::Recursive),
        Change::Reset(session, Some(path)) => {
            memory.reset(SESSIONS[*session], &Reset::Path(PATHS[*path].to_owned()))
        }
        Change::Copy(from, to) => memory
            .state_dict(SESSIONS[*from])
            .and_then(|state| memory.load_state_dict(SESSIONS[*to], state))
            .map(|extra| assert!(extra.is_empty())),
    };
    let result = result.err().map(|error| error.to_string()).unwrap_or_default();
    let states = SESSIONS.iter().map(|session| memory.state_dict(session).expect("reads")).collect();
    (result, memory.sessions().expect("reads"), states)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_database_behaves_as_memory_in_the_process(changes in proptest::collection::vec(change(), 1..12)) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let database: Arc<dyn Store> = Arc::new(Sqlite::open(folder.path().join("m.db")).expect("opens"));
        let (plain, stored) = (Memory::new(PATHS), Memory::new(PATHS).with_store(database));
        for change in &changes {
            prop_assert_eq!(apply(&plain, change), apply(&stored, change), "{:?}", change);
        }
    }
}
