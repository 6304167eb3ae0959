//! The journal against kills: cut at any byte, it knows the whole lines and takes new ones.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::artifact::Artifact;
use crate::part_report::PartReport;

/// A finished unit with one file of its own, and what it was before it ran.
fn finish(folder: &RunFolder, segment: &str, index: usize) -> (Unit, UnitRecord) {
    let path = folder.documents(segment, index);
    fs::create_dir_all(path.parent().expect("has a parent")).expect("creates");
    fs::write(&path, format!("{segment} {index}")).expect("writes");
    let unit = Unit::new(segment, index, &("inputs", index));
    let record = UnitRecord {
        segment: segment.to_owned(),
        unit: index,
        key: unit.key.clone(),
        outputs: vec![Artifact::of(folder, &path).expect("hashes")],
        report: json!({"stages": [], "seconds": 0.1}),
        seconds: 1.5,
    };
    (unit, record)
}

fn folder(root: &Path) -> RunFolder {
    RunFolder::new(root.join("out"))
}

#[test]
fn a_journal_cut_at_any_byte_knows_its_whole_lines_and_takes_new_ones() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = folder(root.path());
    let units: Vec<(Unit, UnitRecord)> = (0..3).map(|index| finish(&folder, "01-extract", index)).collect();
    let journal = Journal::open(&folder).expect("opens");
    for (_, record) in &units {
        journal.append(record).expect("appends");
    }
    let whole = fs::read(folder.journal()).expect("reads");
    let ends: Vec<usize> =
        whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
    let (extra, record) = finish(&folder, "02-exact-dedup", 0);
    drop(journal);
    for cut in 0..=whole.len() {
        fs::write(folder.journal(), &whole[..cut]).expect("writes");
        let journal = Journal::open(&folder).expect("opens");
        for ((unit, record), end) in units.iter().zip(&ends) {
            let expected = (cut > *end).then_some(record);
            assert_eq!(journal.finished(unit), expected, "cut at byte {cut}");
        }
        journal.append(&record).expect("appends");
        drop(journal);
        let again = Journal::open(&folder).expect("opens");
        assert_eq!(again.finished(&extra), Some(&record), "cut at byte {cut}");
    }
}

#[test]
fn a_unit_is_done_again_when_its_inputs_or_its_files_change() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = folder(root.path());
    let (unit, record) = finish(&folder, "01-extract", 4);
    Journal::open(&folder).expect("opens").append(&record).expect("appends");
    let journal = Journal::open(&folder).expect("opens");
    assert_eq!(journal.finished(&unit), Some(&record));
    assert_eq!(journal.finished(&Unit::new("01-extract", 4, &("other inputs", 4))), None);
    assert_eq!(journal.finished(&Unit::new("01-extract", 5, &("inputs", 4))), None);
    let file = folder.documents("01-extract", 4);
    let text = fs::read_to_string(&file).expect("reads");
    for damaged in [text.replace('4', "5"), text[1..].to_owned()] {
        fs::write(&file, damaged).expect("writes");
        assert_eq!(journal.finished(&unit), None);
    }
    fs::write(&file, text).expect("writes");
    assert_eq!(journal.finished(&unit), Some(&record));
    fs::remove_file(&file).expect("removes");
    assert_eq!(journal.finished(&unit), None);
}

#[test]
fn the_last_record_of_a_unit_counts() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = folder(root.path());
    let (unit, old) = finish(&folder, "01-extract", 0);
    let new = UnitRecord { seconds: 9.0, ..old.clone() };
    let journal = Journal::open(&folder).expect("opens");
    journal.append(&old).and_then(|()| journal.append(&new)).expect("appends");
    drop(journal);
    assert_eq!(Journal::open(&folder).expect("opens").finished(&unit), Some(&new));
}

#[test]
fn workers_see_what_others_did_and_the_main_run_takes_it_over() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = folder(root.path());
    let share = |rank| Share::new(rank, 2).expect("is below");
    let (zero, one) = (finish(&folder, "01-extract", 0), finish(&folder, "01-extract", 1));
    Journal::open_share(&folder, share(0)).expect("opens").append(&zero.1).expect("appends");
    let second = Journal::open_share(&folder, share(1)).expect("opens");
    assert_eq!(second.finished(&zero.0), Some(&zero.1), "worker 1 reads the journal of worker 0");
    second.append(&one.1).expect("appends");
    let error = Journal::open(&folder).expect_err("worker 1 still runs").to_string();
    assert!(error.contains("manifest-1-of-2.jsonl: found another process"), "{error}");
    drop(second);
    let main = Journal::open(&folder).expect("opens");
    assert_eq!((main.finished(&zero.0), main.finished(&one.0)), (Some(&zero.1), Some(&one.1)));
    assert!(!folder.worker_journal(0, 2).exists() && !folder.worker_journal(1, 2).exists());
    assert_eq!(fs::read_to_string(folder.journal()).expect("reads").lines().count(), 2);
}

#[test]
fn a_cleared_journal_knows_nothing_now_and_later() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = folder(root.path());
    let (unit, record) = finish(&folder, "01-extract", 0);
    Journal::open(&folder).expect("opens").append(&record).expect("appends");
    let mut journal = Journal::open(&folder).expect("opens");
    journal.clear().expect("clears");
    assert_eq!(journal.finished(&unit), None);
    drop(journal);
    assert_eq!(Journal::open(&folder).expect("opens").finished(&unit), None);
}

/// A line as earlier versions of this crate wrote it: it has to stay readable.
#[test]
fn lines_of_earlier_versions_are_read() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = folder(root.path());
    fs::create_dir_all(folder.work().join("01-extract")).expect("creates");
    fs::write(folder.documents("01-extract", 0), "x").expect("writes");
    let sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    let report = r#"{"stages":[{"stage":"read","input":{"documents":1,"bytes":2},"kept":{"documents":1,"bytes":2},"dropped":{}}],"part":{"start":0,"end":7}}"#;
    let line = format!(
        r#"{{"segment":"01-extract","unit":0,"key":"k","outputs":[{{"path":"work/01-extract/00000.jsonl","bytes":1,"sha256":"{sha256}"}}],"report":{report},"seconds":0.25}}"#
    );
    fs::write(folder.journal(), line + "\n").expect("writes");
    let unit = Unit { segment: "01-extract".to_owned(), index: 0, key: "k".to_owned() };
    let journal = Journal::open(&folder).expect("opens");
    let record = journal.finished(&unit).expect("is known");
    let report: PartReport = record.report(&folder).expect("is a report");
    assert_eq!(report.range.expect("was a range").end, 7);
    assert_eq!(report.stages[0].input.bytes, 2);
    let wrong = UnitRecord { report: json!([]), ..record.clone() };
    let error = wrong.report::<PartReport>(&folder).expect_err("is an array").to_string();
    assert!(error.starts_with(&folder.journal().display().to_string()), "{error}");
    assert!(error.contains("expected the report of 01-extract unit 0"), "{error}");
}
