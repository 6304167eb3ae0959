//! Where the workspace is and how its programs are started.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, bail};

/// The workspace root: the folder above this crate.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask is a folder of the workspace").to_path_buf()
}

/// The cargo that started us, or the one on the path. It builds into the folder that this program is in, whatever the
/// environment says: [`release_folder`] is where what it made is looked for.
///
/// What `cargo run` tells this program about its own package is not passed on: build scripts that watch these
/// variables (ring's) would run again, and with them everything above their crates.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let of_package = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "OUT_DIR"
        });
        if of_package {
            command.env_remove(name);
        }
    }
    // It fails where the system does not tell; cargo then decides itself.
    if let Some(target) = release_folder().ok().as_deref().and_then(Path::parent) {
        command.env("CARGO_TARGET_DIR", target);
    }
    command.current_dir(root());
    command
}

/// The folder with release binaries of this build.
pub(crate) fn release_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find the path of this program")?;
    let folder = own.parent().context("this program has no parent folder")?;
    // Test binaries are one level deeper, in `deps`.
    Ok(if folder.ends_with("deps") {
        folder.parent().context("`deps` has a parent folder")?.to_path_buf()
    } else {
        folder.to_path_buf()
    })
}

/// Runs `command` with inherited streams and fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if status.success() {
        return Ok(());
    }
    bail!("`{}` ended with {status}", describe(command))
}

/// Runs `command` with inherited streams and gives its status.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().with_context(|| format!("cannot start `{}`", describe(command)))
}

/// The command as a person would type it, with the program's file name only.
pub(crate) fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_where_the_members_are() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("reads");
        assert!(manifest.contains("[workspace]") && root().join("xtask/Cargo.toml").is_file());
    }

    #[test]
    fn commands_are_described_as_typed() {
        let mut command = Command::new("/somewhere/bin/sh");
        command.args(["-c", "exit 3"]);
        assert_eq!(describe(&command), "sh -c exit 3");
    }

    #[test]
    fn a_failing_command_is_named_with_its_status() {
        let failing = run(Command::new("sh").args(["-c", "exit 3"])).expect_err("it fails");
        assert_eq!(failing.to_string(), "`sh -c exit 3` ended with exit status: 3");
        let absent = run(&mut Command::new("/nowhere/program")).expect_err("it does not exist");
        assert_eq!(absent.to_string(), "cannot start `program`");
        run(Command::new("sh").args(["-c", "exit 0"])).expect("succeeds");
        assert_eq!(status(Command::new("sh").args(["-c", "exit 4"])).expect("runs").code(), Some(4));
    }

    #[test]
    fn binaries_are_next_to_this_one_without_deps() {
        let folder = release_folder().expect("this program has a folder");
        assert!(!folder.ends_with("deps") && folder.is_dir());
        let cargo = cargo();
        let target = cargo.get_envs().find(|(name, _)| *name == "CARGO_TARGET_DIR");
        let target = target.and_then(|(_, folder)| folder).map(Path::new);
        assert_eq!(target, folder.parent(), "what cargo makes is found there");
    }
}
