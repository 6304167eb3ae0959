//! Seccomp filters: which system calls a sandboxed program is refused.
//!
//! A list of refusals, not of permissions: generated programs use any interpreter. Refused calls fail with
//! `EPERM`, so the program sees an ordinary error. Upstream of the list: the default profiles of Docker and
//! bubblewrap's users (Flatpak), minus what needs privileges the program does not have anyway.

use std::collections::BTreeMap;

use rustix::process::Pid;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
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
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_open_by_handle_at,
    libc::SYS_syslog,
    libc::SYS_vhangup,
];

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
/// nobody sees the room that they take.
const SENDING: &[i64] = &[libc::SYS_sendmsg, libc::SYS_sendmmsg];

/// `_IOC` numbers of `asm-generic/ioctls.h`: typing into the terminal that started us.
const TERMINAL_INPUT: [u64; 2] = [0x5412, 0x541c];
/// `socket(2)` families of the kernel's headers: those that bubblewrap needs to bring the loopback device
/// up. Its view of the files holds no socket of the machine.
const AF_UNIX: u64 = 1;
const AF_NETLINK: u64 = 16;
/// `prctl(2)` option of the kernel's headers. A process that switches it off hides its open files from the sandbox.
const PR_SET_DUMPABLE: u64 = 4;
/// `fallocate(2)` modes of the kernel's headers: setting room aside behind the end of a file, which the limit on its
/// size does not see; together with the second one, room is given back.
const FALLOC_FL_KEEP_SIZE: u64 = 1;
const FALLOC_FL_PUNCH_HOLE: u64 = 2;
/// `clone(2)` flag of the kernel's headers.
const CLONE_NEWUSER: u64 = 0x1000_0000;
/// Set in every call number of the x32 interface of x86-64.
const X32: i64 = 0x4000_0000;

/// The filters to install, in order; `None` when this architecture has no filter compiler.
/// `group` is the only process group that the program may join.
pub(super) fn programs(helper: Helper, group: Pid) -> Option<Vec<BpfProgram>> {
    let mut programs = vec![compile(refused(helper, group)?, libc::EPERM)?];
    if helper != Helper::Bubblewrap {
        // Its flags are in memory where a filter cannot look; C libraries fall back to `clone`.
        programs.push(compile(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)?);
    }
    Some(programs)
}

/// Whether this architecture has a filter compiler.
pub(super) fn is_supported() -> bool {
    TargetArch::try_from(std::env::consts::ARCH).is_ok()
}

fn refused(helper: Helper, group: Pid) -> Option<Rules> {
    let mut rules: Rules = NEVER.iter().map(|&call| (call, Vec::new())).collect();
    #[cfg(target_arch = "x86_64")]
    for call in [libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_kexec_file_load] {
        rules.insert(call, Vec::new());
    }
    let group = u64::from(group.as_raw_nonzero().get().unsigned_abs());
    let other_groups = vec![rule(0, SeccompCmpOp::Ne, 0)?, rule(1, SeccompCmpOp::Ne, group)?];
    rules.insert(libc::SYS_setpgid, other_groups);
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
    rules.insert(libc::SYS_socket, Vec::new());
    rules.extend(SENDING.iter().map(|&call| (call, Vec::new())));
    rules.extend(MOUNTING.iter().map(|&call| (call, Vec::new())));
    rules.insert(libc::SYS_clone, vec![rule(0, SeccompCmpOp::MaskedEq(CLONE_NEWUSER), CLONE_NEWUSER)?]);
    if helper == Helper::None {
        rules.insert(libc::SYS_unshare, Vec::new());
    }
    Some(rules)
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
