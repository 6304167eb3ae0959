//! Starting a program: its folder, its group and its restrictions.

use std::path::PathBuf;

use rustix::process::Resource;

use super::command::{self, Launch};
use super::confine::{Confinement, FileRules};
use super::filter::{self, Helper, Sockets};
use super::folder::WorkFolder;
use super::group::ProcessGroup;
use super::protection::Seccomp;
use super::resource_limit::ResourceLimit;
use super::run::Sandbox;
use super::started::{CpuClock, Started};
use super::{Level, SandboxError, Task};

impl Sandbox {
    /// Starts the program of a task.
    pub(super) fn start(&self, task: &Task, clock: CpuClock) -> Result<Started, SandboxError> {
        let program = command::resolve(&task.program)?;
        let user = self.facts.user.next();
        let folder = WorkFolder::create(task, self.facts.user, user)?;
        let readable: Vec<PathBuf> =
            self.config.readable.iter().cloned().chain(command::homes_of(&program)).collect();
        let group = ProcessGroup::start().map_err(SandboxError::system("start the group's holder"))?;
        let filters = self.hidden_filters(task.sockets, &folder, &group)?;
        let launch = Launch {
            level: self.level(),
            helpers: &self.helpers,
            task,
            program: &program,
            folder: &folder,
            filters: &filters,
            readable: &readable,
            user,
            group: group.id(),
        };
        let mut confinement = self.confinement(&launch);
        if clock == CpuClock::Watch {
            confinement.limits.retain(|limit| limit.resource != Resource::Cpu);
        }
        let child = confinement.spawn(launch.command()).map_err(SandboxError::system("start the program"))?;
        Ok(Started { child, group, folder, user })
    }

    /// Files with the filters of a program that bubblewrap starts: what itself may still do is too much for it.
    fn hidden_filters(
        &self,
        sockets: Sockets,
        folder: &WorkFolder,
        group: &ProcessGroup,
    ) -> Result<Vec<PathBuf>, SandboxError> {
        if self.level() != Level::Bwrap || self.facts.seccomp == Seccomp::Absent {
            return Ok(Vec::new());
        }
        let programs = filter::programs(Helper::None, sockets, group.id());
        let programs = programs.expect("the rules are constants that compile");
        let named = programs.iter().enumerate();
        named
            .map(|(index, program)| folder.hide(&format!("filter-{index}"), &filter::bytes(program)))
            .collect()
    }

    fn confinement(&self, launch: &Launch<'_>) -> Confinement {
        let user = launch.user;
        let helper = match launch.level {
            Level::None => return Confinement { user, ..Confinement::default() },
            Level::Process | Level::Landlock => Helper::None,
            Level::Namespaces => Helper::Unshare,
            Level::Bwrap => Helper::Bubblewrap,
        };
        let filters = match self.facts.seccomp {
            Seccomp::Present => filter::programs(helper, launch.task.sockets, launch.group)
                .expect("the rules are constants that compile"),
            Seccomp::Absent => Vec::new(),
        };
        // Bubblewrap mounts, which a Landlock domain forbids; it brings its own view of the files.
        let files = matches!(launch.level, Level::Landlock | Level::Namespaces).then(|| FileRules {
            work: launch.folder.work().to_path_buf(),
            readable: launch.readable.to_vec(),
        });
        Confinement { files, user, filters, limits: self.limits() }
    }

    /// The limits of one process.
    fn limits(&self) -> Vec<ResourceLimit> {
        let config = &self.config;
        let seconds = config.cpu_seconds;
        let limit = |resource, value| ResourceLimit { resource, soft: value, hard: value };
        vec![
            // The hard limit kills a program that ignores the signal of the soft one.
            ResourceLimit { resource: Resource::Cpu, soft: seconds, hard: seconds + 1 },
            limit(Resource::As, config.memory_mib << 20),
            limit(Resource::Fsize, config.file_mib << 20),
            limit(Resource::Nofile, config.open_files),
            limit(Resource::Nproc, config.processes + self.facts.user.running()),
            limit(Resource::Core, 0),
        ]
    }
}
