//! One process group per run, killed as a whole, also when this process dies first.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use super::descriptors::keep_standard_streams;

/// The group's leader: a shell that waits for the end of our pipe and then kills its own group. As long
/// as it is not reaped, the group's number cannot be given to anybody else.
#[derive(Debug)]
pub(super) struct ProcessGroup {
    holder: Child,
    id: Pid,
}

impl ProcessGroup {
    /// Starts the holder.
    pub(super) fn start() -> io::Result<Self> {
        let mut holder = Command::new("/bin/sh");
        holder
            .args(["-c", "read -r _; kill -KILL 0"])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        keep_standard_streams(&mut holder);
        let holder = holder.spawn()?;
        let id = i32::try_from(holder.id()).ok().and_then(Pid::from_raw);
        let id = id.expect("a child's process number is positive");
        Ok(Self { holder, id })
    }

    /// The group's number, which is the holder's process number.
    pub(super) fn id(&self) -> Pid {
        self.id
    }

    /// Kills every process of the group.
    pub(super) fn kill(&self) {
        // The only failure is an empty group: nothing left to kill.
        let _ = kill_process_group(self.id, Signal::KILL);
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
        let _ = self.holder.wait();
    }
}
