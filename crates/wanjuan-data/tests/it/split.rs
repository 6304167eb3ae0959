//! One archive among several workers: the same documents as one reader gives.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use wanjuan_data::read::{ArchiveRange, RangeStart, WarcReader};

use crate::readers::{in_parts, trace};
use crate::seeds::{gzip, record, response};
use crate::site::{page, pipeline_toml, sentences};

/// `count` pages as responses, one member each. Page 2 is an archive itself, stored as it is: its members lie
/// open in the outer one.
fn archive(count: u64) -> Vec<u8> {
    let page = |seed| {
        let text = page(&format!("Page {seed}"), &sentences(seed, 16));
        record("response", &format!("http://a.b/{seed}"), &response("identity", text.as_bytes()))
    };
    let inner: Vec<u8> = (1000..1000 + count).flat_map(|seed| gzip(&page(seed), 6)).collect();
    let member = |seed| match seed {
        2 => gzip(&record("resource", "http://a.b/inner.warc.gz", &inner), 0),
        seed => gzip(&page(seed), 6),
    };
    (0..count).flat_map(member).collect()
}

#[test]
fn any_number_of_parts_gives_the_records_of_the_whole() {
    let members = archive(20);
    let plain: Vec<u8> = {
        let mut plain = Vec::new();
        let mut decoder = flate2::read::MultiGzDecoder::new(members.as_slice());
        std::io::Read::read_to_end(&mut decoder, &mut plain).expect("inflates");
        plain
    };
    let mut damaged = members.clone();
    let length = damaged.len();
    damaged[length / 3] ^= 4;
    damaged[length / 2..length / 2 + 600].fill(0);
    for file in [members, plain, damaged] {
        let whole = trace(&file, None).expect("is an archive");
        assert!(whole.len() >= 20);
        for parts in [1, 2, 3, 4, 7, 50, 1000] {
            assert_eq!(in_parts(&file, parts), whole, "{parts} parts");
        }
    }
}

/// The trap of the test above works: inside of the stored archive a worker finds false members.
#[test]
fn a_member_inside_of_a_member_is_found_and_must_be_refused() {
    let file = archive(20);
    let middle = file.len() as u64 / 2;
    let mut reader = WarcReader::from_bytes(Path::new("x"), file.clone()).expect("is an archive");
    reader.restrict(ArchiveRange { start: RangeStart::Search(middle), end: file.len() as u64 });
    let begin = reader.start().expect("finds a member");
    let whole = trace(&file, None).expect("is an archive");
    assert!(whole.iter().all(|(offset, ..)| *offset != Some(begin)), "{begin} is inside of a record");
}

/// Hashes of everything that does not depend on how the work was cut.
fn results(output: &Path) -> BTreeMap<String, String> {
    let files = crate::pipeline::manifest(output).into_iter();
    let cut = ["\"work/", "\"rejected/", "\"manifest"];
    files.filter(|(path, _)| !cut.iter().any(|start| path.starts_with(start))).collect()
}

/// Lines of all rejected documents.
fn rejected(output: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for stage in fs::read_dir(output.join("rejected")).expect("lists") {
        for file in fs::read_dir(stage.expect("lists").path()).expect("lists") {
            let text = fs::read_to_string(file.expect("lists").path()).expect("reads");
            lines.extend(text.lines().map(str::to_owned));
        }
    }
    lines.sort();
    lines
}

#[test]
fn workers_and_threads_share_one_archive() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut file = archive(60);
    let middle = file.len() / 3;
    file[middle] ^= 1;
    fs::write(folder.path().join("one.warc.gz"), &file).expect("writes");
    let run = |output: &str, arguments: &[&str]| {
        let toml = pipeline_toml(folder.path(), &folder.path().join(output));
        let config = folder.path().join("a.toml");
        fs::write(
            &config,
            toml.replace("source = \"folder\"", "source = \"warc\"\nfiles = [\"one.warc.gz\"]"),
        )
        .expect("writes");
        let mut command = Command::new(env!("CARGO_BIN_EXE_wanjuan-data"));
        let done = command.arg("run").arg(&config).args(arguments).current_dir(folder.path()).output();
        let done = done.expect("starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        folder.path().join(output)
    };
    let split = ["--set", "import.split-bytes=2000"];
    let whole = run("whole", &["--threads", "1"]);
    let one = run("one", &[&split[..], &["--threads", "1"]].concat());
    let four = run("four", &[&split[..], &["--threads", "4"]].concat());
    for rank in ["2", "0", "1"] {
        run("ranks", &[&split[..], &["--rank", rank, "--world", "3"]].concat());
    }
    let ranks = run("ranks", &split);
    assert!(results(&whole).len() > 4 && whole.join("work/01-extract/00000.jsonl").exists());
    let parts = fs::read_dir(one.join("work/01-extract")).expect("lists").count();
    assert_eq!(parts, file.len().div_ceil(2000));
    for other in [&one, &four, &ranks] {
        assert_eq!(results(other), results(&whole));
        assert_eq!(rejected(other), rejected(&whole));
        assert_eq!(crate::pipeline::manifest(other), crate::pipeline::manifest(&one));
    }
    let funnel = fs::read_to_string(whole.join("funnel.txt")).expect("reads");
    assert!(funnel.contains("damaged one.warc.gz "), "{funnel}");
    assert!(!ranks.join("work/manifest-0-of-3.jsonl").exists());
}
