//! The binary as a user meets it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use internlm_kit::testing::Program;

use crate::site::{pipeline_toml, sentences, write_site};

fn wanjuan(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wanjuan-data"));
    command.args(arguments).current_dir(folder).output().expect("starts")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn import_run_report_and_why() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 20);
    stdout(&wanjuan(
        folder.path(),
        &["import", "html-dir", "site", "--out", "site.warc.gz", "--include", "**/*.html"],
    ));
    fs::write(folder.path().join("a.toml"), pipeline_toml(&site, Path::new("out"))).expect("writes");
    let overrides = ["--set", "import.source=warc", "--set", "import.files=[\"site.warc.gz\"]"];
    let table = stdout(&wanjuan(folder.path(), &[&["run", "a.toml"], &overrides[..]].concat()));
    assert!(table.contains("near-duplicate") && table.contains("gzip -9"), "{table}");
    assert_eq!(stdout(&wanjuan(folder.path(), &["report", "out"])), table);
    let json = stdout(&wanjuan(folder.path(), &["report", "out", "--json"]));
    assert_eq!(stdout(&wanjuan(folder.path(), &["report", "out", "--format", "json"])), json);
    assert!(serde_json::from_str::<serde_json::Value>(&json).expect("is JSON")["stages"].is_array());
    let index = fs::read_to_string(folder.path().join("out/documents.jsonl")).expect("reads");
    let line: serde_json::Value =
        serde_json::from_str(index.lines().next().expect("a line")).expect("is JSON");
    let id = line["id"].as_str().expect("has an id");
    let trace = stdout(&wanjuan(folder.path(), &["why", id, "--dir", "out"]));
    assert!(trace.contains("site.warc.gz at byte") && trace.contains("tokens    shards/"), "{trace}");
    let address = trace.lines().find_map(|line| line.strip_prefix("url       ")).expect("has an address");
    assert_eq!(stdout(&wanjuan(folder.path(), &["why", address, "--dir", "out"])), trace);
    let summary = fs::read_to_string(folder.path().join("out/summary.json")).expect("reads");
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("is JSON");
    assert!(summary["gzip_bits_per_byte"].as_f64().expect("a number") > 0.5);
}

#[test]
fn extract_does_not_depend_on_threads() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 20);
    let lines: Vec<String> = (0..20).map(|n| format!("{n}\tarticles/{n:03}.html\n")).collect();
    fs::write(site.join("list.tsv"), lines.concat()).expect("writes");
    for threads in ["1", "2"] {
        let out = format!("{threads}.json");
        stdout(&wanjuan(
            folder.path(),
            &["extract", "--list", "site/list.tsv", "--out", &out, "--threads", threads],
        ));
    }
    let read = |name: &str| fs::read(folder.path().join(name)).expect("reads");
    assert_eq!(read("1.json"), read("2.json"));
}

#[test]
fn inspect_tells_what_was_dropped_and_why() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let page = format!(
        "<title>Tides</title><div class=navbar><a href=/>Home page</a></div><article><h1>Tides</h1><p>{}</p></article>",
        sentences(1, 8).join(" ")
    );
    fs::write(folder.path().join("page.html"), page).expect("writes");
    let arguments = ["inspect", "page.html", "--format", "markdown", "--html", "out.html"];
    let text = stdout(&wanjuan(folder.path(), &arguments));
    assert!(text.starts_with("Tides\nfile"), "{text}");
    assert!(text.contains("| Home page") && text.contains("| [inside nav"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colors outside of a terminal: {text}");
    let html = fs::read_to_string(folder.path().join("out.html")).expect("reads");
    assert!(
        html.contains("class=\"block kept\"") && html.contains("<pre dir=\"auto\"># Tides\n\n"),
        "{html}"
    );
    let missing = wanjuan(folder.path(), &["inspect", "nowhere.html"]);
    assert!(String::from_utf8_lossy(&missing.stderr).contains("nowhere.html"));
}

/// Without documentation the recipe reads what crates ship as text.
#[cfg(unix)]
#[test]
fn rust_docs_fall_back_to_the_registry() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path();
    let rustc = path.join("bin/rustc");
    fs::create_dir(path.join("bin")).expect("creates");
    fs::write(&rustc, "#!/bin/sh\necho /nonexistent/sysroot\n").expect("writes");
    fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).expect("sets the mode");
    for number in 0..20 {
        let krate = path.join(format!("cargo/registry/src/index/crate-{number}"));
        fs::create_dir_all(&krate).expect("creates");
        fs::write(krate.join("README.md"), sentences(number, 20).join("\n")).expect("writes");
        fs::write(krate.join("LICENSE.md"), "Do what you want.").expect("writes");
    }
    let toml = pipeline_toml(path, Path::new("out")).replace("\"folder\"", "\"rust-docs\"")
        + "[import.fallback]\nselect = [{ include = \"**/*.md\" }]\nexclude = [\"**/LICENSE*\"]\n";
    fs::write(path.join("a.toml"), toml).expect("writes");
    let output = Command::new(env!("CARGO_BIN_EXE_wanjuan-data"))
        .args(["run", "a.toml"])
        .current_dir(path)
        .env("PATH", path.join("bin"))
        .env("CARGO_HOME", path.join("cargo"))
        .output()
        .expect("starts");
    assert!(stdout(&output).starts_with("stage"));
    let funnel = fs::read_to_string(path.join("out/funnel.json")).expect("reads");
    let funnel: serde_json::Value = serde_json::from_str(&funnel).expect("is JSON");
    assert_eq!(funnel["stages"][0]["input"]["documents"], 20);
}

#[test]
fn extract_writes_to_standard_output_and_through_links() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("a.html"), "<title>Tides</title><p>Hello there.</p>").expect("writes");
    fs::write(folder.path().join("list.tsv"), "a\ta.html\n").expect("writes");
    let program = Program::new(env!("CARGO_BIN_EXE_wanjuan-data"), folder.path());
    let text = r#"{"a":"Hello there."}"#;
    let ran = program.run(["extract", "--list", "list.tsv", "--out", "-"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), text), "{}", ran.stderr);
    assert!(!folder.path().join("-").exists());
    let (link, target) = (folder.path().join("link.json"), folder.path().join("target.json"));
    fs::write(&target, "old").expect("writes");
    std::os::unix::fs::symlink(&target, &link).expect("links");
    let ran = program.run(["extract", "--list", "list.tsv", "--out", "link.json", "--meta", "/dev/stdout"]);
    assert!(ran.stdout.contains(r#""title":"Tides""#), "{ran:?}");
    assert!(link.is_symlink(), "the link stays");
    assert_eq!(fs::read_to_string(target).expect("reads"), text);
}

#[test]
fn extract_takes_a_page_or_standard_input() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("a.html"), "<title>Tides</title><p>Hello there.</p>").expect("writes");
    let program = Program::new(env!("CARGO_BIN_EXE_wanjuan-data"), folder.path());
    let ran = program.run(["extract", "a.html", "--meta", "m.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "Hello there.\n"), "{}", ran.stderr);
    let meta = fs::read_to_string(folder.path().join("m.json")).expect("was written");
    assert!(meta.contains(r#""title":"Tides""#), "{meta}");
    let piped = program.clone().with_input("<p>From a <b>pipe</b>.</p>");
    let ran = piped.run(["extract", "-", "--format", "markdown", "--out", "a.md"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(folder.path().join("a.md")).expect("was written"), "From a **pipe**.\n");
    let ran = program.with_input("%PDF-1.7 is not a page").run(["extract", "-"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
}

#[test]
fn a_reader_that_leaves_ends_every_verb_quietly() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 20);
    fs::write(folder.path().join("a.toml"), pipeline_toml(&site, Path::new("out"))).expect("writes");
    fs::write(folder.path().join("list.tsv"), "a\tsite/notes.txt\n").expect("writes");
    let program = Program::new(env!("CARGO_BIN_EXE_wanjuan-data"), folder.path());
    assert_eq!(program.run(["run", "a.toml"]).code, Some(0));
    let index = fs::read_to_string(folder.path().join("out/documents.jsonl")).expect("reads");
    let id = &index[7..27];
    let documents = "{\"id\":\"a\",\"content\":\"text\"}\n".repeat(2000);
    program.with_input(documents).check_closed_output_of_every_verb(&[
        &["report", "out"],
        &["report", "out", "--json"],
        &["why", id, "--dir", "out"],
        &["warc", "ls", "out/work/00-import/00000.warc.gz"],
        &["warc", "cat", "out/work/00-import/00000.warc.gz"],
        &["inspect", "site/notes.txt"],
        &["extract", "--list", "list.tsv", "--out", "-"],
        &["run", "a.toml"],
        &["import", "html-dir", "site", "--out", "again.warc.gz"],
        &["warc", "check", "out/work/00-import/00000.warc.gz"],
        &["filter", "--rules", "c4"],
        &["lid"],
    ]);
}
