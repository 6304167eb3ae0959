//! `xtuner chat` through pipes: a model with its adapter, packed weights, and a server.

use internlm_kit::testing::{Request, Response, TestServer};
use serde_json::{Value, json};

use crate::fixture::{prepare, xtuner};

/// Greedy answers of few tokens.
const SHORT: [&str; 4] = ["--temperature", "0", "--max-new-tokens", "6"];

#[test]
fn reset_begins_a_conversation_anew_and_exit_leaves() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let config = prepare(folder, "lora", 1);
    let program = |input: &str| xtuner(folder).with_input(input);
    let chat = |input: &str, words: &[&str]| {
        let ran = program(input).run([&["chat"][..], words, &SHORT].concat());
        assert_eq!(ran.code, Some(0), "{words:?}: {ran:?}");
        ran.stdout
    };
    let once = chat("Hello", &["base"]);
    assert!(once.ends_with('\n'), "{once:?}");
    assert_eq!(chat("Hello\n\nRESET\nHello\n\nEXIT\nHello\n", &["base"]), once.repeat(2));
    chat("Hello\n\nAgain\n", &["base", "--system-template", "coder"]);
    assert_eq!(chat("\n\nEXIT\n", &["base"]), "");

    assert_eq!(xtuner(folder).run(["train", &config]).code, Some(0));
    for words in [&["base", "--bits", "8"][..], &["base", "--bits", "4"], &["run/hf"]] {
        chat("Hello", words);
    }
    let merged = chat("Hello", &["run/hf"]);
    assert_eq!(chat("Hello", &["base", "--adapter", "run/adapter"]), merged);
    let none = program("Hello").run(["chat", "base", "--adapter", "base"]);
    assert!(none.code == Some(2) && none.stderr.contains("adapter_config.json"), "{none:?}");
    let unknown = program("Hello").run(["chat", "base", "--prompt-template", "no_such_template"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("no_such_template"), "{unknown:?}");
    let range = program("Hello").run(["chat", "base", "--top-p", "2"]);
    assert!(range.code == Some(2) && range.stderr.contains("top-p"), "{range:?}");
    let both = program("Hello").run(["chat", "base", "--api-url", "http://127.0.0.1:1"]);
    assert_eq!(both.code, Some(2), "{both:?}");
}

#[test]
fn the_same_seed_gives_the_same_answer_and_stop_words_end_it() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder, "lora", 1);
    let chat = |words: &[&str]| {
        let program = xtuner(folder).with_input("Hello");
        let ran = program.run([&["chat", "base", "--max-new-tokens", "12"][..], words].concat());
        assert_eq!(ran.code, Some(0), "{words:?}: {ran:?}");
        ran.stdout
    };
    let hot = ["--temperature", "2", "--top-k", "0", "--top-p", "1"];
    let seeded = |seed: &str| chat(&[&hot[..], &["--seed", seed]].concat());
    assert_eq!(seeded("1"), seeded("1"));
    assert_ne!(seeded("1"), seeded("2"));
    let whole = seeded("1");
    let mark = whole.chars().find(char::is_ascii_graphic).expect("random tokens have a letter");
    let stopped = chat(&[&hot[..], &["--seed", "1", &format!("--stop-words={mark}")]].concat());
    assert!(
        !stopped.contains(mark) && whole.starts_with(stopped.trim_end_matches('\n')),
        "{whole:?}, {stopped:?}"
    );
}

#[test]
fn a_server_gets_the_whole_conversation_and_its_answer_is_streamed() {
    let server = TestServer::start(|request: &Request| {
        let pieces = [format!("answer {}", request.number), " in pieces".to_owned()];
        let chunk = |piece: String| json!({"choices": [{"index": 0, "delta": {"content": piece}}]});
        Response::Events(pieces.into_iter().map(chunk).collect())
    });
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = xtuner(folder.path()).with_input("one\n\ntwo\n\nRESET\nthree\n");
    let ran =
        program.run(["chat", "--api-url", server.url(), "--system", "Be brief.", "--stop-words", "END"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, "answer 0 in pieces\nanswer 1 in pieces\nanswer 2 in pieces\n");
    let bodies: Vec<Value> = server.requests().into_iter().map(|request| request.body).collect();
    let counts: Vec<usize> =
        bodies.iter().map(|body| body["messages"].as_array().map_or(0, Vec::len)).collect();
    assert_eq!(counts, [2, 4, 2]);
    assert_eq!(bodies[1]["messages"][2], json!({"role": "assistant", "content": "answer 0 in pieces"}));
    assert_eq!((&bodies[0]["top_k"], &bodies[0]["max_tokens"]), (&json!(40), &json!(2048)));
    assert_eq!((&bodies[1]["seed"], &bodies[0]["stop"]), (&json!(1), &json!(["END"])));

    let nobody = xtuner(folder.path()).with_input("one").run(["chat", "--api-url", "nowhere"]);
    assert!(nobody.code == Some(2) && nobody.stderr.contains("--api-url"), "{nobody:?}");
}
