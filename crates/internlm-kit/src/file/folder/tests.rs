//! Tests of replaced folders: names, links, callers at the same time, and what a killed run leaves.

use std::os::unix::fs::symlink;

use super::*;
use crate::file;

type Filled = Result<(), FileError>;

fn fill(name: &'static str) -> impl FnOnce(&Path) -> Filled {
    move |new| file::write(new.join(name), "x")
}

/// A temporary folder and the path of `hf` in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("hf");
    (folder, target)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("lists");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What a run leaves that is killed while it replaces `hf` by a folder with the file `b`.
fn killed(folder: &Path, parts: &[&str]) {
    let staging = folder.join(".hf.replacing");
    file::write(staging.join(MARK), "").expect("writes");
    for part in parts {
        file::write(staging.join(part), "x").expect("writes");
    }
}

fn failing(_new: &Path) -> Filled {
    Err(FileError::new("b", "read", io::ErrorKind::NotFound.into()))
}

#[test]
fn a_failed_fill_leaves_the_old_folder_and_the_next_one_replaces_it() {
    let (folder, target) = place();
    replace_folder(&target, fill("a")).expect("replaces");
    let failed = replace_folder(&target, |new| {
        fill("half")(new)?;
        failing(new)
    });
    assert_eq!(failed.expect_err("fails").path, Path::new("b"));
    assert_eq!((names(&target), names(folder.path())), (vec!["a".to_owned()], vec!["hf".to_owned()]));
    replace_folder(&target, fill("c")).expect("replaces");
    assert_eq!((names(&target), names(folder.path())), (vec!["c".to_owned()], vec!["hf".to_owned()]));
}

#[test]
fn a_kill_while_filling_leaves_nothing_that_counts() {
    let (folder, target) = place();
    file::write(target.join("a"), "x").expect("writes");
    killed(folder.path(), &["new/b"]);
    replace_folder(&target, fill("c")).expect("replaces");
    assert_eq!((names(&target), names(folder.path())), (vec!["c".to_owned()], vec!["hf".to_owned()]));
}

#[test]
fn a_kill_after_the_first_rename_loses_no_folder() {
    let (folder, target) = place();
    killed(folder.path(), &["old/a", "new/b"]);
    replace_folder(&target, failing).expect_err("fails");
    assert_eq!((names(&target), names(folder.path())), (vec!["a".to_owned()], vec!["hf".to_owned()]));
}

#[test]
fn a_kill_after_the_second_rename_keeps_the_new_folder() {
    let (folder, target) = place();
    file::write(target.join("b"), "x").expect("writes");
    killed(folder.path(), &["old/a"]);
    replace_folder(&target, failing).expect_err("fails");
    assert_eq!((names(&target), names(folder.path())), (vec!["b".to_owned()], vec!["hf".to_owned()]));
}

#[test]
fn folders_of_the_user_are_neither_taken_nor_removed() {
    let (folder, target) = place();
    for name in ["hf.old/mine", "hf.tmp/mine", ".hf.replacing/mine"] {
        file::write(folder.path().join(name), "x").expect("writes");
    }
    let error = replace_folder(&target, fill("a")).expect_err("no name is free");
    assert_eq!(error.source.kind(), io::ErrorKind::AlreadyExists);
    assert!(error.to_string().contains(".hf.replacing with files of somebody else"), "{error}");
    fs::rename(folder.path().join(".hf.replacing"), folder.path().join("kept")).expect("renames");
    replace_folder(&target, fill("a")).expect("replaces");
    assert_eq!(names(folder.path()), ["hf", "hf.old", "hf.tmp", "kept"]);
    assert_eq!(names(&target), ["a"]);
    for name in ["hf.old/mine", "hf.tmp/mine", "kept/mine"] {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
}

#[test]
fn a_slash_or_a_dot_at_the_end_means_the_same_folder() {
    let (folder, target) = place();
    for (ending, name) in [("", "a"), ("/", "b"), ("/.", "c"), ("//", "d")] {
        let path = format!("{}{ending}", target.display());
        replace_folder(path, fill(name)).expect("replaces");
        assert_eq!((names(&target), names(folder.path())), (vec![name.to_owned()], vec!["hf".to_owned()]));
    }
}

#[test]
fn a_link_stays_and_its_folder_is_replaced() {
    let (folder, target) = place();
    replace_folder(&target, fill("a")).expect("replaces");
    let link = folder.path().join("link");
    symlink("hf/", &link).expect("links");
    replace_folder(format!("{}/", link.display()), fill("b")).expect("replaces");
    assert_eq!(fs::read_link(&link).expect("is a link"), Path::new("hf/"));
    assert_eq!((names(&target), names(folder.path()).len()), (vec!["b".to_owned()], 2));
}

#[test]
fn a_second_caller_is_refused_while_the_first_one_works() {
    let (folder, target) = place();
    let inner = |new: &Path| -> Filled {
        let error = replace_folder(&target, fill("b")).expect_err("is in use");
        assert_eq!((error.path.as_path(), error.source.kind()), (&*target, io::ErrorKind::ResourceBusy));
        fill("a")(new)
    };
    replace_folder(&target, inner).expect("replaces");
    assert_eq!((names(&target), names(folder.path())), (vec!["a".to_owned()], vec!["hf".to_owned()]));
}

#[test]
fn a_file_is_not_replaced_by_a_folder_and_nothing_is_filled() {
    let (folder, target) = place();
    fs::write(&target, "a file").expect("writes");
    let error = replace_folder(&target, |_new| -> Filled { unreachable!("there is nothing to fill") });
    assert_eq!(error.expect_err("is a file").source.kind(), io::ErrorKind::NotADirectory);
    assert_eq!(names(folder.path()), ["hf"]);
}
