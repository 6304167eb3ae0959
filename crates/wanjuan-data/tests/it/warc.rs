//! WARC archives: round trips, and damage that costs only the member it hits.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use internlm_kit::context::RunContext;
use wanjuan_data::executor::{Corpus, Outcome, RunOptions, run};
use wanjuan_data::read::{WarcHeaders, WarcItem, WarcReader, WarcWriter, read_documents};
use wanjuan_data::tokenize::TokenizeConfig;
use wanjuan_data::{Document, ImportConfig, PipelineConfig};

use crate::site::{page, sentences, write_site};

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
    let mut reader = WarcReader::open(&path).expect("opens");
    while let Some(item) = reader.next_item() {
        match item {
            WarcItem::Record(record) => uris.push(record.uri().unwrap_or_default().into_owned()),
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
    let mut reader = WarcReader::open(&path).expect("opens");
    for (seed, start) in starts.into_iter().enumerate() {
        let Some(WarcItem::Record(record)) = reader.next_item() else { panic!("no record {seed}") };
        assert_eq!((record.offset, record.inner), (Some(start as u64), 0));
        assert_eq!(record.header("warc-date").as_deref(), Some("2024-05-01T00:00:00Z"));
        let block = page(&format!("Page {seed}"), &sentences(seed as u64, 12));
        assert_eq!(record.block, block.as_bytes());
    }
    assert_eq!(reader.next_item(), None);
    assert_eq!(reader.position(), bytes.len() as u64);
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
fn zeros_around_members_are_padding_and_other_bytes_are_not() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (bytes, starts) = archive(2);
    let (second, end) = (starts[1], bytes.len());
    for length in [1, 17, 512, 100_000] {
        let zeros = vec![0; length];
        let padded = [&bytes[..second], &zeros, &bytes[second..], &zeros].concat();
        let (found, damages) = read(&padded, folder.path());
        assert_eq!(found, uris(&[0, 1]));
        let range = |start: usize| (start as u64, (start + length) as u64, "padding".to_owned());
        assert_eq!(damages, [range(second), range(end + length)]);
    }
    let almost = [&bytes[..second], &[0, 0, 1, 0], &bytes[second..]].concat();
    let (_, damages) = read(&almost, folder.path());
    assert_eq!(damages, [(second as u64, second as u64 + 4, "junk".to_owned())]);
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

/// A frame whose bytes are overwritten, or that is cut, costs its own record and no other.
#[test]
fn a_damaged_frame_loses_only_itself() {
    let record = |number: u64| {
        let block = page(&format!("Page {number}"), &sentences(number, 12));
        crate::seeds::record("resource", &format!("https://example.org/{number}"), block.as_bytes())
    };
    let zstd = |bytes: Vec<u8>| {
        ruzstd::encoding::compress_to_vec(&bytes[..], ruzstd::encoding::CompressionLevel::Fastest)
    };
    let lz4 = |bytes: Vec<u8>| {
        let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
        let mut writer = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
        std::io::Write::write_all(&mut writer, &bytes).expect("writes to memory");
        writer.finish().expect("finishes")
    };
    let folder = tempfile::tempdir().expect("temporary folder");
    let kinds: [&dyn Fn(Vec<u8>) -> Vec<u8>; 2] = [&zstd, &lz4];
    for pack in kinds {
        let frames: Vec<Vec<u8>> = (0..4).map(|number| pack(record(number))).collect();
        let (start, end) = (frames[0].len(), frames[0].len() + frames[1].len());
        let mut overwritten = frames.concat();
        overwritten[start + 12..end - 20].fill(0xaa);
        let (found, damages) = read(&overwritten, folder.path());
        assert_eq!(found, uris(&[0, 2, 3]));
        assert_eq!(damages, [(start as u64, end as u64, "corrupt".to_owned())]);

        let junk = [&frames[0][..], b"this is no frame", &frames[1]].concat();
        let (found, damages) = read(&junk, folder.path());
        assert_eq!(found, uris(&[0, 1]));
        assert_eq!(damages, [(start as u64, start as u64 + 16, "junk".to_owned())]);

        let cut = &frames.concat()[..end - 9];
        let (found, damages) = read(cut, folder.path());
        assert!(found.starts_with(&uris(&[0])));
        assert_eq!(damages, [(start as u64, end as u64 - 9, "truncated".to_owned())]);
    }
}

/// One record of each kind of trouble, read as a plain file.
#[test]
fn wrong_lengths_cost_only_their_record() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let record = |uri: &str, length: &str, block: &str| {
        format!("WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: {uri}\r\n{length}\r\n{block}\r\n\r\n")
    };
    let states = |bytes: String| {
        let path = folder.path().join("x.warc");
        fs::write(&path, bytes).expect("writes");
        let mut reader = WarcReader::open(&path).expect("opens");
        let mut seen = Vec::new();
        while let Some(item) = reader.next_item() {
            seen.push(match item {
                WarcItem::Record(record) => {
                    let block = String::from_utf8_lossy(record.block).into_owned();
                    (record.uri().unwrap_or_default().into_owned(), block, record.state.name())
                }
                WarcItem::Damage(damage) => (damage.why, String::new(), "damage"),
            });
        }
        seen
    };
    let good = record("b", "Content-Length: 4\r\n", "next");
    let next = ("b".to_owned(), "next".to_owned(), "ok");
    for length in ["", "2", "9", "100000", "-1", "99999999999999999999999", "4x", "18446744073709551615"] {
        let length = if length.is_empty() { String::new() } else { format!("Content-Length: {length}\r\n") };
        let first = ("a".to_owned(), "page".to_owned(), "length");
        assert_eq!(states(record("a", &length, "page") + &good), [first, next.clone()], "{length}");
    }
    let whole = ("a".to_owned(), "page".to_owned(), "ok");
    let page = record("a", "content-length : 4\r\n", "page");
    assert_eq!(
        states(page.clone() + "junk\r\n" + &good),
        [whole.clone(), ("junk".to_owned(), String::new(), "damage"), next.clone()]
    );
    assert_eq!(states(good.replace('\r', "") + &page), [next, whole.clone()], "line feeds alone");
    let folded = page
        .replace("resource", "resource\r\n x")
        .replace("WARC-Target-URI: a", "no colon\r\nWARC-Target-URI: <a>");
    assert_eq!(states(folded), [whole]);
    let cut = record("a", "Content-Length: 8\r\n", "page");
    let cut = cut.trim_end().to_owned();
    assert_eq!(states(cut), [("a".to_owned(), "page".to_owned(), "truncated")]);
}

/// Runs a pipeline that only extracts over the archive `bytes`, and returns its folder and what it did.
fn extract_archive(folder: &Path, bytes: &[u8]) -> (PathBuf, Outcome) {
    let (archive, output) = (folder.join("x.warc"), folder.join("out"));
    fs::write(&archive, bytes).expect("writes");
    let config = PipelineConfig::new(&output, ImportConfig::archives([&archive], "d"))
        .with_tokenize(TokenizeConfig::default().with_vocab_size(300));
    let outcome = run(&config, &Corpus::archives([&archive]), RunOptions::default(), &RunContext::default())
        .expect("runs");
    (output, outcome)
}

#[test]
fn damage_is_counted_in_the_report() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (mut bytes, starts) = archive(5);
    bytes[(starts[2] + starts[3]) / 2] ^= 4;
    let (output, outcome) = extract_archive(folder.path(), &bytes);
    let read = &outcome.funnel.stages[0];
    assert_eq!((read.stage.as_str(), read.input.documents, read.kept.documents), ("read", 5, 4));
    assert_eq!(read.dropped["corrupt-member"].documents, 1);
    let damaged = &outcome.funnel.damaged[0];
    assert_eq!((damaged.damage.start, damaged.damage.end), (starts[2] as u64, starts[3] as u64));
    assert!(damaged.file.ends_with("x.warc"), "{}", damaged.file);
    let lost = fs::read_to_string(output.join("rejected/read/00000.jsonl")).expect("was written");
    assert!(lost.contains("\"reason\":\"corrupt-member\""), "{lost}");
}

#[test]
fn a_byte_order_mark_costs_no_record() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let record = crate::seeds::record("resource", "https://example.org/0", b"page");
    let marked = [&b"\xef\xbb\xbf"[..], &record].concat();
    for bytes in [marked.clone(), crate::seeds::gzip(&marked, 6)] {
        assert_eq!(read(&bytes, folder.path()), (uris(&[0]), vec![]));
    }
}

/// Files without a record, and files that are not archives, cost only themselves, wherever they are in the list.
#[test]
fn odd_files_do_not_decide_over_a_run() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let good = folder.path().join("good.warc.gz");
    fs::write(&good, archive(3).0).expect("writes");
    let empty_member = crate::seeds::gzip(b"", 6);
    let gone = crate::seeds::record("response", "https://example.org/gone", b"HTTP/1.1 404 Gone\r\n\r\n");
    let odd: [(&[u8], &str); 4] = [
        (b"", "empty-archive"),
        (&empty_member, "empty-archive"),
        (b"\xef\xbb\xbfa text", "not-an-archive"),
        (&gone, "http-status"),
    ];
    for (number, (bytes, reason)) in odd.into_iter().enumerate() {
        let path = folder.path().join(format!("{number}.warc"));
        fs::write(&path, bytes).expect("writes");
        for files in [[&path, &good], [&good, &path]] {
            let config = PipelineConfig::new(folder.path().join("out"), ImportConfig::archives(files, "d"))
                .with_tokenize(TokenizeConfig::default().with_vocab_size(300));
            let outcome =
                run(&config, &Corpus::archives(files), RunOptions::default(), &RunContext::default())
                    .expect("runs");
            let read = &outcome.funnel.stages[0];
            assert_eq!((read.input.documents, read.kept.documents), (4, 3), "{files:?}");
            assert_eq!(read.dropped[reason].documents, 1, "{files:?}");
        }
    }
}

#[test]
fn http_responses_give_documents() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut archive = String::new();
    for (status, body) in [("200 OK", page("One", &sentences(1, 8))), ("404 Not Found", "gone".to_owned())] {
        let block = format!("HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{body}");
        let length = block.len();
        archive.push_str(&format!(
            "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{length}>\r\nWARC-Target-URI: <http://example.org/>\r\nContent-Length: {length}\r\n\r\n{block}\r\n\r\n"
        ));
    }
    let (output, outcome) = extract_archive(folder.path(), archive.as_bytes());
    assert_eq!(outcome.funnel.stages[0].dropped["http-status"].documents, 1);
    let documents: Vec<Document> = read_documents(output.join("work/01-extract/00000.jsonl"))
        .expect("opens")
        .collect::<Result<_, _>>()
        .expect("reads");
    assert_eq!(documents.len(), 1);
    assert_eq!(documents[0].url.as_deref(), Some("http://example.org/"));
    assert!(documents[0].content.starts_with("One\n\n"), "{}", documents[0].content);
}

#[test]
fn importing_twice_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("temporary folder");
    write_site(folder.path(), 12);
    let import = |name: &str| {
        let options = ["--base-url", "https://example.org/", "--date", "2024-05-01T00:00:00Z"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_wanjuan-data"));
        command.args(["import", "html-dir", "site", "--out", name, "--exclude", "copies"]).args(options);
        assert!(command.current_dir(folder.path()).status().expect("starts").success());
        fs::read(folder.path().join(name)).expect("reads")
    };
    assert_eq!(import("a.warc.gz"), import("b.warc.gz"));
    let mut reader = WarcReader::open(folder.path().join("a.warc.gz")).expect("opens");
    let mut addresses = Vec::new();
    while let Some(WarcItem::Record(record)) = reader.next_item() {
        assert_eq!(record.header("WARC-Date").as_deref(), Some("2024-05-01T00:00:00Z"));
        addresses.extend(record.uri().map(String::from));
    }
    assert_eq!(addresses.len(), 12 + 1 + 4, "articles, one near copy, four single pages");
    assert!(
        addresses.is_sorted() && addresses[0] == "https://example.org/articles/000.html",
        "{addresses:?}"
    );
    assert!(addresses.iter().all(|address| !address.contains("copies")));
}
