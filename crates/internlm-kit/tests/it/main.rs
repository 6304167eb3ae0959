//! Behavior of internlm-kit: properties of its files, and what a sandboxed program can and cannot do on this machine.

#![allow(clippy::print_stdout)]

mod escapes;
mod folders;
mod properties;
mod sandbox;
mod sessions;
mod traces;
mod users;
