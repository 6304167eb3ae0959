//! Untrusted code in a separate process with time, memory, output, process and file limits, and no network.
//!
//! What every level above `none` does: its own process group that is killed as a whole (also when this
//! process dies), resource limits set before the program's first instruction, a cleared environment, no open
//! files but the standard streams, one private work folder that goes when the run or this process ends, a wall
//! clock, output that is cut with a mark, and a separate user id for each run when started by root. What a level
//! adds:
//!
//! | level | adds | network |
//! |---|---|---|
//! | `none` | nothing but group, wall clock and output cap; only when asked for by name | open |
//! | `process` | resource limits; a seccomp filter where the kernel has it; files outside the work folder are neither protected nor counted | denied where seccomp exists |
//! | `landlock` | files: read-only system, one writable folder; no signals and no `ptrace` outwards | denied |
//! | `namespaces` | own user, network, process, IPC and host-name namespaces | absent |
//! | `bwrap` | bubblewrap: its own view of the file system, `/proc` and `/dev`; own `/dev/shm`, so processes can share memory | absent |
//!
//! `auto` takes the strongest level that works here; a level asked for by name that does not work is an
//! error, never a weaker run. [`Sandbox::protections`] says what holds and by which mechanism.
//!
//! [`Sandbox::run`] waits for the end of a program, [`Sandbox::spawn`] gives a [`Session`] with one that stays alive.
//!
//! # How it is built
//!
//! Landlock and seccomp restrict *threads* and are inherited by children: a short-lived thread restricts
//! itself and starts the program (`confine.rs`), which sets its limits before its first instruction
//! (`descriptors.rs`) and waits at a gate, a shell that reads one line before it becomes the program (`command.rs`). A holder
//! process keeps the group's number reserved and kills the group when our end of its pipe closes
//! (`group.rs`), and a janitor removes the work folder (`folder.rs`). Nothing of this needs `unsafe`, but closing
//! what the caller left open and taking signals that the caller ignores (`descriptors.rs`). Linux only.
//!
//! ```no_run
//! use internlm_kit::sandbox::{Sandbox, SandboxConfig, Task};
//!
//! let sandbox = Sandbox::new(SandboxConfig::default())?;
//! let outcome = sandbox.run(&Task::new("python3").args(["-c", "print(6 * 7)"]))?;
//! assert_eq!(outcome.stdout, "42\n");
//! # Ok::<(), internlm_kit::sandbox::SandboxError>(())
//! ```

mod command;
mod config;
mod confine;
mod descriptors;
mod disk;
mod ending;
mod error;
mod filter;
mod folder;
mod group;
mod outcome;
mod output;
mod process;
mod protection;
mod resource_limit;
mod results;
mod run;
mod search_path;
mod session;
mod start;
mod started;
mod suspicion;
mod task;
mod turn;
mod user;
mod watch;

pub use config::{Level, LevelChoice, SandboxConfig};
pub use error::SandboxError;
pub use outcome::{Outcome, Status};
pub use protection::{Protection, Strength};
pub use run::Sandbox;
pub use session::Session;
pub use task::Task;
