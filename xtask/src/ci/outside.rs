//! `examples/outside`: a workspace of its own whose programs use the crates as another project would.

use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace;

/// Programs that prove a light set of features: built one by one, because one build of many crates would give each
/// of them the features of all.
const ALONE: [&str; 3] = ["light-model", "light-shards", "light-client"];

/// Checks the types of all programs: a crate that needs a feature it does not ask for fails here within minutes, not
/// after all tests.
pub(crate) fn check() -> Result<()> {
    copy_lock()?;
    cargo(&["check", "--release", "--workspace"])
}

/// Builds and runs every program; each checks its own results.
pub(crate) fn run() -> Result<()> {
    copy_lock()?;
    let folder = workspace::root().join("examples/outside");
    let programs = programs(&std::fs::read_to_string(folder.join("Cargo.toml"))?)?;
    for name in ALONE {
        cargo(&["run", "--release", "--package", name])?;
    }
    let mut build = vec!["build".to_owned(), "--release".to_owned()];
    let together: Vec<&String> = programs.iter().filter(|name| !ALONE.contains(&name.as_str())).collect();
    build.extend(together.iter().flat_map(|name| ["--package".to_owned(), (*name).clone()]));
    cargo(&build.iter().map(String::as_str).collect::<Vec<_>>())?;
    for name in together {
        workspace::run(Command::new(workspace::release_folder()?.join(name)).current_dir(&folder))?;
    }
    Ok(())
}

/// Takes the versions of the workspace, so that what is compiled there is used here.
fn copy_lock() -> Result<()> {
    let root = workspace::root();
    std::fs::copy(root.join("Cargo.lock"), root.join("examples/outside/Cargo.lock"))
        .context("cannot copy Cargo.lock to examples/outside")?;
    Ok(())
}

/// Runs cargo in the folder.
fn cargo(arguments: &[&str]) -> Result<()> {
    let mut command = workspace::cargo();
    command.current_dir(workspace::root().join("examples/outside")).args(arguments);
    workspace::run(&mut command)
}

/// The members of the workspace, which are also the names of its programs.
fn programs(manifest: &str) -> Result<Vec<String>> {
    let manifest: toml::Table = toml::from_str(manifest).context("examples/outside/Cargo.toml: not TOML")?;
    let members =
        manifest.get("workspace").and_then(|table| table.get("members")).and_then(toml::Value::as_array);
    let names = members.context("examples/outside/Cargo.toml: found no workspace.members")?;
    Ok(names.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_has_a_program_and_light_ones_are_among_them() {
        let folder = workspace::root().join("examples/outside");
        let programs =
            programs(&std::fs::read_to_string(folder.join("Cargo.toml")).expect("reads")).expect("lists");
        assert!(ALONE.iter().all(|name| programs.iter().any(|program| program == name)), "{programs:?}");
        let manifests: String = programs
            .iter()
            .map(|name| std::fs::read_to_string(folder.join(name).join("Cargo.toml")).expect(name))
            .collect();
        for entry in std::fs::read_dir(workspace::root().join("crates")).expect("the crates") {
            let entry = entry.expect("an entry");
            // A crate of macros is used through the crate that re-exports them.
            let manifest = std::fs::read_to_string(entry.path().join("Cargo.toml")).expect("a manifest");
            if manifest.contains("proc-macro = true") {
                continue;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(manifests.contains(&format!("crates/{name}\"")), "{name} is used by no program");
        }
    }
}
