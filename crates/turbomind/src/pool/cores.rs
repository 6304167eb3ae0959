//! The default number of threads: how many the machine runs at full speed.

use std::collections::BTreeSet;
use std::fs;

/// Number of physical cores that affinity and cgroup quota leave to this process, at least one.
///
/// Hardware threads are not counted, because two of them share the multipliers that the kernels keep busy.
#[must_use]
pub fn default_threads() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, usize::from);
    physical_cores().map_or(allowed, |cores| cores.clamp(1, allowed))
}

/// Physical cores in this process's affinity mask; `None` where the system does not tell.
fn physical_cores() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut cores = BTreeSet::new();
    for cpu in cpu_list(list)? {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        // A core is named by the list of its hardware threads.
        cores.insert(fs::read_to_string(path).ok()?);
    }
    Some(cores.len())
}

/// The numbers of a kernel list such as `0-2,8`.
fn cpu_list(text: &str) -> Option<Vec<usize>> {
    let mut cpus = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        cpus.extend(first.parse::<usize>().ok()?..=last.parse().ok()?);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_lists_are_read() {
        assert_eq!(cpu_list("\t0-2,8\n"), Some(vec![0, 1, 2, 8]));
        assert_eq!(cpu_list("5"), Some(vec![5]));
        assert_eq!(cpu_list(""), None);
        assert_eq!(cpu_list("0-x"), None);
    }

    #[test]
    #[cfg_attr(miri, ignore = "reads files of the system")]
    fn at_least_one_and_no_more_than_allowed() {
        let threads = default_threads();
        assert!(threads >= 1);
        assert!(std::thread::available_parallelism().is_ok_and(|allowed| threads <= allowed.get()));
    }
}
