//! The report: one file, every cell explained, the items of every cell, nothing from the network.

use std::fs;

use base64::Engine;
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

/// The content security policy in the head of the page.
fn policy(page: &str) -> &str {
    let (_, rest) = page.split_once("http-equiv=\"Content-Security-Policy\" content=\"").expect("a policy");
    rest.split_once('"').expect("its end").0
}

#[test]
fn a_report_has_scores_plots_letters_and_items() {
    let bench = Bench::new(12);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let page = page(&bench);
    for part in [
        "<h2>Scores of out</h2>",
        "class=\"bars\"",
        "n = 12",
        "<h3>Letters</h3>",
        "id=\"list\"",
        "3 datasets · 1 model · 36 items",
        "data-cell=\"1\"",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let index = block(&page, "index");
    let cell = |dataset: &str| json!([0, "mock", dataset, ""]);
    assert_eq!(index["runs"], json!(["out"]));
    // Every label of the set `pick` has the same score under the mock model, which the report says.
    let ties = "12 of 12 items are ties: order or length chose the label";
    let cells = json!([cell("sums"), [0, "mock", "pick", ties], cell("texts")]);
    assert_eq!(index["cells"], cells);
    assert!(page.contains(ties));
    let sums = block(&page, "items-0");
    assert_eq!((&sums["all"], &sums["rows"][1][0]), (&json!(12), &json!("1")));
    let row = sums["rows"][1].as_array().expect("a row");
    let expected =
        [json!([["HUMAN", "1 + 1"]]), json!("1 + 1"), json!("1"), json!("2"), json!(false), Value::Null];
    assert_eq!(row[1..7], expected);
    let pick = &block(&page, "items-1")["rows"][0];
    let options = pick[1]["options"].as_array().expect("labels that were measured");
    assert_eq!(pick[1]["stem"], "0 + 1: ");
    assert_eq!((&options[1][0], &options[1][2]), (&json!("B"), &json!("bb0")));
    assert!(options[1][1].as_str().expect("text").starts_with("PPL "), "{pick}");
}

#[test]
fn a_report_loads_nothing_and_runs_only_its_own_script() {
    let bench = Bench::new(4);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let page = page(&bench);
    for address in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(address), "the page asks the network: {address}");
    }
    let policy = policy(&page);
    assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("script-src 'unsafe"), "{policy}");
    // Every script that is not data is the one whose digest the policy names.
    let scripts: Vec<&str> = page.split("<script>").skip(1).collect();
    assert_eq!(scripts.len(), 1);
    let (script, _) = scripts[0].split_once("</script>").expect("its end");
    let (_, rest) = policy.split_once("'sha256-").expect("a digest");
    let (digest, _) = rest.split_once('\'').expect("its end");
    let digest = base64::engine::general_purpose::STANDARD.decode(digest).expect("base64");
    let hexadecimal: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hexadecimal, internlm_kit::hash::sha256(script));
}

#[test]
fn a_report_is_a_whole_document() {
    let bench = Bench::new(5);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let page = page(&bench);
    let tags = ["html", "head", "body", "main", "nav", "section", "table", "thead", "tbody", "details", "p"];
    for tag in tags {
        let count = |start: &str| page.matches(start).count();
        let opened = count(&format!("<{tag}>")) + count(&format!("<{tag} "));
        assert_eq!(opened, count(&format!("</{tag}>")), "<{tag}>");
    }
    // Every place that the page links to exists, and no identifier has two elements.
    for target in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(page.contains(&format!("id=\"{target}\"")), "#{target}");
    }
    let mut names: Vec<&str> =
        page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "{names:?}");
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
fn names_are_only_text() {
    let bench = Bench::new(2);
    let set = std::fs::read_to_string(bench.path("sets/sums.toml")).expect("reads");
    bench.write("sets/odd.toml", &set.replace("\"sums\"", "'a\"<b>&c'"));
    let name = "model.name=m<i>\"'x";
    assert_eq!(told(&bench.run(&["run.toml", "--datasets", "sets/odd.toml", "--set", name])).0, Some(0));
    let page = page(&bench);
    assert!(page.contains("a&quot;&lt;b&gt;&amp;c") && page.contains("m&lt;i&gt;&quot;&#39;x"));
    assert!(!page.contains("<b>&") && !page.contains("m<i>"), "a name became an element");
    assert_eq!(block(&page, "index")["cells"][0][2], "a\"<b>&c");
}

#[test]
fn a_refused_cell_says_why() {
    let bench = Bench::new(2);
    let skip = ["run.toml", "--set", "model.log-probs=false", "--set", "run.unsupported=skip"];
    assert_eq!(told(&bench.run(&skip)).0, Some(3));
    let page = page(&bench);
    let reason = "the dataset needs log-probabilities";
    assert!(page.contains(reason), "{page}");
    assert!(!page.contains("<td>-") && !page.contains(">-<"), "a cell without a reason: {page}");
    // The viewer gives the reason too.
    let cell = &block(&page, "index")["cells"][1];
    assert!(cell[3].as_str().expect("text").contains(reason), "{cell}");
    assert_eq!(block(&page, "items-1")["all"], 0);
}

#[test]
fn two_runs_of_one_name_can_be_told_apart() {
    let bench = Bench::new(6);
    assert_eq!(told(&bench.run(&["run.toml", "--set", "run.folder=a/out"])).0, Some(0));
    let rule = "model.rule={kind=\"constant\", text=\"3\"}";
    let other = bench.run(&["run.toml", "--set", "run.folder=b/out", "--set", rule]);
    assert_eq!(told(&other).0, Some(0));
    assert_eq!(told(&bench.run(&["diff", "a/out", "b/out", "--report"])).0, Some(0));
    let page = fs::read_to_string(bench.path("a/out/report/index.html")).expect("the report");
    for part in [
        "<h2>out (1) and out (2)</h2>",
        "<h2>Scores of out (2)</h2>",
        "data-cell=\"0\" data-beside=\"3\" data-verdict=\"differ\"",
        "0 of 3 cells of out (1)",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let index = block(&page, "index");
    assert_eq!(index["runs"], json!(["out (1)", "out (2)"]));
    assert_eq!(index["cells"][3][0], 1);
    assert_eq!(block(&page, "items-5")["all"], 6);
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
