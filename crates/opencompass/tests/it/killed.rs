//! Runs that are killed at any moment or repeated in any way: the same bytes, and nothing that is stored is asked again.
//!
//! Runs are killed at 12 points; `OPENCOMPASS_KILLS=100 cargo test -p opencompass --test it killed` takes 100.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use internlm_kit::rng::CounterRng;
use internlm_kit::testing::{Request, Response, TestServer};
use serde_json::{Value, json};

use crate::runs::{Bench, bytes, told};

/// Number of points at which runs are killed if the environment does not say.
const KILLS: u64 = 12;

/// All ways to cut a run into tasks, so that each of them cuts the sets of 40 rows.
const PARTITIONERS: [&str; 5] = [
    "{ kind = \"naive\" }",
    "{ kind = \"size\", max-task-size = 100 }",
    "{ kind = \"size\", max-task-size = 30, strategy = \"split\" }",
    "{ kind = \"num_worker\", num-worker = 3 }",
    "{ kind = \"num_worker\", num-worker = 4, num-split = 2, strategy = \"split\" }",
];

/// Log-probability of an id at a place: numbers that differ, and that do not depend on who asks when.
fn log_prob(place: usize, id: u64) -> f64 {
    -(((id * 31 + place as u64 * 7) % 97 + 1) as f64) / 40.0
}

/// The ids of a prompt; text is spelled in bytes after `<s>`.
fn ids(prompt: &Value) -> Vec<u64> {
    match prompt {
        Value::Array(ids) => ids.iter().filter_map(Value::as_u64).collect(),
        text => std::iter::once(1).chain(text.as_str().unwrap_or_default().bytes().map(u64::from)).collect(),
    }
}

fn answer(request: &Request) -> Response {
    let body = &request.body;
    match request.path.as_str() {
        "/v1/models" => Response::models(64),
        "/v1/chat/completions" => {
            let question = body["messages"][0]["content"].as_str().unwrap_or_default();
            let number: u64 = question.trim_end_matches(" + 1").parse().unwrap_or(0);
            // Every third answer is wrong.
            let sum = if number.is_multiple_of(3) { 0 } else { number + 1 };
            Response::chat(&format!("That is {sum}."), Value::Null)
        }
        "/v1/completions" => echoed(&ids(&body["prompt"])),
        "/generate" => rest(&ids(&body["input_ids"]), body["logprob_start_len"].as_u64().unwrap_or(0)),
        _ => Response::Json(404, json!({ "error": { "message": "no such route" } })),
    }
}

/// The log-probabilities of all ids.
fn echoed(ids: &[u64]) -> Response {
    let tokens: Vec<String> = ids.iter().map(|id| format!("<{id}>")).collect();
    let value = |(place, id): (usize, &u64)| match place {
        0 => Value::Null,
        _ => json!(log_prob(place, *id)),
    };
    let values: Vec<Value> = ids.iter().enumerate().map(value).collect();
    let log_probs =
        json!({ "tokens": tokens, "token_logprobs": values, "top_logprobs": null, "text_offset": [] });
    let choice = json!({ "index": 0, "text": "", "logprobs": log_probs, "finish_reason": "length" });
    Response::Json(200, json!({ "choices": [choice] }))
}

/// The log-probabilities of the ids behind place `start`.
fn rest(ids: &[u64], start: u64) -> Response {
    let value = |(place, id): (usize, &u64)| json!([log_prob(place, *id), id]);
    let values: Vec<Value> = ids.iter().enumerate().skip(start as usize + 1).map(value).collect();
    let info = json!({ "prompt_tokens": ids.len(), "input_token_logprobs": values });
    Response::Json(200, json!({ "text": "", "output_ids": [], "meta_info": info }))
}

/// A server whose answers take from none to three times `unit`, so that they overtake each other.
fn serve(unit: Duration) -> TestServer {
    let rng = CounterRng::new(1, "delays");
    TestServer::start(move |request: &Request| {
        thread::sleep(unit * rng.below(request.number as u64, 4) as u32);
        answer(request)
    })
}

/// Number of questions that the server was asked.
fn asked(server: &TestServer) -> usize {
    server.requests().iter().filter(|request| request.path != "/v1/models").count()
}

/// Number of answers in the store. A torn last line is not an answer.
fn stored(bench: &Bench) -> usize {
    let store = fs::read(bench.path("out/store.jsonl")).unwrap_or_default();
    store.iter().filter(|byte| **byte == b'\n').count()
}

/// A bench with the files of a tokenizer. The keys of answers have the hash of these files and not the server's address,
/// so that several servers are one model.
fn bench(rows: usize) -> Bench {
    let bench = Bench::new(rows);
    fs::create_dir_all(bench.path("weights")).expect("creates");
    lmdeploy::testing::tokenizer().save(bench.path("weights")).expect("saves");
    bench
}

fn command(bench: &Bench, server: &TestServer, more: &[&str]) -> Command {
    let url = format!("model.base-url={}", server.url());
    let mut arguments = vec!["run.toml"];
    let settings =
        ["model.kind=api", "model.weights=weights", "model.log-probs=true", "model.retries=0", &url];
    settings.iter().for_each(|setting| arguments.extend(["--set", *setting]));
    bench.command(&[&arguments[..], more].concat())
}

/// Runs to the end, which has to be a good one.
fn finish(bench: &Bench, server: &TestServer, more: &[&str]) {
    let output = command(bench, server, more).output().expect("the binary starts");
    assert_eq!(told(&output).0, Some(0), "{}", told(&output).1);
}

#[test]
fn a_run_killed_at_any_moment_loses_nothing_and_asks_nothing_twice() {
    let kills = std::env::var("OPENCOMPASS_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let bench = bench(24);
    // Requests of killed runs may arrive late, so the runs that are counted have a server of their own.
    let (server, again) = (serve(Duration::from_millis(2)), serve(Duration::ZERO));
    let started = Instant::now();
    finish(&bench, &server, &[]);
    let duration = started.elapsed();
    let (expected, total) = (bytes(&bench.path("out")), stored(&bench));
    assert_eq!(asked(&server), total, "every question is asked once");
    let (rng, mut early) = (CounterRng::new(9, "kills"), 0);
    for kill in 0..kills {
        let _ = fs::remove_dir_all(bench.path("out"));
        // The first kills are spread over the whole run. Every fourth run is killed once more.
        for life in 0..=u64::from(kill % 4 == 3) {
            let random = rng.split(kill).f64(life);
            let share = if life == 0 { (kill as f64 + random) / kills as f64 } else { random };
            let mut command = command(&bench, &server, &[]);
            let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
            thread::sleep(duration.mul_f64(share));
            // On Unix this is kill -9; the run may be done already.
            let _ = running.kill();
            running.wait().expect("ends");
        }
        let (kept, before) = (stored(&bench), asked(&again));
        early += usize::from(kept < total);
        finish(&bench, &again, &[]);
        assert_eq!(asked(&again) - before, total - kept, "kill {kill}: exactly what is missing is asked");
        assert_eq!(stored(&bench), total, "kill {kill}: no answer is lost");
        assert_eq!(bytes(&bench.path("out")), expected, "kill {kill}");
    }
    assert!(early > 0, "no run was killed before it had all answers");
}

#[test]
fn workers_partitioners_and_repeats_change_no_byte() {
    let bench = bench(40);
    let mut expected = None;
    for partitioner in PARTITIONERS {
        let set = format!("run.partitioner={partitioner}");
        for workers in ["1", "2", "4", "16"] {
            // The answers of each repeat come in another order.
            for repeat in 0..3 {
                let server = serve(Duration::from_micros(300 * repeat));
                let _ = fs::remove_dir_all(bench.path("out"));
                let more = ["--datasets", "sums", "pick", "--max-num-workers", workers, "--set", &set];
                finish(&bench, &server, &more);
                let found = bytes(&bench.path("out"));
                let case = format!("{partitioner}, {workers} workers, repeat {repeat}");
                assert_eq!(*expected.get_or_insert_with(|| found.clone()), found, "{case}");
            }
        }
    }
}
