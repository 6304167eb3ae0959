//! What `/proc` says about the processes of a group (proc(5)).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Pid;

/// Fields of `/proc/N/stat` counted after the command's name, which may hold blanks (proc(5) numbers - 3).
const STATE_FIELD: usize = 0;
const PARENT_FIELD: usize = 1;
const GROUP_FIELD: usize = 2;
const FIRST_TIME_FIELD: usize = 11;

/// For how long a list of all processes is taken for the present: fifty sessions are watched by one list.
const FRESH: Duration = Duration::from_millis(20);
/// Every process with its group, as last listed by anybody.
static LISTED: Mutex<Option<Listed>> = Mutex::new(None);

#[derive(Debug)]
struct Listed {
    at: Instant,
    processes: Vec<(PathBuf, String)>,
}

/// The folders of a group's processes, without the group's holder, which runs nothing of the program's.
pub(super) fn members(group: Pid) -> Vec<PathBuf> {
    let group = group.as_raw_nonzero().get().to_string();
    let mut listed = LISTED.lock().unwrap_or_else(PoisonError::into_inner);
    let fresh = listed.take().filter(|listed| listed.at.elapsed() < FRESH);
    let listed = listed.insert(fresh.unwrap_or_else(list));
    let members = listed.processes.iter().filter(|(path, found)| *found == group && !path.ends_with(&group));
    members.map(|(path, _)| path.clone()).collect()
}

fn list() -> Listed {
    let group = |path: PathBuf| stat_field(&path, GROUP_FIELD).map(|group| (path, group));
    Listed { at: Instant::now(), processes: all().into_iter().filter_map(group).collect() }
}

/// The folders of all processes.
fn all() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbered = |name: &std::ffi::OsStr| name.as_encoded_bytes().first().is_some_and(u8::is_ascii_digit);
    entries.flatten().filter(|entry| numbered(&entry.file_name())).map(|entry| entry.path()).collect()
}

/// A child of a process, in which it started the program that it helps.
pub(super) fn child_of(process: Pid) -> Option<Pid> {
    let parent = process.as_raw_nonzero().get().to_string();
    let child =
        all().into_iter().find(|path| stat_field(path, PARENT_FIELD).is_some_and(|found| found == parent))?;
    child.file_name()?.to_str()?.parse().ok().and_then(Pid::from_raw)
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
