//! Tests of the journal: torn lines, damage, other writers, and a full disk.

use std::process::Command;
use std::thread;

use super::*;

fn open(path: &Path) -> Opened<String> {
    Journal::open(path, Durability::Process).expect("opens")
}

#[test]
fn a_cut_at_any_byte_loses_at_most_the_last_entry_and_the_rest_is_written_again() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("new/journal.jsonl");
    let entries: Vec<String> = (0..5).map(|index| "ä\n\"".repeat(index)).collect();
    let mut opened = open(&path);
    for entry in &entries {
        opened.journal.append(entry).expect("appends");
    }
    drop(opened);
    let whole = fs::read(&path).expect("reads");
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).expect("writes");
        let mut opened = open(&path);
        let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!((opened.entries.as_slice(), opened.damaged.len()), (&entries[..lines], 0), "cut at {cut}");
        for entry in &entries[lines..] {
            opened.journal.append(entry).expect("appends");
        }
        drop(opened);
        assert_eq!(fs::read(&path).expect("reads"), whole, "cut at {cut}");
    }
}

#[test]
fn a_copy_of_the_file_in_a_child_does_not_keep_the_lock() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("journal.jsonl");
    let opened = open(&path);
    let copy = opened.journal.file.try_clone().expect("copies");
    drop(opened);
    drop(open(&path));
    drop(copy);
}

#[test]
fn damage_is_told_by_line_and_costs_only_that_line() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("journal.jsonl");
    fs::write(&path, "\"a\"\n\n{\"b\"\n\"c\"\n").expect("writes");
    let opened = open(&path);
    assert_eq!((opened.entries, opened.damaged), (vec!["a".to_owned(), "c".to_owned()], vec![3]));
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("journal.jsonl");
    assert!(read::<String>(&path).expect("no file, no entries").is_empty());
    let mut first = open(&path);
    first.journal.append("a").expect("appends");
    let error = Journal::open::<String>(&path, Durability::Disk).expect_err("locked");
    assert!(error.is_bad_input() && error.to_string().contains("another process"), "{error}");
    assert_eq!(read::<String>(&path).expect("reads"), ["a"]);
}

#[test]
fn a_cleared_journal_starts_afresh_and_a_removed_one_is_gone() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("journal.jsonl");
    let mut opened = Journal::open::<String>(&path, Durability::Disk).expect("opens");
    opened.journal.append("a").expect("appends");
    opened.journal.clear().expect("clears");
    opened.journal.append("b").expect("appends");
    drop(opened);
    let opened = open(&path);
    assert_eq!(opened.entries, ["b"]);
    opened.journal.remove().expect("removes");
    assert!(!path.exists());
}

/// With the lock on a file that no longer has the name of the journal, an entry would go nowhere.
#[test]
fn an_entry_is_found_under_the_name_while_others_remove_the_journal() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("journal.jsonl");
    let turns = |entry: &str| {
        let mut done = 0;
        while done < 30 {
            let mut journal = match Journal::open::<String>(&path, Durability::Process) {
                Ok(opened) => opened.journal,
                Err(JournalError::InUse { .. }) => continue,
                Err(error) => panic!("{error}"),
            };
            journal.append(entry).expect("appends");
            assert_eq!(read::<String>(&path).expect("reads"), [entry]);
            journal.remove().expect("removes");
            done += 1;
        }
    };
    thread::scope(|scope| {
        for entry in ["a", "b", "c"] {
            scope.spawn(move || turns(entry));
        }
    });
    assert!(!path.exists());
}

/// Names the journal to the process that runs the test below under a limit on the size of files.
const LIMITED: &str = "INTERNLM_TEST_LIMITED_JOURNAL";

#[test]
fn a_failed_append_costs_neither_the_entries_before_nor_those_after() {
    if let Some(path) = std::env::var_os(LIMITED) {
        let mut journal = Journal::open::<String>(&path, Durability::Process).expect("opens").journal;
        journal.append("before").expect("fits");
        let error = journal.append(&"x".repeat(1 << 16)).expect_err("is above the limit");
        assert_eq!(error.source.kind(), io::ErrorKind::FileTooLarge);
        assert!(!error.is_bad_input(), "{error}");
        journal.append("after").expect("fits again");
        return;
    }
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("journal.jsonl");
    let own = std::env::current_exe().expect("this test's binary");
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(own)
        .args(["--exact", "journal::tests::a_failed_append_costs_neither_the_entries_before_nor_those_after"])
        .env(LIMITED, &path)
        .output()
        .expect("starts");
    assert!(limited.status.success(), "{limited:?}");
    assert_eq!(fs::read_to_string(&path).expect("reads"), "\"before\"\n\"after\"\n");
}
