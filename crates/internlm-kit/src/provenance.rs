//! [`header`]: the first line of a resolved config, which says what wrote it.

use std::process::Command;

/// `# internlm-train 0.1.0, git 1f0c2…` for the head of a TOML file: program, version, and the commit that is checked
/// out in the working directory, with `-dirty` when tracked files differ from it; `git unknown` outside a repository.
///
/// ```
/// let line = internlm_kit::provenance::header("internlm-train", "0.1.0");
/// assert!(line.starts_with("# internlm-train 0.1.0, git ") && line.ends_with('\n'));
/// ```
#[must_use]
pub fn header(program: &str, version: &str) -> String {
    format!("# {program} {version}, git {}\n", commit().as_deref().unwrap_or("unknown"))
}

fn commit() -> Option<String> {
    let words = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"];
    let output = Command::new("git").args(words).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
