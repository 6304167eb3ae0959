//! Runs against lmdeploy's own HTTP server, whose engine replies from a script and scores prompts: what one crate
//! writes, the other one has to read.

use std::fs;

use lmdeploy::testing::{MockFault, MockModel, MockServer};
use opencompass::model::{
    Answer, ApiModel, EvaluatedModelConfig, Model, Needs, Request, Sampling, ScoredText,
};
use serde_json::Value;

use crate::runs::{Bench, told};

/// Log-probability of every token but the first: the engine gives the right id a logit of 10 and all others 0.
fn log_prob(server: &MockServer) -> f64 {
    let others = server.tokenizer().vocab_size() as f64 - 1.0;
    10.0 - (10.0_f64.exp() + others).ln()
}

/// The last user's text of a prompt in InternLM2's format.
fn question(prompt: &str) -> &str {
    let turn = prompt.rsplit("<|im_start|>user\n").next().expect("a part");
    turn.split("<|im_end|>").next().expect("a part")
}

/// A model that adds one: the answer of `3 + 1` is `That is 4.`
fn adder() -> MockModel {
    MockModel::from_fn(|prompt: &str| match question(prompt).trim_end_matches(" + 1").parse::<u64>() {
        Ok(number) => format!("That is {}.", number + 1),
        Err(_) => "I only add one.".to_owned(),
    })
}

/// Runs `run.toml` against the server.
fn run(bench: &Bench, server: &MockServer, more: &[&str]) -> (Option<i32>, String) {
    let url = format!("model.base-url={}", server.url());
    let base = ["run.toml", "--set", "model.kind=api", "--set", "model.retries=0", "--set", &url];
    told(&bench.run(&[&base[..], more].concat()))
}

fn json_file(bench: &Bench, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(bench.path(name)).expect("reads")).expect("JSON")
}

fn near(value: &Value, expected: f64) -> bool {
    value.as_f64().is_some_and(|found| (found - expected).abs() < 1e-5 * expected.abs().max(1.0))
}

#[test]
fn generated_answers_are_asked_and_scored() {
    let bench = Bench::new(5);
    let server = MockServer::start(adder());
    let (code, stderr) = run(&bench, &server, &["--datasets", "sums"]);
    assert_eq!(code, Some(0), "{stderr}");
    let result = json_file(&bench, "out/results/mock/sums.json");
    assert_eq!(result["accuracy"], 100.0, "{result}");
    let mut prompts = server.prompt_texts();
    prompts.sort();
    let asked = |row: usize| format!("<s><|im_start|>user\n{row} + 1<|im_end|>\n<|im_start|>assistant\n");
    assert_eq!(prompts, (0..5).map(asked).collect::<Vec<_>>());
    // The store knows all answers, so a second run asks nothing.
    let (code, stderr) = run(&bench, &server, &["--datasets", "sums"]);
    assert_eq!((code, server.prompts().len()), (Some(0), 5), "{stderr}");
}

#[test]
fn perplexities_are_those_of_the_tokens_that_the_engine_received() {
    let bench = Bench::new(4);
    let server = MockServer::start(adder());
    let (code, stderr) = run(&bench, &server, &["--datasets", "pick", "--set", "model.log-probs=true"]);
    assert_eq!(code, Some(0), "{stderr}");
    let predictions = json_file(&bench, "out/predictions/mock/pick.json");
    let (texts, prompts) = (server.prompt_texts(), server.prompts());
    assert_eq!(prompts.len(), 8);
    for (text, ids) in texts.iter().zip(&prompts) {
        let text = text.trim_start_matches("<s>");
        let row = text.split(' ').next().expect("the number of the row");
        let label = if text.contains("bb") { "label: B" } else { "label: A" };
        let entry = &predictions[row][label];
        assert_eq!(entry["prompt"], text, "{predictions}");
        // Upstream divides by all tokens, although the first one has no loss.
        let expected = -log_prob(&server) * (ids.len() - 1) as f64 / ids.len() as f64;
        assert!(near(&entry["PPL"], expected), "{}: expected {expected}", entry["PPL"]);
    }
    // `a0` has fewer tokens than `bb0`, so A always wins; it is right in every second row.
    assert_eq!(json_file(&bench, "out/results/mock/pick.json")["accuracy"], 50.0);
}

#[test]
fn options_share_their_beginning_and_keep_their_perplexities() {
    let bench = Bench::new(4);
    let server = MockServer::start(adder());
    let weights = bench.path("weights");
    fs::create_dir_all(&weights).expect("creates");
    server.tokenizer().save(&weights).expect("saves");
    let set = format!("model.weights={}", weights.display());
    let pick = ["--datasets", "pick", "--set", "model.log-probs=true"];
    let (code, stderr) = run(&bench, &server, &pick);
    assert_eq!(code, Some(0), "{stderr}");
    let whole = json_file(&bench, "out/predictions/mock/pick.json");
    let asked = server.prompts().len();
    let (code, stderr) =
        run(&bench, &server, &[&pick[..], &["--set", &set, "--set", "run.folder=shared"]].concat());
    assert_eq!(code, Some(0), "{stderr}");
    let shared = json_file(&bench, "shared/predictions/mock/pick.json");
    // Each row's common beginning is a request of its own.
    assert_eq!(server.prompts().len() - asked, 4 * 3);
    for row in ["0", "1", "2", "3"] {
        for label in ["label: A", "label: B"] {
            let (found, expected) = (&shared[row][label], &whole[row][label]);
            assert_eq!(found["prompt"], expected["prompt"]);
            assert!(near(&found["PPL"], expected["PPL"].as_f64().expect("a number")), "{found} {expected}");
        }
    }
}

#[test]
fn every_kind_of_question_about_a_text_is_answered() {
    let weights = tempfile::tempdir().expect("temporary folder");
    let server = MockServer::start("yes");
    server.tokenizer().save(weights.path()).expect("saves");
    let mut config = EvaluatedModelConfig::from_argument(server.url()).expect("an address");
    config.weights = Some(weights.path().to_path_buf());
    let ids: Vec<u32> = server.tokenizer().encode_prompt("abc def").into_iter().map(|id| id.0).collect();
    let each = log_prob(&server);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let model = ApiModel::connect(&config, Needs::LogProbs).await.expect("connects");
        assert_eq!((&model.profile().log_probs, &model.profile().choices), (&Ok(()), &Ok(())));
        // Only the ids from a place on are scored.
        for from in 2..=ids.len() {
            let request = Request::Score { text: ScoredText::Ids(ids.clone()), from };
            let Answer::Scored { tokens, log_prob, .. } = model.answer(&request).await.expect("scores")
            else {
                panic!("a score")
            };
            let expected = each * (ids.len() - from) as f64;
            assert!(
                tokens == ids.len() && (log_prob - expected).abs() < 1e-4,
                "{from}: {log_prob} {expected}"
            );
        }
        let request = Request::Tokens { text: ScoredText::Ids(ids.clone()) };
        let Answer::Tokens { log_probs, texts } = model.answer(&request).await.expect("tokens") else {
            panic!("tokens")
        };
        assert_eq!((log_probs.len(), texts.len(), log_probs[0]), (ids.len(), ids.len(), None));
        assert!(log_probs[1..].iter().all(|value| value.is_some_and(|value| (value - each).abs() < 1e-4)));
        let choices = vec!["no".to_owned(), "yes".to_owned()];
        let prompt = ScoredText::Text("abc".to_owned());
        let request = Request::Choices { prompt: prompt.clone(), choices };
        let Answer::Choices { log_probs } = model.answer(&request).await.expect("choices") else {
            panic!("choices")
        };
        assert!(log_probs.len() == 2 && log_probs[1] > log_probs[0], "{log_probs:?}");
        let request = Request::Choices { prompt, choices: vec!["yes".to_owned(), "yes".to_owned()] };
        let error = model.answer(&request).await.expect_err("one token").to_string();
        assert!(error.contains("expected choices whose first tokens differ"), "{error}");
        let request = Request::Embed { texts: vec!["a".to_owned(), "b".to_owned()] };
        let Answer::Vectors { vectors } = model.answer(&request).await.expect("vectors") else {
            panic!("vectors")
        };
        assert!(vectors.len() == 2 && vectors[0].len() == vectors[1].len() && vectors[0] != vectors[1]);
        let (agent, sampling) = (Value::Null, Sampling::default());
        let request = Request::Agent { agent, messages: Vec::new(), sampling };
        let error = model.answer(&request).await.expect_err("no agent").to_string();
        assert_eq!(error, "answer: request: found agent, expected a kind that this model can answer");
        // A prompt that is too long is an error of its own request, and says so.
        let length = model.profile().max_seq_len + 8;
        let request = Request::Score { text: ScoredText::Ids(vec![ids[1]; length]), from: 0 };
        let error = model.answer(&request).await.expect_err("too long").to_string();
        assert!(error.contains("status 400") && error.contains(&length.to_string()), "{error}");
    });
}

#[test]
fn the_probe_finds_out_that_the_server_scores_prompts() {
    let bench = Bench::new(1);
    let server = MockServer::start(adder());
    let (code, stderr) = run(&bench, &server, &["--datasets", "pick"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(server.prompt_texts()[0], "<s>probe");
    assert_eq!(server.prompts().len(), 3);
}

#[test]
fn texts_are_measured_in_windows_of_tokens_or_of_text() {
    for tokenizer in [false, true] {
        let bench = Bench::new(3);
        // No window is like another, the last ones by their last letter: the store would ask for it only once.
        let content = |row: usize| {
            let lines: String =
                (0..row * 40 + 1).map(|n| format!("Zeile {} — ", n * 7 + row * 1000)).collect();
            lines + ["A", "B", "C"][row]
        };
        let lines: String = (0..3).map(|row| format!("{{\"content\": \"{}\"}}\n", content(row))).collect();
        bench.write("texts.jsonl", &lines);
        let server = MockServer::start(adder());
        let weights = bench.path("weights");
        let set = format!("model.weights={}", weights.display());
        let mut more = vec!["--datasets", "texts", "--set", "model.log-probs=true"];
        if tokenizer {
            fs::create_dir_all(&weights).expect("creates");
            server.tokenizer().save(&weights).expect("saves");
            more.extend(["--set", &set]);
        }
        let (code, stderr) = run(&bench, &server, &more);
        assert_eq!(code, Some(0), "{stderr}");
        let result = json_file(&bench, "out/results/mock/texts.json");
        // The first token of every window is `<s>`, which is not text.
        let tokens: usize = server.prompts().iter().map(|ids| ids.len() - 1).sum();
        let bytes: u64 = fs::read_to_string(bench.path("texts.jsonl"))
            .expect("reads")
            .lines()
            .map(|line| {
                serde_json::from_str::<Value>(line).expect("JSON")["content"].as_str().expect("text").len()
                    as u64
            })
            .sum();
        assert_eq!((&result["tokens"], &result["bytes"]), (&(tokens as f64).into(), &(bytes as f64).into()));
        let bits = -log_prob(&server) / 2_f64.ln() * tokens as f64 / bytes as f64;
        assert!(near(&result["bits_per_byte"], bits), "{result}: expected {bits}");
        // The context of the model is 64 tokens, and every window keeps to it.
        assert!(server.prompts().len() > 3 && server.prompts().iter().all(|ids| ids.len() <= 64));
    }
}

#[test]
fn a_text_protocol_sends_the_prompt_behind_its_meta_template() {
    let bench = Bench::new(2);
    let server = MockServer::start("It is 1.");
    let meta = "model.meta-template={ round = [{ role = \"HUMAN\", begin = \"Q: \", end = \"\\n\" }, \
                { role = \"BOT\", begin = \"A:\", generate = true }] }";
    let more = ["--datasets", "sums", "--set", "model.protocol=completions", "--set", meta];
    let (code, stderr) = run(&bench, &server, &more);
    assert_eq!(code, Some(0), "{stderr}");
    let mut prompts = server.prompt_texts();
    prompts.sort();
    assert_eq!(prompts, ["<s>Q: 0 + 1\nA:", "<s>Q: 1 + 1\nA:"]);
    assert_eq!(json_file(&bench, "out/results/mock/sums.json")["accuracy"], 50.0);
}

#[test]
fn tool_calls_are_those_that_the_server_parsed() {
    let bench = Bench::new(4);
    bench.write_calls();
    let server = MockServer::start(MockModel::from_fn(|prompt: &str| {
        let call = |body: &str| format!("<|action_start|><|plugin|>\n{body}<|action_end|>");
        match question(prompt) {
            "0 + 1" => call("{\"name\": \"Calculator\", \"parameters\": {\"question\": \"0+1\"}}"),
            "1 + 1" => call("{\"name\": \"Calculator\", \"parameters\": {\"question\": \"7\"}}"),
            "2 + 1" => call("{\"name\": \"Calculator\", \"parameters\": [1]}"),
            _ => "I would rather not.".to_owned(),
        }
    }));
    let (code, stderr) = run(&bench, &server, &["--datasets", "calls"]);
    assert_eq!(code, Some(0), "{stderr}");
    let result = json_file(&bench, "out/results/mock/calls.json");
    assert!(near(&result["accuracy"], 50.0) && near(&result["argument_accuracy"], 25.0), "{result}");
    for (row, correct) in [("0", true), ("1", true), ("2", false), ("3", false)] {
        assert_eq!(result["details"][row]["correct"], correct, "{row}: {result}");
    }
    let tools = "<s><|im_start|>system name=<|plugin|>\n[{\"name\": \"Calculator\", \"description\": \"d\"";
    assert!(server.prompt_texts().iter().all(|prompt| prompt.starts_with(tools)));
}

#[test]
fn a_failed_item_is_marked_and_asked_again() {
    let bench = Bench::new(3);
    let server = MockServer::start(adder().with_fault(0, MockFault::Error));
    let one = ["--datasets", "sums", "--max-num-workers", "1"];
    let (code, stderr) = run(&bench, &server, &one);
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("mock x sums: 1 item failed, the first: "), "{stderr}");
    assert_eq!(json_file(&bench, "out/results/mock/sums.json")["unanswered"], "1 of 3");
    let (code, stderr) = run(&bench, &server, &one);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(json_file(&bench, "out/results/mock/sums.json")["accuracy"], 100.0);
}

#[test]
fn a_model_that_the_server_does_not_have_is_bad_input() {
    let bench = Bench::new(1);
    let server = MockServer::start(adder());
    let (code, stderr) = run(&bench, &server, &["--set", "model.served-name=other"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("served-name: found the models [mock], expected other"), "{stderr}");
    drop(server);
}
