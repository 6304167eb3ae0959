//! Without the feature `cli`, no library links what draws, prints or parses a command line.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use cargo_metadata::{MetadataCommand, Package};

use crate::workspace;

/// Crates of the command line: without the feature `cli`, nothing may link them.
const EDGE: [&str; 6] = ["anyhow", "clap", "console", "indicatif", "signal-hook", "tracing-subscriber"];
/// Crates that have `anyhow` below them and show none of it to whoever calls the library: guided decoding uses them,
/// and what they report becomes an error of the crate that called.
const PRUNED: [&str; 2] = ["llguidance", "toktrie"];
/// Features that need what is not on every machine, and the command line itself.
const LEFT_OUT: [&str; 4] = ["cli", "cuda", "default", "vulkan"];

/// Looks through the dependency tree of every library with all its features but `cli`.
pub(crate) fn run() -> Result<()> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cannot run cargo metadata")?;
    let mut problems = Vec::new();
    for package in metadata.workspace_packages() {
        if package.name.as_str() == "xtask" {
            continue;
        }
        let features = light_features(&features(package));
        let linked = edge_crates(&tree(package.name.as_str(), &features)?);
        if !linked.is_empty() {
            let features = features.join(",");
            problems.push(format!("{} with [{features}] links {}", package.name, linked.join(", ")));
        }
        tracing::info!("{}: light with [{}]", package.name, features.join(","));
    }
    if !problems.is_empty() {
        bail!("libraries without `cli` link crates of the command line:\n  {}", problems.join("\n  "));
    }
    Ok(())
}

fn features(package: &Package) -> BTreeMap<String, Vec<String>> {
    package.features.iter().map(|(name, parts)| (name.clone(), parts.clone())).collect()
}

/// Every feature that does not turn `cli` on, directly or through others.
fn light_features(features: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let light = |name: &&String| {
        !LEFT_OUT.contains(&name.as_str())
            && !closure(name, features).iter().any(|part| LEFT_OUT.contains(&part.as_str()))
    };
    features.keys().filter(light).cloned().collect()
}

/// The features of the same crate that `name` turns on.
fn closure(name: &str, features: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut pending = vec![name.to_owned()];
    while let Some(name) = pending.pop() {
        let own = features.get(&name).into_iter().flatten().filter(|part| features.contains_key(*part));
        pending.extend(own.filter(|part| found.insert((*part).clone())).cloned());
    }
    found
}

/// The names of everything that is linked into the library, build scripts and tests left out.
fn tree(package: &str, features: &[String]) -> Result<String> {
    let mut command = workspace::cargo();
    command.args([
        "tree",
        "--package",
        package,
        "--no-default-features",
        "--edges",
        "normal",
        "--prefix",
        "depth",
    ]);
    command.args(["--features", &features.join(",")]);
    let output = command.output().context("cannot run cargo tree")?;
    if !output.status.success() {
        bail!("`{}` failed: {}", workspace::describe(&command), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The crates of the command line in the lines of `cargo tree`, each of which begins with its depth; sorted.
fn edge_crates(tree: &str) -> Vec<String> {
    let mut names = BTreeSet::new();
    // Depth of the pruned crate that the lines are below.
    let mut pruned = None;
    for line in tree.lines() {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let depth: usize = line[..digits].parse().unwrap_or(0);
        if pruned.is_some_and(|above| depth > above) {
            continue;
        }
        let name = line[digits..].split_whitespace().next().unwrap_or_default();
        pruned = PRUNED.contains(&name).then_some(depth);
        if EDGE.contains(&name) {
            names.insert(name.to_owned());
        }
    }
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_that_turn_the_edge_on_are_left_out() {
        let table = [
            ("default", &["cli"][..]),
            ("cli", &["server", "dep:clap"]),
            ("server", &["engine", "dep:axum"]),
            ("engine", &[]),
            ("all", &["tools"]),
            ("tools", &["cli"]),
            ("vulkan", &["engine"]),
        ];
        let owned = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
        let features = table.iter().map(|(name, parts)| ((*name).to_owned(), owned(parts))).collect();
        assert_eq!(light_features(&features), ["engine", "server"]);
    }

    #[test]
    fn crates_of_the_edge_are_seen_in_a_tree() {
        let tree = "0internlm-kit v0.1.0 (/a/b)\n1serde v1.0.0\n1indicatif v0.18.0\n2console v0.16.0\n1serde v1.0.0 (*)\n";
        assert_eq!(edge_crates(tree), ["console", "indicatif"]);
        assert!(edge_crates("0a v1.0.0\n1clap_lex v1.0.0\n1serde v1.0.0\n").is_empty());
    }

    #[test]
    fn what_is_below_pruned_crates_does_not_count() {
        let below = "0a v1.0.0\n1llguidance v1.9.1\n2anyhow v1.0.0\n2toktrie v1.9.1\n3anyhow v1.0.0 (*)\n1serde v1.0.0\n";
        assert!(edge_crates(below).is_empty());
        assert_eq!(edge_crates(&format!("{below}1anyhow v1.0.0 (*)\n")), ["anyhow"]);
    }
}
