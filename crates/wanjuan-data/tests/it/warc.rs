//! WARC archives: round trips, and damage that costs only the member it hits.

use std::fs;
use std::path::Path;

use wanjuan_data::executor::{ShardInput, ShardSpec, run_shard};
use wanjuan_data::read::{WarcHeaders, WarcItem, WarcReader, WarcWriter, list_pages, write_pages};
use wanjuan_data::{PipelineConfig, StageConfig};

use crate::site::{page, pipeline_toml, sentences, write_site};

/// An archive of `count` pages, and where each member starts.
fn archive(count: u64) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = Vec::new();
    let mut starts = Vec::new();
    for seed in 0..count {
        starts.push(bytes.len());
        let block = page(&format!("Page {seed}"), &sentences(seed, 12));
        let uri = format!("https://example.org/{seed}");
        let headers = WarcHeaders {
            kind: "resource",
            uri: Some(&uri),
            date: "2024-05-01T00:00:00Z",
            content_type: "text/html",
        };
        let mut writer = WarcWriter::new(Vec::new());
        writer.write(&headers, block.as_bytes()).expect("writes to memory");
        bytes.extend(writer.into_inner());
    }
    (bytes, starts)
}

/// Addresses of the records and (start, end, why) of the damages.
fn read(bytes: &[u8], folder: &Path) -> (Vec<String>, Vec<(u64, u64, String)>) {
    let path = folder.join("x.warc.gz");
    fs::write(&path, bytes).expect("writes");
    let (mut uris, mut damages) = (Vec::new(), Vec::new());
    for item in WarcReader::open(&path).expect("opens").items() {
        match item {
            WarcItem::Record(record) => uris.push(record.uri().unwrap_or_default().to_owned()),
            WarcItem::Damage(damage) => damages.push((damage.start, damage.end, damage.why)),
        }
    }
    (uris, damages)
}

fn uris(numbers: &[u64]) -> Vec<String> {
    numbers.iter().map(|number| format!("https://example.org/{number}")).collect()
}

#[test]
fn records_come_back_with_their_offsets() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (bytes, starts) = archive(3);
    let path = folder.path().join("x.warc.gz");
    fs::write(&path, &bytes).expect("writes");
    let reader = WarcReader::open(&path).expect("opens");
    let records: Vec<_> = reader
        .items()
        .map(|item| match item {
            WarcItem::Record(record) => record,
            WarcItem::Damage(damage) => panic!("damage in a whole file: {damage:?}"),
        })
        .collect();
    let offsets: Vec<usize> = records.iter().map(|record| record.offset as usize).collect();
    assert_eq!(offsets, starts);
    assert_eq!(records[1].header("warc-date"), Some("2024-05-01T00:00:00Z"));
    assert_eq!(records[1].block, page("Page 1", &sentences(1, 12)).as_bytes());
}

#[test]
fn a_damaged_member_loses_only_itself() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (bytes, starts) = archive(4);
    let (second, third) = (starts[1], starts[2]);
    let middle = (second + third) / 2;

    let mut flipped = bytes.clone();
    flipped[middle] ^= 0x10;
    let (found, damages) = read(&flipped, folder.path());
    assert_eq!(found, uris(&[0, 2, 3]));
    assert_eq!(damages, [(second as u64, third as u64, "corrupt".to_owned())]);

    let mut wrong_checksum = bytes.clone();
    wrong_checksum[third - 8] ^= 1;
    let (found, damages) = read(&wrong_checksum, folder.path());
    assert_eq!(found, uris(&[0, 2, 3]), "what fails its checksum is not believed");
    assert_eq!(damages, [(second as u64, third as u64, "corrupt".to_owned())]);

    let hole = [&bytes[..middle], &bytes[third..]].concat();
    let (found, damages) = read(&hole, folder.path());
    assert_eq!(found, uris(&[0, 2, 3]));
    assert_eq!((damages[0].0, damages[0].1), (second as u64, middle as u64));

    let junk = [&bytes[..third], b"this is not gzip", &bytes[third..]].concat();
    let (found, damages) = read(&junk, folder.path());
    assert_eq!(found, uris(&[0, 1, 2, 3]));
    assert_eq!(damages, [(third as u64, third as u64 + 16, "junk".to_owned())]);

    let (found, damages) = read(&bytes[..starts[3] + 40], folder.path());
    assert_eq!(found, uris(&[0, 1, 2]));
    assert_eq!(damages, [(starts[3] as u64, starts[3] as u64 + 40, "truncated".to_owned())]);
}

#[test]
fn plain_archives_and_one_member_for_all_records_are_read() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (bytes, _) = archive(3);
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2_members(&bytes), &mut plain).expect("inflates");
    assert_eq!(read(&plain, folder.path()), (uris(&[0, 1, 2]), vec![]));
}

fn flate2_members(bytes: &[u8]) -> impl std::io::Read + '_ {
    flate2::read::MultiGzDecoder::new(bytes)
}

#[test]
fn damage_is_counted_in_the_report() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (mut bytes, starts) = archive(5);
    bytes[(starts[2] + starts[3]) / 2] ^= 4;
    let path = folder.path().join("x.warc.gz");
    fs::write(&path, &bytes).expect("writes");
    let spec = ShardSpec {
        index: 0,
        input: ShardInput::Warc { path, name: "x.warc.gz".to_owned(), dump: "d".to_owned() },
        stages: vec![(
            "extract".to_owned(),
            StageConfig::Extract(wanjuan_data::extract::ExtractConfig::default()),
        )],
        output: folder.path().join("out.jsonl"),
        rejected: None,
    };
    let (report, files) = run_shard(&spec).expect("runs");
    assert_eq!(files.len(), 1);
    let read = &report.stages[0];
    assert_eq!((read.input.documents, read.kept.documents), (5, 4));
    assert_eq!(read.dropped["corrupt-member"].documents, 1);
    assert_eq!((report.damaged[0].start, report.damaged[0].end), (starts[2] as u64, starts[3] as u64));
    // The same spec gives the same bytes.
    let first = fs::read(&spec.output).expect("reads");
    run_shard(&spec).expect("runs");
    assert_eq!(fs::read(&spec.output).expect("reads"), first);
}

#[test]
fn http_responses_give_documents() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("x.warc");
    let mut archive = String::new();
    for (status, body) in [("200 OK", page("One", &sentences(1, 8))), ("404 Not Found", "gone".to_owned())] {
        let block = format!("HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{body}");
        let length = block.len();
        archive.push_str(&format!(
            "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{length}>\r\nWARC-Target-URI: <http://example.org/>\r\nContent-Length: {length}\r\n\r\n{block}\r\n\r\n"
        ));
    }
    fs::write(&path, archive).expect("writes");
    let toml = pipeline_toml(folder.path(), &folder.path().join("out"));
    let config: PipelineConfig = internlm_kit::config::parse(&toml, "test.toml", &[]).expect("parses");
    let spec = ShardSpec {
        index: 0,
        input: ShardInput::Warc { path, name: "x.warc".to_owned(), dump: "d".to_owned() },
        stages: vec![("extract".to_owned(), config.stages[0].clone())],
        output: folder.path().join("out.jsonl"),
        rejected: None,
    };
    let report = run_shard(&spec).expect("runs").0;
    assert_eq!(report.stages[0].dropped["http-status"].documents, 1);
    let line = fs::read_to_string(&spec.output).expect("reads");
    assert!(line.contains("\"url\":\"http://example.org/\""), "{line}");
}

#[test]
fn importing_twice_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 12);
    let list = list_pages(&site, &[], &["copies".to_owned()]).expect("lists");
    assert!(list.pages.iter().all(|page| !page.path.starts_with("copies")));
    assert!(list.pages.is_sorted_by(|a, b| a.path < b.path));
    let import = |name: &str| {
        let out = folder.path().join(name);
        write_pages(&site, &list.pages, &out, "https://example.org/", "2024-05-01T00:00:00Z")
            .expect("writes");
        fs::read(out).expect("reads")
    };
    assert_eq!(import("a.warc.gz"), import("b.warc.gz"));
    let items = WarcReader::open(&folder.path().join("a.warc.gz")).expect("opens").items().count();
    assert_eq!(items, 1 + list.pages.len(), "warcinfo and one record per page");
}
