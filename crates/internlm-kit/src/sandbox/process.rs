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
const MEMORY_FIELD: usize = 20;

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
    threads.filter(|path| fs::read_to_string(path.join("stat")).is_ok_and(|stat| is_living(&stat))).collect()
}

/// Whether a thread is neither a zombie, nor being removed, nor on its way there.
///
/// A thread that ends gives up its memory first and then closes its files. From then on nobody but root may look at
/// them, and on a busy machine that lasts: the first process of a process namespace waits for all others.
fn is_living(stat: &str) -> bool {
    let field = |index| field_of(stat, index);
    field(STATE_FIELD).is_some_and(|state| !matches!(state, "Z" | "X" | "x"))
        && field(MEMORY_FIELD) != Some("0")
}

/// User and system time of a process and of its waited-for children: four neighboring fields.
pub(super) fn cpu_ticks(process: &Path) -> u64 {
    (FIRST_TIME_FIELD..FIRST_TIME_FIELD + 4)
        .filter_map(|index| stat_field(process, index)?.parse::<u64>().ok())
        .sum()
}

fn stat_field(process: &Path, index: usize) -> Option<String> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    field_of(&stat, index).map(str::to_owned)
}

fn field_of(stat: &str, index: usize) -> Option<&str> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_thread_lives_and_a_process_that_is_gone_has_none() {
        let own = PathBuf::from("/proc").join(std::process::id().to_string());
        assert!(!living_threads(&own).is_empty());
        assert!(living_threads(Path::new("/proc/0")).is_empty());
    }

    #[test]
    fn a_thread_without_memory_is_ending() {
        let stat = |state: &str, memory: u64| {
            format!(
                "7 (a) b) {state} 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 469650 {memory} 0 18446744073709551615"
            )
        };
        assert!(is_living(&stat("S", 4096)) && is_living(&stat("R", 1)));
        assert!(!is_living(&stat("S", 0)) && !is_living(&stat("Z", 4096)) && !is_living(""));
    }
}
