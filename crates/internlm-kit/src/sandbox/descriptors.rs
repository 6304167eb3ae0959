//! What a child does between `fork` and `exec`: it keeps three descriptors, its standard streams, takes the usual effect
//! of every signal, and limits itself.
//!
//! Files, folders, pipes and sockets that the caller of this process left open pass to every child unless they are
//! marked to be closed by `exec`. Marking them in this process would also take them from the caller's own children,
//! so the new process marks its copies. Resource limits are set there too: the filters of the program, which are in
//! force already, refuse to limit any process but itself. It is the one place where the sandbox needs `unsafe`: a
//! closure that runs there may only make system calls.
#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::os::fd::RawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Rlimit, prlimit};

use super::resource_limit::ResourceLimit;

/// The first descriptor after stdin, stdout and stderr.
const FIRST: RawFd = 3;
/// The last signal with a name of its own; real-time signals follow.
const LAST_SIGNAL: libc::c_int = 31;
/// What may be open where `/proc` does not tell.
const ASSUMED: std::ops::Range<RawFd> = FIRST..1024;

/// Makes `command` start with nothing open but the standard streams that it was given.
pub(super) fn keep_standard_streams(command: &mut Command) {
    let open = open_descriptors();
    // SAFETY: the closure runs in the child before `exec`. It makes system calls, and neither allocates nor takes
    // a lock that another thread of the parent may have held at the fork.
    unsafe { command.pre_exec(move || mark(&open)) };
}

/// Makes every signal have its usual effect on `command`. A process that a script starts in the background ignores
/// SIGINT, and so would everything that it starts: an interrupt could not reach the program.
pub(super) fn take_signals(command: &mut Command) {
    let reset = || {
        for signal in 1..=LAST_SIGNAL {
            // SAFETY: one system call that takes two numbers. It refuses SIGKILL and SIGSTOP, which nothing can ignore.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: the closure runs in the child before `exec`. It makes system calls, and neither allocates nor takes a
    // lock that another thread of the parent may have held at the fork.
    unsafe { command.pre_exec(reset) };
}

/// Makes `command` start under these limits, which pass to everything that it becomes and starts.
pub(super) fn limit(command: &mut Command, limits: Vec<ResourceLimit>) {
    let set = move || {
        limits.iter().try_for_each(|&ResourceLimit { resource, soft, hard }| {
            prlimit(None, resource, Rlimit { current: Some(soft), maximum: Some(hard) }).map(drop)
        })?;
        Ok(())
    };
    // SAFETY: the closure runs in the child before `exec`. It makes system calls, and neither allocates nor takes a
    // lock that another thread of the parent may have held at the fork.
    unsafe { command.pre_exec(set) };
}

/// Marks everything but the standard streams to be closed by `exec`.
fn mark(open: &[RawFd]) -> io::Result<()> {
    let (first, last) = (FIRST.unsigned_abs(), libc::c_uint::MAX);
    // SAFETY: close_range(2) takes three numbers, touches no memory, and with this flag closes nothing yet.
    let marked = unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_CLOEXEC) };
    if marked == 0 {
        return Ok(());
    }
    // Linux before 5.11 does not know the call or the flag.
    mark_each(open)
}

fn mark_each(open: &[RawFd]) -> io::Result<()> {
    for &descriptor in open {
        // SAFETY: fcntl(2) with F_SETFD takes numbers; that of a closed descriptor is an error without effect.
        unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(())
}

/// What is open in this process besides the standard streams; a descriptor of the listing itself does no harm.
fn open_descriptors() -> Vec<RawFd> {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return ASSUMED.collect() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok());
    numbers.filter(|number| *number >= FIRST).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    /// The descriptors that a shell finds open besides the standard streams. It opens the folder that it lists.
    fn seen_by_a_child(prepare: impl Fn(&mut Command)) -> Vec<String> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "for at in /proc/$$/fd/*; do echo \"$(readlink \"$at\")\"; done"]);
        prepare(&mut command);
        let output = command.output().expect("starts");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    /// Makes every descriptor of the child stay open over `exec`, as those that a shell redirects.
    fn inherit(file: &File, command: &mut Command) {
        let descriptor = file.as_raw_fd();
        // SAFETY: one system call that takes numbers.
        unsafe {
            command.pre_exec(move || match libc::fcntl(descriptor, libc::F_SETFD, 0) {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            });
        };
    }

    #[test]
    fn signals_that_are_ignored_otherwise_reach_the_child() {
        let status = |prepare: fn(&mut Command)| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", "kill -INT $$; kill -HUP $$; exit 7"]);
            let ignore = || {
                for signal in [libc::SIGINT, libc::SIGHUP] {
                    // SAFETY: one system call that takes two numbers.
                    unsafe { libc::signal(signal, libc::SIG_IGN) };
                }
                Ok(())
            };
            // SAFETY: as in `take_signals`.
            unsafe { command.pre_exec(ignore) };
            prepare(&mut command);
            command.status().expect("starts")
        };
        assert_eq!(status(|_| ()).code(), Some(7));
        assert_eq!(status(take_signals).signal(), Some(libc::SIGINT));
    }

    #[test]
    fn a_file_that_is_inherited_otherwise_does_not_reach_the_child() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("secret.txt");
        let file = File::create(&path).expect("creates");
        let shown = path.to_string_lossy().into_owned();
        assert!(open_descriptors().contains(&file.as_raw_fd()));
        assert!(seen_by_a_child(|command| inherit(&file, command)).contains(&shown));
        let confined = seen_by_a_child(|command| {
            inherit(&file, command);
            keep_standard_streams(command);
        });
        assert!(!confined.contains(&shown), "{confined:?}");
    }

    #[test]
    fn without_close_range_each_open_descriptor_is_marked() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("secret.txt");
        let file = File::create(&path).expect("creates");
        let shown = path.to_string_lossy().into_owned();
        let open = [file.as_raw_fd(), 1_000_000];
        let confined = seen_by_a_child(|command| {
            inherit(&file, command);
            // SAFETY: as in `keep_standard_streams`.
            unsafe { command.pre_exec(move || mark_each(&open)) };
        });
        assert!(!confined.contains(&shown), "{confined:?}");
    }
}
