//! The report: one file, every cell explained, the items of every cell, nothing from the network.

use std::fs;

use internlm_kit::testing::{Request, Response, TestServer};
use serde_json::{Value, json};

use crate::runs::{Bench, told};

fn page(bench: &Bench) -> String {
    fs::read_to_string(bench.path("out/report/index.html")).expect("the report")
}

/// The JSON of a script element.
fn block(page: &str, id: &str) -> Value {
    let start = format!("<script type=\"application/json\" id=\"{id}\">");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no {id}"));
    serde_json::from_str(rest.split_once("</script>").expect("its end").0).expect("JSON")
}

#[test]
fn a_report_has_scores_plots_letters_and_items() {
    let bench = Bench::new(12);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let page = page(&bench);
    for part in ["<h2>Scores of out</h2>", "class=\"bars\"", "n = 12", "<h2>Letters</h2>", "id=\"list\""] {
        assert!(page.contains(part), "{part}");
    }
    for address in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(address), "the page asks the network: {address}");
    }
    let index = block(&page, "index");
    assert_eq!(index, json!([["out", "mock", "sums"], ["out", "mock", "pick"], ["out", "mock", "texts"]]));
    let sums = block(&page, "items-0");
    assert_eq!((&sums["all"], &sums["rows"][1][0]), (&json!(12), &json!("1")));
    let row = sums["rows"][1].as_array().expect("a row");
    assert_eq!(row[1..6], [json!("HUMAN: 1 + 1"), json!("1 + 1"), json!("1"), json!("2"), json!(false)]);
    let pick = block(&page, "items-1");
    assert!(pick["rows"][0][1].as_str().expect("a prompt").contains("label: B, PPL"), "{pick}");
}

#[test]
fn texts_of_models_are_only_text() {
    let bench = Bench::new(2);
    let evil = "model.rule={kind=\"constant\", text=\"</script><img src=x onerror=alert(1)>\"}";
    assert_eq!(told(&bench.run(&["run.toml", "--datasets", "sums", "--set", evil])).0, Some(0));
    let page = page(&bench);
    assert!(!page.contains("<img"), "an answer became an element");
    let items = block(&page, "items-0");
    assert_eq!(items["rows"][0][2], "</script><img src=x onerror=alert(1)>");
}

#[test]
fn a_refused_cell_says_why() {
    let bench = Bench::new(2);
    let skip = ["run.toml", "--set", "model.log-probs=false", "--set", "run.unsupported=skip"];
    assert_eq!(told(&bench.run(&skip)).0, Some(3));
    assert!(page(&bench).contains("the dataset needs log-probabilities"), "{}", page(&bench));
}

#[test]
fn a_large_run_stays_below_15_megabytes() {
    let bench = Bench::new(1);
    let long = "word ".repeat(1500);
    let rows =
        (0..1500).map(|row| json!({ "question": format!("{row} {long}"), "answer": "1" }).to_string() + "\n");
    bench.write("questions.jsonl", &rows.collect::<String>());
    assert_eq!(
        told(&bench.run(&["run.toml", "--datasets", "sums", "--set", "model.max-seq-len=100000"])).0,
        Some(0)
    );
    let page = page(&bench);
    assert!(page.len() < 15_000_000, "{}", page.len());
    let items = block(&page, "items-0");
    assert_eq!((&items["all"], items["rows"].as_array().map(Vec::len)), (&json!(1500), Some(1500)));
}

fn answers(request: &Request) -> Response {
    match request.path.as_str() {
        "/v1/models" => Response::models(512),
        _ => Response::chat("1", Value::Null),
    }
}

#[test]
fn scores_table_and_plan_need_no_server_after_the_answers() {
    let bench = Bench::new(3);
    let server = TestServer::start(answers);
    let address = format!("model.base-url={}", server.url());
    let set = [
        "run.toml",
        "--datasets",
        "sums",
        "--set",
        "model.kind=api",
        "--set",
        &address,
        "--set",
        "model.retries=0",
    ];
    let run = |more: &[&str]| told(&bench.run(&[&set[..], more].concat()));
    assert_eq!(run(&["-m", "infer"]).0, Some(0));
    let asked = server.requests().len();
    for more in [&["-m", "eval"][..], &["-m", "viz"], &["--dry-run"]] {
        let (code, stderr) = run(more);
        assert_eq!(code, Some(0), "{more:?}: {stderr}");
    }
    assert_eq!(server.requests().len(), asked, "the server is not even greeted");
    // A plan of a model that was never met is a guess; a score is not.
    fs::remove_dir_all(bench.path("out")).expect("removes");
    assert_eq!(run(&["--dry-run"]).0, Some(0));
    // Nobody listens on a port whose listener is gone.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let nobody = format!("model.base-url=http://{}", listener.local_addr().expect("has an address"));
    drop(listener);
    let (code, stderr) = run(&["-m", "eval", "--set", &nobody]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("no answer from"), "{stderr}");
}
