//! Bad input: one clear message, exit code 2, no panic.

use std::fs;
use std::path::Path;

use internlm_kit::exit::BadInput;
use internlm_kit::testing::{BadInputCase, Program};
use wanjuan_data::shard::{Shard, ShardFolder, ShardWriter};

use crate::site::{pipeline_toml, write_site};

fn wanjuan(folder: &Path) -> Program {
    Program::new(env!("CARGO_BIN_EXE_wanjuan-data"), folder).with_environment("INTERNLM_LOG", "off")
}

#[test]
fn each_mistake_has_one_message() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path();
    let site = write_site(path, 12);
    let good = pipeline_toml(&site, &path.join("out"));
    let write = |name: &str, text: &str| fs::write(path.join(name), text).expect("writes");
    write("good.toml", &good);
    write("key.toml", &good.replace("vocab-size", "vocabulary"));
    write("stage.toml", &good.replace("\"normalize\"", "\"normalise\""));
    write("rule.toml", &good.replace("stage = \"c4\"", "stage = \"c4\"\nbrackets = true"));
    write("first.toml", &good.replacen("stage = \"extract\"", "stage = \"c4\"", 1));
    write("small.toml", &good.replace("vocab-size = 300", "vocab-size = 100"));
    write("list.tsv", "key without a tab\n");
    write("not.warc.gz", "PK\u{3}\u{4} something else");
    fs::create_dir(path.join("empty")).expect("creates");
    let warc = ["--set", "import.source=warc", "--set", "import.files=[\"not.warc.gz\"]"];
    let cases: &[(&[&str], &[&str])] = &[
        (&["run", "missing.toml"], &["missing.toml: cannot read the config"]),
        (&["run", "key.toml"], &["key.toml", "unknown field `vocabulary`", "line"]),
        (&["run", "stage.toml"], &["stage.toml", "unknown variant `normalise`", "`normalize`"]),
        (&["run", "rule.toml"], &["rule.toml", "unknown field `brackets`"]),
        (&["run", "first.toml"], &["stages[0]: found `c4`, expected `extract`"]),
        (&["run", "small.toml"], &["tokenize.vocab-size: found 100, expected at least 265"]),
        (
            &["run", "good.toml", "--set", "import.dir=nowhere"],
            &["nowhere: found nothing, expected a folder of pages"],
        ),
        (&["run", "good.toml", "--set", "import.dir=empty"], &["empty: found 0 files and no selected page"]),
        (
            &["run", "good.toml", warc[0], warc[1], warc[2], warc[3]],
            &["not.warc.gz: byte 0", "expected `WARC/`"],
        ),
        (
            &["run", "good.toml", "--rank", "2", "--world", "2"],
            &["--rank: found 2 of 2 workers, expected a rank below the number of workers"],
        ),
        (
            &["run", "good.toml", "--rank", "0", "--world", "2"],
            &["an import of pages to share among workers, expected import.source = \"warc\""],
        ),
        (
            &["run", "good.toml", "--set", "import.split-bytes=0"],
            &["import.split-bytes: found 0, expected at least 1"],
        ),
        (&["warc", "ls", "missing.warc"], &["missing.warc: cannot read"]),
        (&["warc", "ls", "not.warc.gz"], &["not.warc.gz: byte 0: found", "`filedesc://`"]),
        (&["run", "good.toml", "--set", "nonsense"], &["--set nonsense: found no `=`"]),
        (&["import", "html-dir", "nowhere", "--out", "x.warc.gz"], &["nowhere/: cannot list"]),
        (&["extract", "--list", "missing.tsv", "--out", "p.json"], &["missing.tsv: cannot read"]),
        (
            &["extract", "--list", "list.tsv", "--out", "p.json"],
            &["list.tsv: byte 0", "expected key<TAB>path"],
        ),
        (&["extract", "missing.html"], &["missing.html: cannot read"]),
        (&["report", "nowhere"], &["nowhere/work/finished.json: cannot read"]),
        (&["why", "xyz", "--dir", "nowhere"], &["nowhere/work: cannot list"]),
    ];
    let cases: Vec<BadInputCase> =
        cases.iter().map(|(arguments, parts)| BadInputCase { arguments, code: 2, parts }).collect();
    wanjuan(path).check_bad_input(&cases);
}

#[test]
fn a_corpus_of_which_nothing_is_left_is_told() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = folder.path().join("site");
    fs::create_dir(&site).expect("creates");
    fs::write(site.join("a.html"), "<p>Too short.</p>").expect("writes");
    fs::write(folder.path().join("a.toml"), pipeline_toml(&site, &folder.path().join("out")))
        .expect("writes");
    let parts = &["found no document left after 10 stages", "rejected/ says why"][..];
    wanjuan(folder.path()).check_bad_input(&[BadInputCase { arguments: &["run", "a.toml"], code: 2, parts }]);
}

#[test]
fn a_page_that_cannot_be_read_is_empty_and_told() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("a.html"), "<p>Hello there.</p>").expect("writes");
    fs::write(folder.path().join("list.tsv"), "a\ta.html\nb\tb.html\n").expect("writes");
    let program = Program::new(env!("CARGO_BIN_EXE_wanjuan-data"), folder.path());
    let ran = program.run(["extract", "--list", "list.tsv", "--out", "p.json", "--meta", "m.json"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.stderr.contains("b.html: cannot read"), "{}", ran.stderr);
    let texts = fs::read_to_string(folder.path().join("p.json")).expect("was written");
    assert_eq!(texts, r#"{"a":"Hello there.","b":""}"#);
}

#[test]
fn wrong_shards_name_file_offset_found_and_expected() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let dir = folder.path().join("en");
    let mut writer = ShardWriter::create(&dir, "x").expect("creates");
    writer.push(&[1, 5, 2]).expect("writes");
    writer.push(&[1, 6, 2]).expect("writes");
    writer.finish().expect("finishes");
    let (bin, meta) = (dir.join("x-00000.bin"), dir.join("x-00000.bin.meta"));
    let good = fs::read(&bin).expect("reads");
    let good_meta = fs::read(&meta).expect("reads");

    fs::write(&bin, &good[..good.len() - 10]).expect("writes");
    let error = Shard::open(&bin).and_then(|shard| shard.read(1)).expect_err("truncated");
    assert!(error.is_bad_input());
    let text = error.to_string();
    assert!(text.contains("x-00000.bin: byte 22: found") && text.contains("expected a line"), "{text}");

    fs::write(&bin, &good[..10]).expect("writes");
    let text = Shard::open(&bin).expect_err("too short").to_string();
    assert!(text.contains("x-00000.bin.meta: byte 136: found document 1 at byte 22"), "{text}");

    fs::write(&bin, String::from_utf8_lossy(&good).replace("5, ", "")).expect("writes");
    let text = Shard::open(&bin).and_then(|shard| shard.read(0)).expect_err("one token less").to_string();
    assert!(text.contains("found 2 tokens in document 0, expected 3"), "{text}");

    fs::write(&bin, &good).expect("writes");
    fs::write(&meta, &good_meta[..20]).expect("writes");
    assert!(Shard::open(&bin).expect_err("no header").to_string().contains("byte 8"));
    fs::remove_file(&meta).expect("removes");
    assert!(Shard::open(&bin).expect_err("no meta").is_bad_input());
    fs::remove_file(&bin).expect("removes");
    let text = ShardFolder::open(folder.path()).expect_err("empty").to_string();
    assert!(text.contains("found no shards, expected type folders"), "{text}");
}
