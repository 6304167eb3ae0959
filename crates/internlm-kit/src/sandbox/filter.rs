//! Seccomp filters: which system calls a sandboxed program is refused.
//!
//! A list of refusals, not of permissions: generated programs use any interpreter. Refused calls fail with
//! `EPERM`, so the program sees an ordinary error. Upstream of the list: the default profiles of Docker and
//! bubblewrap's users (Flatpak), minus what needs privileges the program does not have anyway.

use std::collections::BTreeMap;

use rustix::process::Pid;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

/// What the program between the filter and the untrusted code still has to do itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Helper {
    /// Nothing: every refusal applies.
    None,
    /// `unshare` makes namespaces, without mounting.
    Unshare,
    /// `bwrap` makes namespaces, mounts, and brings the loopback device up over a netlink socket.
    Bubblewrap,
}

/// Which sockets a program may make. Pairs of connected sockets are always allowed: they are pipes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Sockets {
    /// None of any family.
    #[default]
    Refused,
    /// Unix sockets that others connect to; the program itself connects to nothing.
    Served,
}

/// The rules of one call: any of them matching refuses it; an empty list refuses always.
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Refused always.
const NEVER: &[i64] = &[
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // A session of its own would escape the kill of the group.
    libc::SYS_setsid,
    libc::SYS_setns,
    // Ways around this filter or into little-tested kernel code.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Memory that no process's size shows.
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_mq_open,
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    // The machine.
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_open_by_handle_at,
    libc::SYS_syslog,
    libc::SYS_vhangup,
];

/// Refused for any other process or thread than the caller's own, with the argument that names it: where the program
/// has our user, it could stop or slow this process down.
const OTHERS: &[(i64, u8)] = &[
    (libc::SYS_prlimit64, 0),
    (libc::SYS_sched_setaffinity, 0),
    (libc::SYS_sched_setattr, 0),
    (libc::SYS_migrate_pages, 0),
    (libc::SYS_move_pages, 0),
];

/// Refused because Landlock has no right for them: attributes of files outside. Those of an open file can be set.
const ATTRIBUTES: &[i64] =
    &[libc::SYS_setxattr, libc::SYS_lsetxattr, libc::SYS_removexattr, libc::SYS_lremovexattr];

/// Refused unless bubblewrap has to build a view of the file system.
const MOUNTING: &[i64] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
];

/// Refused unless bubblewrap has to do it: files on their way through a pair of sockets belong to no process, and
/// nobody sees the room that they take. One end of a pair of datagram sockets can be connected to any socket of the
/// machine.
const SENDING: &[i64] = &[libc::SYS_sendmsg, libc::SYS_sendmmsg, libc::SYS_connect];

/// `_IOC` numbers of `asm-generic/ioctls.h`: typing into the terminal that started us.
const TERMINAL_INPUT: [u64; 2] = [0x5412, 0x541c];
/// `socket(2)` families of the kernel's headers: those that bubblewrap needs to bring the loopback device
/// up. Its view of the files holds no socket of the machine.
const AF_UNIX: u64 = 1;
const AF_NETLINK: u64 = 16;
/// What `setpriority(2)` and `ioprio_set(2)` call one process instead of a group or a user.
const PRIO_PROCESS: u64 = 0;
const IOPRIO_WHO_PROCESS: u64 = 1;
/// The usual scheduling class (sched(7)).
const SCHED_OTHER: u64 = 0;
/// `prctl(2)` option of the kernel's headers. A process that switches it off hides its open files from the sandbox.
const PR_SET_DUMPABLE: u64 = 4;
/// `fallocate(2)` modes of the kernel's headers: setting room aside behind the end of a file, which the limit on its
/// size does not see; together with the second one, room is given back.
const FALLOC_FL_KEEP_SIZE: u64 = 1;
const FALLOC_FL_PUNCH_HOLE: u64 = 2;
/// `clone(2)` flag of the kernel's headers.
const CLONE_NEWUSER: u64 = 0x1000_0000;
/// What `unshare` is started for, in one call: user, network, process, IPC and host-name namespaces (clone(2)).
const NAMESPACES: u64 = CLONE_NEWUSER | 0x4000_0000 | 0x2000_0000 | 0x0800_0000 | 0x0400_0000;
/// The user and the group of every process whose namespace maps nobody: the kernel's default overflow numbers.
const UNMAPPED: u64 = 65534;
/// Calls by which a program gives up rights, with the number of their arguments.
const GIVING_UP: [(i64, u8); 6] = [
    (libc::SYS_setuid, 1),
    (libc::SYS_setgid, 1),
    (libc::SYS_setreuid, 2),
    (libc::SYS_setregid, 2),
    (libc::SYS_setresuid, 3),
    (libc::SYS_setresgid, 3),
];
/// Set in every call number of the x32 interface of x86-64.
const X32: i64 = 0x4000_0000;

/// The filters to install, in order; `None` when this architecture has no filter compiler.
/// `group` is the only process group that the program may join.
pub(super) fn programs(helper: Helper, sockets: Sockets, group: Pid) -> Option<Vec<BpfProgram>> {
    let mut programs = vec![compile(refused(helper, sockets, group)?, libc::EPERM)?];
    if helper != Helper::Bubblewrap {
        // Its flags are in memory where a filter cannot look; C libraries fall back to `clone`.
        programs.push(compile(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)?);
    }
    if helper != Helper::Bubblewrap && sockets == Sockets::Served {
        // Programs that serve expect this answer where a family is missing; ZeroMQ aborts at any other.
        let other_families = vec![rule(0, SeccompCmpOp::Ne, AF_UNIX)?];
        programs.push(compile(BTreeMap::from([(libc::SYS_socket, other_families)]), libc::EOPNOTSUPP)?);
    }
    if helper == Helper::Unshare {
        // Success, since nothing is to be done.
        programs.push(compile(unchanged_users()?, 0)?);
    }
    Some(programs)
}

/// A filter as bubblewrap reads it: the instructions of `linux/filter.h` one after the other.
pub(super) fn bytes(program: &BpfProgram) -> Vec<u8> {
    let instruction = |found: &sock_filter| {
        let [low, high] = found.code.to_ne_bytes();
        let [a, b, c, d] = found.k.to_ne_bytes();
        [low, high, found.jt, found.jf, a, b, c, d]
    };
    program.iter().flat_map(instruction).collect()
}

/// Whether this architecture has a filter compiler.
pub(super) fn is_supported() -> bool {
    TargetArch::try_from(std::env::consts::ARCH).is_ok()
}

fn refused(helper: Helper, sockets: Sockets, group: Pid) -> Option<Rules> {
    let mut rules: Rules = NEVER.iter().chain(ATTRIBUTES).map(|&call| (call, Vec::new())).collect();
    #[cfg(target_arch = "x86_64")]
    for call in [libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_kexec_file_load] {
        rules.insert(call, Vec::new());
    }
    let group = u64::from(group.as_raw_nonzero().get().unsigned_abs());
    let other_groups = vec![rule(0, SeccompCmpOp::Ne, 0)?, rule(1, SeccompCmpOp::Ne, group)?];
    rules.insert(libc::SYS_setpgid, other_groups);
    for &(call, argument) in OTHERS {
        rules.insert(call, vec![rule(argument, SeccompCmpOp::Ne, 0)?]);
    }
    // A thread may be given the usual class, which changes nothing: libraries do so with threads that they start.
    let other_class = vec![(0, SeccompCmpOp::Ne, 0), (1, SeccompCmpOp::Ne, SCHED_OTHER)];
    rules.insert(libc::SYS_sched_setscheduler, vec![all_of(other_class)?]);
    for (call, process) in [(libc::SYS_setpriority, PRIO_PROCESS), (libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS)]
    {
        let (kinds, others) = (rule(0, SeccompCmpOp::Ne, process)?, rule(1, SeccompCmpOp::Ne, 0)?);
        rules.insert(call, vec![kinds, others]);
    }
    let hiding = vec![(0, SeccompCmpOp::Eq, PR_SET_DUMPABLE), (1, SeccompCmpOp::Eq, 0)];
    rules.insert(libc::SYS_prctl, vec![all_of(hiding)?]);
    let modes = SeccompCmpOp::MaskedEq(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE);
    rules.insert(libc::SYS_fallocate, vec![rule(1, modes, FALLOC_FL_KEEP_SIZE)?]);
    let typing = TERMINAL_INPUT.map(|request| rule(1, SeccompCmpOp::Eq, request));
    rules.insert(libc::SYS_ioctl, typing.into_iter().collect::<Option<_>>()?);
    if helper == Helper::Bubblewrap {
        let others = vec![(0, SeccompCmpOp::Ne, AF_UNIX), (0, SeccompCmpOp::Ne, AF_NETLINK)];
        rules.insert(libc::SYS_socket, vec![all_of(others)?]);
        return Some(rules);
    }
    rules.extend(socket_rules(sockets)?);
    rules.extend(SENDING.iter().map(|&call| (call, Vec::new())));
    rules.extend(MOUNTING.iter().map(|&call| (call, Vec::new())));
    rules.insert(libc::SYS_clone, vec![rule(0, SeccompCmpOp::MaskedEq(CLONE_NEWUSER), CLONE_NEWUSER)?]);
    let others =
        if helper == Helper::Unshare { vec![rule(0, SeccompCmpOp::Ne, NAMESPACES)?] } else { Vec::new() };
    rules.insert(libc::SYS_unshare, others);
    Some(rules)
}

/// What is refused of making sockets and of sending to an address.
fn socket_rules(sockets: Sockets) -> Option<Rules> {
    let addressed = SeccompCondition::new(4, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0).ok()?;
    let mut rules = Rules::from([(libc::SYS_sendto, vec![SeccompRule::new(vec![addressed]).ok()?])]);
    if sockets == Sockets::Refused {
        rules.extend([libc::SYS_socket, libc::SYS_bind, libc::SYS_listen].map(|call| (call, Vec::new())));
    }
    Some(rules)
}

/// The calls by which a program becomes the user or the group that it is already. In a namespace that maps nobody the
/// kernel refuses them, and a program that gives up rights at its start takes that for a failure and ends, as gnuplot
/// does. It has no rights to give up there.
fn unchanged_users() -> Option<Rules> {
    let unchanged = |&(call, arguments): &(i64, u8)| {
        let conditions = (0..arguments).map(|argument| (argument, SeccompCmpOp::Eq, UNMAPPED));
        Some((call, vec![all_of(conditions.collect())?]))
    };
    GIVING_UP.iter().map(unchanged).collect()
}

/// One condition on one 32-bit argument.
fn rule(argument: u8, operator: SeccompCmpOp, value: u64) -> Option<SeccompRule> {
    all_of(vec![(argument, operator, value)])
}

/// A rule that matches when all its conditions do.
fn all_of(conditions: Vec<(u8, SeccompCmpOp, u64)>) -> Option<SeccompRule> {
    let conditions = conditions.into_iter().map(|(argument, operator, value)| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).ok()
    });
    SeccompRule::new(conditions.collect::<Option<_>>()?).ok()
}

fn compile(mut rules: Rules, error: i32) -> Option<BpfProgram> {
    if cfg!(target_arch = "x86_64") {
        let twins: Vec<_> = rules.iter().map(|(&call, rules)| (call | X32, rules.clone())).collect();
        rules.extend(twins);
    }
    let refusal = SeccompAction::Errno(error.unsigned_abs());
    let arch = TargetArch::try_from(std::env::consts::ARCH).ok()?;
    SeccompFilter::new(rules, SeccompAction::Allow, refusal, arch).ok()?.try_into().ok()
}
