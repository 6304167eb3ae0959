//! Every crate packages: its manifest says what a registry asks for, and nothing it needs is outside its folder.

use anyhow::Result;

use crate::workspace;

/// Packages all libraries in one call, so that cargo finds the unpublished ones among each other.
pub(crate) fn run() -> Result<()> {
    // Compiling the packages once more would double the time of the whole check; the sources are the same.
    let arguments =
        ["package", "--workspace", "--exclude", "xtask", "--no-verify", "--allow-dirty", "--quiet"];
    workspace::run(workspace::cargo().args(arguments))
}
