//! The verbs `warc ls`, `warc cat` and `warc check`, as a user meets them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::seeds::{gzip, record, response, seed};

fn warc(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wanjuan-data"));
    command.arg("warc").args(arguments).current_dir(folder).output().expect("starts")
}

/// Lines of stdout as JSON.
fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect()
}

#[test]
fn ls_lists_records_and_tells_damage() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let first = gzip(&record("response", "<http://a.b/1>", b"HTTP/1.1 200 OK\r\n\r\n"), 6);
    let second = gzip(&record("resource", "http://a.b/2", b""), 6);
    let (start, end) = (first.len() + 4, first.len() + 4 + second.len());
    fs::write(folder.path().join("x.warc.gz"), [&first[..], b"junk", &second, &first[..40]].concat())
        .expect("writes");
    let output = warc(folder.path(), &["ls", "x.warc.gz"]);
    assert!(output.status.success());
    let sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    let want = json!({"offset": start, "inner": 0, "type": "resource", "uri": "http://a.b/2", "length": 0, "sha1": sha1, "state": "ok"});
    let found = lines(&output);
    assert_eq!((found.len(), &found[1]), (2, &want));
    assert_eq!(found[0]["uri"], "http://a.b/1");
    let damages = format!("damaged {} {start} junk\ndamaged {end} {} truncated\n", first.len(), end + 40);
    assert_eq!(String::from_utf8_lossy(&output.stderr), damages);
}

/// What `gzip` itself ignores is not damage: archives come back from tapes and block devices with zeros.
#[test]
fn zeros_around_members_are_no_damage() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let member = gzip(&record("resource", "http://a.b/1", b""), 6);
    let zeros = [0; 512];
    let padded = [&member[..], &zeros, &member, &zeros].concat();
    fs::write(folder.path().join("x.warc.gz"), &padded).expect("writes");
    fs::write(folder.path().join("junk.warc.gz"), [&padded[..], b"junk"].concat()).expect("writes");
    let output = warc(folder.path(), &["ls", "x.warc.gz"]);
    assert_eq!((lines(&output).len(), &output.stderr[..]), (2, &b""[..]));
    let output = warc(folder.path(), &["check", "x.warc.gz"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = warc(folder.path(), &["check", "junk.warc.gz"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn cat_prints_a_record_its_block_or_its_payload() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let block = response("gzip", b"<p>Hello.</p>");
    let whole = record("response", "http://a.b/1", &block);
    let first = record("warcinfo", "info", b"x");
    fs::write(folder.path().join("x.warc.gz"), [gzip(&first, 6), gzip(&whole, 6)].concat()).expect("writes");
    fs::write(folder.path().join("x.warc"), [&first[..], &whole].concat()).expect("writes");
    let zstd = ruzstd::encoding::compress_to_vec(
        &[&first[..], &whole].concat()[..],
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    fs::write(folder.path().join("x.warc.zst"), zstd).expect("writes");
    let member = gzip(&first, 6).len().to_string();
    let inner = first.len().to_string();
    for place in [
        ["x.warc.gz", "--offset", &member],
        ["x.warc", "--offset", &inner],
        ["x.warc.zst", "--inner", &inner],
    ] {
        let cat = |part: &str| {
            let output = warc(folder.path(), &[&["cat"], &place[..], &["--part", part]].concat());
            assert!(output.status.success(), "{place:?}: {}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        assert_eq!(cat("record"), whole[..whole.len() - 4], "{place:?}");
        assert_eq!(cat("block"), block);
        assert_eq!(cat("payload"), b"<p>Hello.</p>");
    }
    let output = warc(folder.path(), &["cat", "x.warc.gz", "--offset", "7"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("x.warc.gz: found no record at byte 7"));
}

#[test]
fn check_tells_wrong_digests() {
    let folder = tempfile::tempdir().expect("temporary folder");
    // The seeds' records all name the digest of nothing.
    let good = record("resource", "good", b"");
    let bad = record("resource", "bad", b"something");
    let md5 = String::from_utf8(good.clone()).expect("is text").replace("sha1:", "md5:");
    fs::write(folder.path().join("good.warc"), [&good[..], md5.as_bytes()].concat()).expect("writes");
    fs::write(folder.path().join("bad.warc"), [&good[..], &bad].concat()).expect("writes");
    let output = warc(folder.path(), &["check", "good.warc"]);
    assert!(output.status.success());
    let found = lines(&output);
    assert_eq!((found.len(), &found[0]["state"]), (1, &json!("unchecked")));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("2 records: 1 digests right, 0 wrong, 1 unchecked")
    );
    let output = warc(folder.path(), &["check", "good.warc", "bad.warc"]);
    assert_eq!(output.status.code(), Some(1));
    let found = lines(&output);
    assert_eq!(
        (&found[1]["uri"], &found[1]["state"], &found[1]["digest"]),
        (&json!("bad"), &json!("wrong"), &json!("block"))
    );
    assert_eq!(found[1]["found"], "sha1:DLYX443SDW7AYQABDOBO2S5RU7N6HTRJ");
    let mut cut = seed(crate::readers::Reader::Gzip);
    cut.truncate(cut.len() - 20);
    fs::write(folder.path().join("cut.warc.gz"), cut).expect("writes");
    assert_eq!(warc(folder.path(), &["check", "cut.warc.gz"]).status.code(), Some(1));
}
