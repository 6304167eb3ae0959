//! Behavior of internlm-kit: what a sandboxed program can and cannot do on this machine.

#![allow(clippy::print_stdout)]

mod sandbox;
