//! Circles in small crates.

use super::*;

fn found(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<RustFile> = files
        .iter()
        .map(|(path, text)| RustFile::parse(format!("crates/a/src/{path}"), *text).expect("parses"))
        .collect();
    let short = |message: String| message.split(';').next().unwrap_or_default().to_owned();
    check(&files).into_iter().map(|finding| short(finding.message)).collect()
}

#[test]
fn two_files_that_take_from_each_other_are_a_circle() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "pub struct B; impl B { fn f() -> super::a::A { super::a::A(B) } }"),
    ];
    assert_eq!(found(&files), ["a.rs takes `crate::b::B` from b.rs, b.rs takes `super::a::A` from a.rs"]);
}

#[test]
fn names_are_followed_through_reexports_globs_and_macros() {
    let files = [
        ("lib.rs", "mod a; mod rooms; pub use rooms::Chair;"),
        ("a.rs", "use crate::Chair as Seat; pub fn a(_: Seat) {}"),
        ("rooms/mod.rs", "mod chair; pub use chair::*;"),
        ("rooms/chair.rs", "use crate::a; pub struct Chair; fn f() { vec![a::a(Chair)]; }"),
    ];
    assert_eq!(
        found(&files),
        ["a.rs takes `crate::Chair` from rooms/chair.rs, rooms/chair.rs takes `a::a` from a.rs"]
    );
}

#[test]
fn a_longer_circle_is_one_finding() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::b; pub fn a() {}"),
        ("b.rs", "use crate::c::c; pub fn b() {}"),
        ("c.rs", "use crate::a::a; pub fn c() {}"),
    ];
    assert_eq!(found(&files).len(), 1);
}

#[test]
fn one_direction_is_fine_and_tests_do_not_count() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b; pub fn a() { b::b() }"),
        ("b.rs", "pub fn b() {} #[cfg(test)] mod tests { use crate::a::a; }"),
    ];
    assert!(found(&files).is_empty());
}

#[test]
fn a_type_and_the_parts_below_it_are_no_circle() {
    let part = ("door/lock.rs", "use super::Door; pub struct Lock; pub fn open(_: Door) {}");
    let whole = ("door.rs", "mod lock; pub struct Door(lock::Lock);");
    assert!(found(&[("lib.rs", "mod door;"), whole, part]).is_empty());
    let other = ("key.rs", "use crate::door::Door; pub struct Key(Door);");
    let turned = ("door/lock.rs", "use crate::key::Key; pub struct Lock(Key);");
    assert_eq!(found(&[("lib.rs", "mod door; mod key;"), whole, turned, other]).len(), 1);
}

#[test]
fn binaries_and_other_crates_are_left_out() {
    let files = [
        ("lib.rs", "pub fn run() {} pub mod a;"),
        ("main.rs", "fn main() { a::run() }"),
        ("a.rs", "use serde::a; use a::b; fn c() { crate::run() }"),
    ];
    assert!(found(&files).is_empty());
}
