//! The Debian packages behind the tools: one line for each tool that misses some, and their names.
//!
//! With `LAGENT_INSTALL_TOOLS=1` the first test that calls a tool installs the packages that are missing, which needs
//! root and `apt-get`. Otherwise nothing is installed.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Once;

use lagent::action::{Readiness, ToolSettings, entries};
use rustix::process::geteuid;

use super::media::{CHINESE, LATIN};

/// The wish for missing packages, as an environment variable.
const WISH: &str = "LAGENT_INSTALL_TOOLS";
/// Files that the tests need besides what the tools themselves ask for, and the packages that contain them.
const MORE: [(&str, &str); 8] = [
    LATIN,
    CHINESE,
    ("/usr/bin/flite", "flite"),
    ("/usr/bin/planetsplitter", "routino"),
    ("/usr/share/apertium/modes/eng-spa.mode", "apertium-eng-spa"),
    ("/usr/share/tesseract-ocr/5/tessdata/chi_sim.traineddata", "tesseract-ocr-chi-sim"),
    ("/usr/lib/libreoffice/program/libswlo.so", "libreoffice-writer-nogui"),
    ("/usr/lib/libreoffice/program/libPresenterScreenlo.so", "libreoffice-impress-nogui"),
];

/// Installs what is missing if the environment wishes it, and names the tools that still miss packages. Does so once.
pub(crate) fn prepare() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        let missing = missing();
        if std::env::var(WISH).is_ok_and(|wish| wish == "1") && !missing.is_empty() {
            match install(&missing) {
                Ok(()) => tell(&format!("installed: {}", words(&missing))),
                Err(reason) => tell(&format!("not installed: {}: {reason}", words(&missing))),
            }
        }
        for (tool, reason) in unavailable().iter().filter(|(_, reason)| !packages(reason).is_empty()) {
            tell(&format!("not available: {tool}: {reason}"));
        }
        for (file, package) in MORE.iter().filter(|(file, _)| !Path::new(file).exists()) {
            tell(&format!("not available: {file}: needs {package}"));
        }
    });
}

/// Writes a line that is also seen when the test passes.
fn tell(line: &str) {
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(io::stderr(), "{line}");
}

fn words(packages: &BTreeSet<String>) -> String {
    packages.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The tools that do not work here, and why.
fn unavailable() -> Vec<(String, String)> {
    let settings = ToolSettings::default();
    let tools = entries().flat_map(|entry| (entry.build)(&settings).expect("some sandbox level works"));
    let reasons = tools.filter_map(|tool| match tool.readiness() {
        Readiness::Ready => None,
        Readiness::Unavailable { reason } => Some((tool.spec().name, reason)),
    });
    reasons.collect()
}

/// The packages that would make more tools and tests work.
fn missing() -> BTreeSet<String> {
    let reasons = unavailable();
    let of_tools = reasons.iter().flat_map(|(_, reason)| packages(reason));
    let files = MORE.iter().filter(|(file, _)| !Path::new(file).exists());
    of_tools.chain(files.map(|(_, package)| *package)).map(str::to_owned).collect()
}

/// The packages that a reason names; empty if a service is what is missing.
fn packages(reason: &str) -> Vec<&str> {
    let needs = reason.strip_prefix("unavailable: needs ").unwrap_or_default();
    let needs = needs.split(" or ").next().unwrap_or_default();
    let needs = needs.split(" (looked in ").next().unwrap_or_default();
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    needs.split(", ").filter(|name| name.len() > 1 && name.bytes().all(is_letter)).collect()
}

/// Installs packages, with newer lists of packages if the present ones do not do.
fn install(packages: &BTreeSet<String>) -> Result<(), String> {
    if !geteuid().is_root() {
        return Err("only root can install packages".to_owned());
    }
    let wanted: Vec<&str> = packages.iter().map(String::as_str).collect();
    let arguments = [&["install", "--yes", "--no-install-recommends", "--"][..], &wanted].concat();
    if apt_get(&arguments).is_err() {
        apt_get(&["update"])?;
        apt_get(&arguments)?;
    }
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    let ran = command.output().map_err(|error| format!("apt-get: {error}"))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    let last = said.lines().next_back().unwrap_or_default();
    Err(format!("apt-get {} ended with {}: {last}", arguments[0], ran.status))
}

#[test]
fn a_reason_names_the_packages_that_would_help() {
    for (reason, expected) in [
        ("unavailable: needs tesseract-ocr, tesseract-ocr-eng", &["tesseract-ocr", "tesseract-ocr-eng"][..]),
        ("unavailable: needs espeak-ng or an endpoint services.TextToSpeech", &["espeak-ng"]),
        ("unavailable: needs python3 (looked in /usr/bin:/bin)", &["python3"]),
        ("unavailable: needs an endpoint services.TextToImage", &[]),
        ("unavailable: needs a key of https://google.serper.dev, see services", &[]),
        ("unavailable: services.BINGMap.extra.map: missing", &[]),
    ] {
        assert_eq!(packages(reason), expected, "{reason}");
    }
}

#[test]
fn every_tool_that_does_not_work_is_named_with_its_packages() {
    prepare();
    for (tool, reason) in unavailable() {
        let is_told = !packages(&reason).is_empty() || reason.contains("endpoint") || reason.contains("key");
        assert!(is_told, "{tool}: {reason}");
    }
}
