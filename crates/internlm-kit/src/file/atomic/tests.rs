//! Tests of atomic files on everything that a path can name.

use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;
use std::thread;

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary folder")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("lists");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn an_uncommitted_file_does_not_appear_and_leaves_nothing() {
    let folder = folder();
    let path = folder.path().join("a/b.txt");
    write(&path, b"old").expect("writes");
    let mut file = AtomicFile::create(&path).expect("creates");
    file.write_all(b"new").expect("writes");
    drop(file);
    assert_eq!(fs::read(&path).expect("reads"), b"old");
    assert_eq!(names(path.parent().expect("has one")), ["b.txt"]);
}

#[test]
fn links_are_followed_and_stay() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("sub")).expect("creates");
    write(at("sub/target"), b"old").expect("writes");
    symlink("sub/target", at("link")).expect("links");
    symlink("link", at("link-to-link")).expect("links");
    symlink("sub/not-yet", at("dangling")).expect("links");
    write(at("link-to-link"), b"new").expect("writes");
    write(at("dangling"), b"first").expect("writes");
    assert_eq!(fs::read(at("sub/target")).expect("reads"), b"new");
    assert_eq!(fs::read(at("sub/not-yet")).expect("reads"), b"first");
    assert_eq!(fs::read_link(at("link-to-link")).expect("is a link"), Path::new("link"));
    assert_eq!(fs::read_link(at("link")).expect("is a link"), Path::new("sub/target"));
    assert_eq!(names(&at("sub")), ["not-yet", "target"]);
}

#[test]
fn a_circle_of_links_is_an_error() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    symlink("b", at("a")).expect("links");
    symlink("a", at("b")).expect("links");
    let error = write(at("a"), b"x").expect_err("leads nowhere");
    assert_eq!(error.source.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("found a circle of symbolic links"), "{error}");
}

#[test]
fn an_open_descriptor_is_appended_to_and_its_file_stays() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let mut open = File::create(at("log")).expect("creates");
    open.write_all(b"first\n").expect("writes");
    let before = fs::metadata(at("log")).expect("is there").ino();
    let descriptor = format!("/dev/fd/{}", open.as_raw_fd());
    write(&descriptor, b"second\n").expect("writes");
    symlink(&descriptor, at("link")).expect("links");
    write(at("link"), b"third\n").expect("writes");
    assert_eq!(fs::read_to_string(at("log")).expect("reads"), "first\nsecond\nthird\n");
    assert_eq!(fs::metadata(at("log")).expect("is there").ino(), before);
    assert_eq!(names(folder.path()), ["link", "log"]);
}

#[test]
fn permissions_of_an_existing_file_stay() {
    let folder = folder();
    let path = folder.path().join("a");
    write(&path, b"old").expect("writes");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("sets");
    write(&path, b"new").expect("writes");
    assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_pipe_and_a_device_are_written_to() {
    let folder = folder();
    let path = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo starts").success());
    let reader = thread::spawn({
        let path = path.clone();
        move || {
            let mut text = String::new();
            File::open(path).expect("opens").read_to_string(&mut text).expect("reads");
            text
        }
    });
    write(&path, b"through the pipe").expect("writes");
    assert_eq!(reader.join().expect("reads"), "through the pipe");
    assert!(fs::symlink_metadata(&path).expect("is there").file_type().is_fifo());
    write("/dev/null", b"x").expect("writes");
    assert!(fs::metadata("/dev/null").expect("is there").file_type().is_char_device());
    assert_eq!(names(folder.path()), ["pipe"]);
}

#[test]
fn a_pipe_whose_reader_left_is_a_closed_pipe() {
    let folder = folder();
    let path = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo starts").success());
    let reader = thread::spawn({
        let path = path.clone();
        move || drop(File::open(path).expect("opens"))
    });
    let mut file = AtomicFile::create(&path).expect("opens once there is a reader");
    reader.join().expect("has left");
    let error = file.write_all(&vec![0; 2 * BUFFER]).expect_err("nobody reads");
    assert!(ClosedPipe::is(&error), "{error}");
}

#[test]
fn a_folder_is_bad_input() {
    use crate::exit::BadInput;
    let error = write(folder().path(), b"x").expect_err("is a folder");
    assert!(error.is_bad_input() && error.to_string().contains("cannot write"), "{error}");
}

#[test]
fn writers_of_one_file_at_the_same_time_never_mix() {
    let folder = folder();
    let path = folder.path().join("a");
    thread::scope(|scope| {
        for letter in b'a'..=b'h' {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..20 {
                    write(path, vec![letter; 300_000]).expect("writes");
                }
            });
        }
    });
    let bytes = fs::read(&path).expect("reads");
    assert_eq!(bytes.len(), 300_000);
    assert!(bytes.iter().all(|byte| *byte == bytes[0]));
    assert_eq!(names(folder.path()), ["a"]);
}
