//! `cargo xtask ci`: everything that must hold before a change lands, in the order of what fails fastest.

mod light;
mod outside;
mod package;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

pub(crate) use self::light::run as light;
pub(crate) use self::outside::{check as outside_check, run as outside};
pub(crate) use self::package::run as package;
use crate::{cuda, data, docs, pipeline, test, tidy, workspace};

/// Runs all steps and stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    step("format", format)?;
    step("tidy", || tidy::run(&tidy::TidyArguments::default()))?;
    step("results of README", || docs::run(&docs::DocsArguments::check()))?;
    step("light dependency trees", light)?;
    step("clippy", || {
        workspace::run(workspace::cargo().args([
            "clippy",
            "--release",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    step("cuda check", || cuda::check(&cuda::CudaCheckArguments::default()))?;
    step("type check of examples/outside", outside_check)?;
    step("build", pipeline::build)?;
    step("test", || workspace::run(&mut all_tests(&data::folder())))?;
    step("vulkan goldens", vulkan_goldens)?;
    step("docs", || {
        workspace::run(
            workspace::cargo()
                .args(["doc", "--release", "--workspace", "--no-deps", "--quiet"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    })?;
    step("package", package)?;
    step("examples/outside", outside)?;
    step("pipeline --quick", || pipeline::run(&pipeline::PipelineArguments::quick()))
}

/// Checks the format of all workspaces; `--all` would follow paths from one into the other.
fn format() -> Result<()> {
    workspace::run(workspace::cargo().args(["fmt", "--all", "--check"]))?;
    for folder in ["examples/outside", "xtask/kernels", "xtask/kernels/runtime"] {
        let folder = workspace::root().join(folder);
        workspace::run(workspace::cargo().args(["fmt", "--check"]).current_dir(folder))?;
    }
    Ok(())
}

/// All tests of the workspace. With the folder of test data at hand, `CI=true` makes tests fail that would be skipped;
/// without it, those that need it are skipped, and a warning says so.
fn all_tests(test_data: &Path) -> Command {
    let mut command = test::command(&test::TestArguments::default());
    if test_data.is_dir() {
        command.env("CI", "true");
    } else {
        tracing::warn!("ci: tests that need test data are skipped: {} is missing", test_data.display());
    }
    command
}

/// Runs the decoder's goldens and the tests of its kernels on the first Vulkan device: Mesa's software rasterizer where there is no GPU. Without a
/// driver the step says so and passes; as root it tries to install Mesa's first.
fn vulkan_goldens() -> Result<()> {
    if !has_vulkan_driver() {
        tracing::info!("no Vulkan driver: trying apt-get install mesa-vulkan-drivers");
        let install = ["install", "--yes", "--no-install-recommends", "mesa-vulkan-drivers"];
        let tried = Command::new("apt-get").args(install).stdout(Stdio::null()).status();
        if !tried.is_ok_and(|status| status.success()) || !has_vulkan_driver() {
            tracing::warn!("skipped: there is no Vulkan driver and none could be installed");
            return Ok(());
        }
    }
    let arguments =
        ["test", "--release", "--package", "internlm-model", "--features", "vulkan", "--lib", "--test", "it"];
    // The goldens, and each kernel beside its twin. The software rasterizer uses all cores itself.
    let tests = ["--", "gpu::", "kernels::device", "--test-threads", "1"];
    workspace::run(workspace::cargo().args(arguments).args(tests))
}

fn has_vulkan_driver() -> bool {
    ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"]
        .iter()
        .any(|folder| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()))
}

fn step(name: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
    let started = Instant::now();
    tracing::info!("ci: {name}");
    run().with_context(|| format!("ci step `{name}` failed"))?;
    tracing::info!("ci: {name} passed in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn nothing_is_skipped_where_test_data_is() {
        let ci = |folder: &str| {
            let command = all_tests(Path::new(folder));
            assert!(workspace::describe(&command).ends_with("test --release --workspace"));
            command
                .get_envs()
                .any(|(name, value)| (name, value) == (OsStr::new("CI"), Some(OsStr::new("true"))))
        };
        assert!(ci("/") && !ci("/no/such/folder"));
    }
}
