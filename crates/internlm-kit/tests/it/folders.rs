//! Folders that several threads replace at the same time.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io, thread};

use internlm_kit::file::{self, FileError, replace_folder};

/// Replaces `target` by three files with the name of the writer, after waiting for the other writers.
fn replace(target: &Path, writer: &str) {
    let fill = |new: &Path| -> Result<(), FileError> {
        ["a", "b", "c"].into_iter().try_for_each(|name| file::write(new.join(name), writer))
    };
    loop {
        match replace_folder(target, fill) {
            Ok(()) => return,
            Err(error) if error.source.kind() == io::ErrorKind::ResourceBusy => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn writers_of_one_folder_never_mix_and_leave_nothing_else() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("hf");
    thread::scope(|scope| {
        for writer in ["first", "second", "third"] {
            let target = &target;
            scope.spawn(move || (0..5).for_each(|_| replace(target, writer)));
        }
    });
    let text = |name: &str| fs::read_to_string(target.join(name)).expect("reads");
    let writers: BTreeSet<String> = ["a", "b", "c"].into_iter().map(text).collect();
    assert_eq!(writers.len(), 1, "{writers:?}");
    assert_eq!(fs::read_dir(&target).expect("lists").count(), 3);
    assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1);
}

#[test]
fn writers_of_different_folders_do_not_wait_for_each_other() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (outer, inner) = (folder.path().join("outer"), folder.path().join("inner"));
    replace_folder(&outer, |new| {
        replace_folder(&inner, |new| file::write(new.join("a"), "inner"))?;
        file::write(new.join("a"), "outer")
    })
    .expect("replaces both");
    assert_eq!(fs::read_to_string(outer.join("a")).expect("reads"), "outer");
    assert_eq!(fs::read_to_string(inner.join("a")).expect("reads"), "inner");
}
