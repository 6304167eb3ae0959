//! [`Provenance`]: who wrote a file, for its first line.

use std::fmt;

/// Program, version and commit.
///
/// ```
/// use internlm_kit::provenance::Provenance;
///
/// let origin = Provenance::new("internlm-train", "0.1.0");
/// assert_eq!(origin.header(), "# internlm-train 0.1.0, git unknown\n");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Provenance {
    program: String,
    version: String,
    commit: Option<String>,
}

impl Provenance {
    /// A program whose commit is not known.
    #[must_use]
    pub fn new(program: &str, version: &str) -> Self {
        Self { program: program.to_owned(), version: version.to_owned(), commit: None }
    }

    /// The same with a commit, as `git describe` writes it.
    #[must_use]
    pub fn with_commit(self, commit: impl Into<String>) -> Self {
        Self { commit: Some(commit.into()), ..self }
    }

    /// The same with the commit that is checked out in the working directory, followed by `-dirty` when tracked files
    /// differ from it. It runs `git`; outside of a repository the commit stays unknown.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn with_commit_of_working_directory(self) -> Self {
        let words = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"];
        let output = std::process::Command::new("git").args(words).output().ok();
        let commit = output
            .filter(|output| output.status.success())
            .and_then(|output| String::from_utf8(output.stdout).ok());
        Self { commit: commit.map(|text| text.trim().to_owned()), ..self }
    }

    /// `# internlm-train 0.1.0, git 1f0c2…` and a line end, for the head of a TOML file.
    #[must_use]
    pub fn header(&self) -> String {
        format!("# {self}\n")
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commit = self.commit.as_deref().unwrap_or("unknown");
        write!(formatter, "{} {}, git {commit}", self.program, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_commit_is_named() {
        let origin = Provenance::new("p", "1").with_commit("1f0c2-dirty");
        assert_eq!(origin.to_string(), "p 1, git 1f0c2-dirty");
        assert_eq!(origin.header(), "# p 1, git 1f0c2-dirty\n");
    }
}
