//! What `/proc` says about the processes of a group (proc(5)).

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Pid;

/// Fields of `/proc/N/stat` counted after the command's name, which may hold blanks (proc(5) numbers - 3).
const STATE_FIELD: usize = 0;
const GROUP_FIELD: usize = 2;
const FIRST_TIME_FIELD: usize = 11;

/// The folders of a group's processes, without the group's holder, which runs nothing of the program's.
pub(super) fn members(group: Pid) -> Vec<PathBuf> {
    let group = group.as_raw_nonzero().get().to_string();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let others = entries.flatten().map(|entry| entry.path()).filter(|path| !path.ends_with(&group));
    others.filter(|path| stat_field(path, GROUP_FIELD).is_some_and(|found| found == group)).collect()
}

/// The folders of a process's living threads.
///
/// The first thread may end before the others: then the process looks like a zombie that holds nothing, and each
/// of the others shows what it really holds.
pub(super) fn living_threads(process: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(process.join("task")) else { return Vec::new() };
    let threads = entries.flatten().map(|entry| entry.path());
    threads.filter(|path| stat_field(path, STATE_FIELD).is_some_and(|state| !is_dead(&state))).collect()
}

/// Zombies, and what is just being removed.
fn is_dead(state: &str) -> bool {
    matches!(state, "Z" | "X" | "x")
}

/// User and system time of a process and of its waited-for children: four neighboring fields.
pub(super) fn cpu_ticks(process: &Path) -> u64 {
    (FIRST_TIME_FIELD..FIRST_TIME_FIELD + 4)
        .filter_map(|index| stat_field(process, index)?.parse::<u64>().ok())
        .sum()
}

fn stat_field(process: &Path, index: usize) -> Option<String> {
    let text = fs::read_to_string(process.join("stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_whitespace().nth(index).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_thread_lives_and_a_process_that_is_gone_has_none() {
        let own = PathBuf::from("/proc").join(std::process::id().to_string());
        assert!(!living_threads(&own).is_empty());
        assert!(living_threads(Path::new("/proc/0")).is_empty());
        assert!(is_dead("Z") && !is_dead("S"));
    }
}
