//! What a sandboxed program may use: the level of confinement and the limits.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::Validate;

/// How strongly a program is confined, weakest first; see the table of the [module](super).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Own process group, wall clock, output cap; nothing else.
    None,
    /// Resource limits, own user when root; seccomp where it exists.
    Process,
    /// Seccomp and Landlock: no network, read-only system, one writable folder.
    Landlock,
    /// `Landlock` inside own user, network, process, IPC and host-name namespaces.
    Namespaces,
    /// Namespaces made by bubblewrap, and seccomp.
    Bwrap,
}

impl Level {
    /// Every level that `auto` may take, strongest first.
    pub(super) const AUTO: [Self; 4] = [Self::Bwrap, Self::Namespaces, Self::Landlock, Self::Process];

    /// The name used in configs and transcripts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Process => "process",
            Self::Landlock => "landlock",
            Self::Namespaces => "namespaces",
            Self::Bwrap => "bwrap",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The level a config asks for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LevelChoice {
    /// The strongest level that works on this machine, never `none`.
    #[default]
    Auto,
    /// This level or an error: [`Level::None`].
    None,
    /// This level or an error: [`Level::Process`].
    Process,
    /// This level or an error: [`Level::Landlock`].
    Landlock,
    /// This level or an error: [`Level::Namespaces`].
    Namespaces,
    /// This level or an error: [`Level::Bwrap`].
    Bwrap,
}

impl LevelChoice {
    /// The level asked for by name; `None` for `auto`.
    #[must_use]
    pub fn exactly(self) -> Option<Level> {
        match self {
            Self::Auto => None,
            Self::None => Some(Level::None),
            Self::Process => Some(Level::Process),
            Self::Landlock => Some(Level::Landlock),
            Self::Namespaces => Some(Level::Namespaces),
            Self::Bwrap => Some(Level::Bwrap),
        }
    }
}

/// Limits of one run. The defaults suit short pieces of generated code.
///
/// ```
/// use internlm_kit::sandbox::SandboxConfig;
///
/// let config = SandboxConfig::default().with_cpu_seconds(2).with_memory_mib(256);
/// assert_eq!((config.cpu_seconds, config.memory_mib, config.processes), (2, 256, 64));
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct SandboxConfig {
    /// How strongly programs are confined; default `auto`.
    pub level: LevelChoice,
    /// Processor time of one process, seconds; default 10.
    pub cpu_seconds: u64,
    /// Wall clock of the whole run, seconds; default 20.
    pub wall_seconds: f64,
    /// Address space of one process, and anonymous memory of all processes together, MiB; default 1024.
    pub memory_mib: u64,
    /// Processes and threads at once; default 64.
    pub processes: u64,
    /// Size of one written file, MiB; default 64.
    pub file_mib: u64,
    /// Size of the work folder, MiB; default 256.
    pub folder_mib: u64,
    /// Open files of one process; default 128.
    pub open_files: u64,
    /// Bytes kept of stdout and of stderr each, KiB; one more byte ends the run; default 1024.
    pub output_kib: u64,
    /// Folders that the program may read besides the system's own; default none.
    pub readable: Vec<PathBuf>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            level: LevelChoice::Auto,
            cpu_seconds: 10,
            wall_seconds: 20.0,
            memory_mib: 1024,
            processes: 64,
            file_mib: 64,
            folder_mib: 256,
            open_files: 128,
            output_kib: 1024,
            readable: Vec::new(),
        }
    }
}

impl SandboxConfig {
    /// The same limits with another level of confinement.
    #[must_use]
    pub fn with_level(self, level: LevelChoice) -> Self {
        Self { level, ..self }
    }

    /// The same limits with this processor time for each process, seconds.
    #[must_use]
    pub fn with_cpu_seconds(self, cpu_seconds: u64) -> Self {
        Self { cpu_seconds, ..self }
    }

    /// The same limits with this wall clock for the whole run, seconds.
    #[must_use]
    pub fn with_wall_seconds(self, wall_seconds: f64) -> Self {
        Self { wall_seconds, ..self }
    }

    /// The same limits with this much memory, MiB.
    #[must_use]
    pub fn with_memory_mib(self, memory_mib: u64) -> Self {
        Self { memory_mib, ..self }
    }

    /// The same limits with at most so many processes and threads at once.
    #[must_use]
    pub fn with_processes(self, processes: u64) -> Self {
        Self { processes, ..self }
    }

    /// The same limits with files of at most this size, MiB.
    #[must_use]
    pub fn with_file_mib(self, file_mib: u64) -> Self {
        Self { file_mib, ..self }
    }

    /// The same limits with a work folder of at most this size, MiB.
    #[must_use]
    pub fn with_folder_mib(self, folder_mib: u64) -> Self {
        Self { folder_mib, ..self }
    }

    /// The same limits with at most so many open files in each process.
    #[must_use]
    pub fn with_open_files(self, open_files: u64) -> Self {
        Self { open_files, ..self }
    }

    /// The same limits with at most this much of stdout and of stderr each, KiB.
    #[must_use]
    pub fn with_output_kib(self, output_kib: u64) -> Self {
        Self { output_kib, ..self }
    }

    /// The same limits and one more folder that the program may read.
    #[must_use]
    pub fn with_readable(mut self, folder: impl Into<PathBuf>) -> Self {
        self.readable.push(folder.into());
        self
    }
}

impl Validate for SandboxConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(self.wall_seconds.is_finite() && self.wall_seconds > 0.0) {
            problems.push(format!("wall-seconds: found {}, expected a number above 0", self.wall_seconds));
        }
        let counts = [
            ("cpu-seconds", self.cpu_seconds, 1),
            // A shell and a small interpreter do not start below this.
            ("memory-mib", self.memory_mib, 16),
            ("processes", self.processes, 1),
            ("file-mib", self.file_mib, 1),
            ("folder-mib", self.folder_mib, 1),
            ("open-files", self.open_files, 8),
            ("output-kib", self.output_kib, 1),
        ];
        for (key, found, least) in counts {
            if found < least {
                problems.push(format!("{key}: found {found}, expected at least {least}"));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_below_its_minimum_is_named() {
        assert!(SandboxConfig::default().problems().is_empty());
        let config = SandboxConfig::default()
            .with_wall_seconds(f64::NAN)
            .with_cpu_seconds(0)
            .with_memory_mib(15)
            .with_processes(0)
            .with_file_mib(0)
            .with_folder_mib(0)
            .with_open_files(7)
            .with_output_kib(0);
        let problems = config.problems();
        let keys: Vec<&str> = problems.iter().filter_map(|problem| problem.split(':').next()).collect();
        let expected = [
            "wall-seconds",
            "cpu-seconds",
            "memory-mib",
            "processes",
            "file-mib",
            "folder-mib",
            "open-files",
            "output-kib",
        ];
        assert_eq!(keys, expected);
        assert_eq!(problems[6], "open-files: found 7, expected at least 8");
    }

    #[test]
    fn a_file_says_only_what_differs_from_the_defaults() {
        let text = "level = \"landlock\"\ncpu-seconds = 2\nreadable = [\"/data\"]";
        let config: SandboxConfig = toml::from_str(text).expect("parses");
        let expected = SandboxConfig::default()
            .with_level(LevelChoice::Landlock)
            .with_cpu_seconds(2)
            .with_readable("/data");
        assert_eq!(config, expected);
    }

    #[test]
    fn a_choice_by_name_is_exactly_that_level() {
        let levels = [Level::None, Level::Process, Level::Landlock, Level::Namespaces, Level::Bwrap];
        for level in levels {
            let choice: LevelChoice = serde_json::from_value(level.name().into()).expect("is a level");
            assert_eq!(choice.exactly(), Some(level));
        }
        assert_eq!(LevelChoice::Auto.exactly(), None);
        assert!(Level::AUTO.windows(2).all(|pair| pair[0] > pair[1]), "the strongest comes first");
        assert!(!Level::AUTO.contains(&Level::None));
    }
}
