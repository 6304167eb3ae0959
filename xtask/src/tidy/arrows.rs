//! Which crate may depend on which, with which features (docs/architecture.md), from `cargo metadata`.

use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{Dependency, DependencyKind, MetadataCommand, Package};

use super::finding::Finding;

/// `(crate, dependency, features it may ask for)`. An optional dependency counts like any other.
const ARROWS: &[(&str, &str, &[&str])] = &[
    ("internlm-model", "internlm-kit", &[]),
    ("wanjuan-data", "internlm-model", &[]),
    ("wanjuan-data", "internlm-kit", &[]),
    ("internlm-train", "internlm-model", &["burn", "flex", "autodiff"]),
    ("internlm-train", "wanjuan-data", &["shard"]),
    ("internlm-train", "internlm-kit", &[]),
    ("turbomind", "internlm-model", &[]),
    ("turbomind", "internlm-kit", &[]),
    ("lmdeploy", "internlm-model", &[]),
    ("lmdeploy", "turbomind", &[]),
    ("lmdeploy", "internlm-kit", &[]),
    ("xtuner", "internlm-model", &["burn", "flex", "autodiff"]),
    ("xtuner", "internlm-train", &[]),
    ("xtuner", "wanjuan-data", &["shard"]),
    ("xtuner", "lmdeploy", &["client"]),
    ("xtuner", "internlm-kit", &[]),
    ("lagent", "lagent-derive", &[]),
    ("lagent", "internlm-model", &[]),
    ("lagent", "wanjuan-data", &["pipeline"]),
    ("lagent", "lmdeploy", &["client"]),
    ("lagent", "internlm-kit", &["sandbox"]),
    ("opencompass", "internlm-model", &[]),
    ("opencompass", "lmdeploy", &["client"]),
    ("opencompass", "lagent", &[]),
    ("opencompass", "internlm-kit", &["sandbox"]),
    ("xtask", "internlm-kit", &["cli"]),
];

/// `(library, crates that may link it)`.
const OWNERS: &[(&str, &[&str])] = &[
    ("axum", &["lmdeploy", "lagent"]),
    ("indicatif", &["internlm-kit"]),
    ("html5ever", &["wanjuan-data"]),
    ("burn", &["internlm-model", "internlm-train", "xtuner", "lmdeploy"]),
    ("burn-autodiff", &["internlm-model", "internlm-train", "xtuner"]),
];

/// Checks every workspace member.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cannot run cargo metadata")?;
    let members: Vec<&Package> = metadata.workspace_packages();
    let names: Vec<&str> = members.iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in &members {
        for dependency in &package.dependencies {
            let problem = if names.contains(&dependency.name.as_str()) {
                arrow_problem(package.name.as_str(), dependency)
            } else {
                owner_problem(package.name.as_str(), dependency)
            };
            findings.extend(problem.map(|message| Finding {
                path: manifest_path(root, package),
                line: 0,
                rule: "arrow",
                message,
            }));
        }
    }
    Ok(findings)
}

fn manifest_path(root: &Path, package: &Package) -> String {
    let path = package.manifest_path.as_std_path();
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

fn arrow_problem(from: &str, dependency: &Dependency) -> Option<String> {
    let to = dependency.name.as_str();
    if dependency.kind == DependencyKind::Development {
        return None;
    }
    let Some((_, _, features)) = ARROWS.iter().find(|arrow| arrow.0 == from && arrow.1 == to) else {
        return Some(format!("{from} depends on {to}: there is no such arrow"));
    };
    if dependency.uses_default_features {
        return Some(format!("{from} takes {to} with default features, expected default-features = false"));
    }
    let extra: Vec<&str> =
        dependency.features.iter().map(String::as_str).filter(|name| !features.contains(name)).collect();
    (!extra.is_empty()).then(|| format!("{from} asks {to} for {extra:?}, expected at most {features:?}"))
}

fn owner_problem(from: &str, dependency: &Dependency) -> Option<String> {
    let (library, owners) = OWNERS.iter().find(|owner| owner.0 == dependency.name)?;
    let normal = dependency.kind == DependencyKind::Normal;
    (normal && !owners.contains(&from)).then(|| format!("{from} links {library}, only {owners:?} may"))
}
