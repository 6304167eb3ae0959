//! A library with the names of LLVM's functions that do nothing: a quarter of a bundle's size for code that never runs.
//!
//! Programs with the feature `cuda` are linked with LLVM, but kernels take the way over CUDA C++ and NVRTC, which never
//! calls it. A function of the stub that is called nevertheless ends the program with a message.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Name of the library, in the wheels and for the loader.
pub(super) const NAME: &str = "libLLVM.so.23.1";
/// Bytes of what stands for a table of LLVM's, which nothing reads: more than the largest one.
const TABLE_BYTES: usize = 4096;
const HEAD: &str = "#include <stdlib.h>
#include <unistd.h>
static void absent(void) {
  static const char text[] = \"a function of LLVM was called, which this bundle does not have\\n\";
  if (write(2, text, sizeof text - 1)) abort();
  abort();
}
";

/// Writes a library to `folder` that has every name that `programs` expect of the LLVM in the folder `llvm`.
pub(super) fn build(programs: &[PathBuf], llvm: &Path, folder: &Path) -> Result<PathBuf> {
    let mut wanted = BTreeSet::new();
    for program in programs {
        let listed = names(&["--undefined-only"], program)?;
        wanted.extend(symbols(&listed).map(|(_, name)| name.to_owned()));
    }
    let real = names(&["--defined-only"], &llvm.join(NAME))?;
    let text = source(symbols(&real).filter(|(_, name)| wanted.contains(*name)));
    let file = folder.join("llvm_stub.c");
    fs::write(&file, text).with_context(|| format!("{}: cannot write", file.display()))?;
    let library = folder.join(NAME);
    let soname = format!("-Wl,-soname,{NAME}");
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-shared", "-fPIC", &soname, "-o"]).arg(&library).arg(&file);
    let script = folder.join("llvm_stub.map");
    // Without the version the loader would write a line for every program that starts.
    if let Some(version) = version(&real) {
        fs::write(&script, format!("{version} {{ global: *; }};\n"))
            .with_context(|| format!("{}: cannot write", script.display()))?;
        cc.arg(format!("-Wl,--version-script={}", script.display()));
    }
    workspace::run(&mut cc)?;
    for path in [file, script] {
        if path.exists() {
            fs::remove_file(path)?;
        }
    }
    Ok(library)
}

/// The version that a library gives its symbols, which is the same for all of LLVM's.
fn version(listed: &str) -> Option<&str> {
    listed.lines().find_map(|line| line.trim_end().rsplit_once("@@")).map(|(_, version)| version)
}

/// What `nm` says about the dynamic symbols of a file.
fn names(options: &[&str], path: &Path) -> Result<String> {
    let mut nm = Command::new("nm");
    nm.arg("--dynamic").args(options).arg(path);
    let done = nm.output().context("cannot start nm")?;
    if !done.status.success() {
        bail!("`{}` ended with {}", workspace::describe(&nm), done.status);
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// Kind and name of each symbol, the name without its version.
fn symbols(listed: &str) -> impl Iterator<Item = (char, &str)> {
    listed.lines().filter_map(|line| {
        let (before, name) = line.trim().rsplit_once(' ')?;
        let kind = before.chars().next_back()?;
        Some((kind, name.split('@').next().unwrap_or(name)))
    })
}

/// C with a function for each symbol, or with memory where the symbol is a table.
fn source<'a>(symbols: impl Iterator<Item = (char, &'a str)>) -> String {
    let mut text = HEAD.to_owned();
    for (index, (kind, name)) in symbols.enumerate() {
        let written = if matches!(kind, 'T' | 'W' | 'i') {
            writeln!(text, "void s{index}(void) __asm__(\"{name}\");\nvoid s{index}(void) {{ absent(); }}")
        } else {
            writeln!(text, "char s{index}[{TABLE_BYTES}] __asm__(\"{name}\") = {{0}};")
        };
        written.expect("a string takes text");
    }
    text
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn symbols_lose_their_versions() {
        let listed = "                 U LLVMContextCreate@LLVM_23.1\n0000000000bb T _ZN4llvm3fooEv@@LLVM_23.1\n\
                      0000000000cc V _ZTVN4llvm3barE\n";
        let found: Vec<_> = symbols(listed).collect();
        assert_eq!(found, [('U', "LLVMContextCreate"), ('T', "_ZN4llvm3fooEv"), ('V', "_ZTVN4llvm3barE")]);
        assert_eq!((version(listed), version("00bb T main\n")), (Some("LLVM_23.1"), None));
    }

    /// A program starts with the stub in place of the library, and is told when it needs the library.
    #[test]
    fn programs_start_without_the_library() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let [real, stubs] = ["real", "stubs"].map(|name| folder.path().join(name));
        for path in [&real, &stubs] {
            fs::create_dir(path).expect("a folder");
        }
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("writes");
            path
        };
        let library = write(
            "llvm.c",
            "int table[2] = {1, 2};\nint used(void) { return 3; }\nint other(void) { return 4; }\n",
        );
        let main = "int used(void);\nextern int table[];\nint main(int count, char **words) {\n  (void)words;\n  \
                    return count > 1 ? used() : table[1];\n}\n";
        let (main, program) = (write("main.c", main), folder.path().join("program"));
        let cc = |arguments: &[&str], from: &Path, to: &Path| {
            workspace::run(Command::new("cc").arg(from).args(arguments).arg("-o").arg(to)).expect("compiles");
        };
        let soname = format!("-Wl,-soname,{NAME}");
        let script = write("llvm.map", "LLVM_23.1 { global: *; };\n");
        let script = format!("-Wl,--version-script={}", script.display());
        cc(&["-shared", "-fPIC", &soname, &script], &library, &real.join(NAME));
        let linked = real.join(NAME).display().to_string();
        cc(&["-fPIC", &linked], &main, &program);
        build(std::slice::from_ref(&program), &real, &stubs).expect("builds");
        let run = |libraries: &Path, words: &[&str]| {
            Command::new(&program).args(words).env("LD_LIBRARY_PATH", libraries).output().expect("starts")
        };
        assert_eq!(run(&real, &[]).status.code(), Some(2));
        assert_eq!(run(&real, &["x"]).status.code(), Some(3));
        let started = run(&stubs, &[]);
        assert_eq!(
            (started.status.code(), started.stderr),
            (Some(0), Vec::new()),
            "and the loader is silent"
        );
        let ended = run(&stubs, &["x"]);
        assert!(!ended.status.success());
        assert!(
            String::from_utf8_lossy(&ended.stderr).contains("a function of LLVM was called"),
            "{ended:?}"
        );
    }
}
