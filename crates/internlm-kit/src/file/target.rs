//! What a path means to a writer: where its links lead, and whether it names an open descriptor.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Links that are followed before they count as a circle, as in Linux.
const LINKS: usize = 40;

/// An open descriptor that has a path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Descriptor {
    /// Standard output of this process.
    Stdout,
    /// Standard error of this process.
    Stderr,
    /// Another one, for instance `/dev/fd/3`.
    Other,
}

/// The descriptor that `path` names. The file that a shell opened for it must not be replaced.
pub(super) fn descriptor(path: &Path) -> Option<Descriptor> {
    if path == Path::new("/dev/stdout") {
        return Some(Descriptor::Stdout);
    }
    if path == Path::new("/dev/stderr") {
        return Some(Descriptor::Stderr);
    }
    let (name, folder) = (path.file_name()?.to_str()?, path.parent()?);
    let own = folder == Path::new("/dev/fd") || folder == Path::new("/proc/self/fd");
    match name {
        "1" if own => Some(Descriptor::Stdout),
        "2" if own => Some(Descriptor::Stderr),
        _ if own || (folder.starts_with("/proc") && folder.ends_with("fd")) => Some(Descriptor::Other),
        _ => None,
    }
}

/// Follows all symbolic links of `path`. The last one may name a file that does not exist yet.
pub(super) fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_path_buf();
    for _ in 0..LINKS {
        // The path of a descriptor reads as a link, to `pipe:[4026]` or to the file that is open.
        if descriptor(&target).is_some() {
            return Ok(target);
        }
        // The links of the folders above are followed by the system.
        match fs::read_link(&target) {
            Ok(next) => {
                // Without a slash at its end, after which the system would follow the next link by itself.
                let next: PathBuf = next.components().collect();
                target = target.parent().unwrap_or(Path::new("")).join(next);
            }
            Err(_not_a_link) => return Ok(target),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "found a circle of symbolic links"))
}

/// The folder of `path`; `None` for a bare name.
pub(super) fn parent(path: &Path) -> Option<&Path> {
    path.parent().filter(|parent| !parent.as_os_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_known_by_their_paths() {
        for (path, expected) in [
            ("/dev/stdout", Some(Descriptor::Stdout)),
            ("/proc/self/fd/1", Some(Descriptor::Stdout)),
            ("/dev/stderr", Some(Descriptor::Stderr)),
            ("/dev/fd/2", Some(Descriptor::Stderr)),
            ("/dev/fd/3", Some(Descriptor::Other)),
            ("/proc/12/fd/1", Some(Descriptor::Other)),
            ("/dev/null", None),
            ("fd/1", None),
        ] {
            assert_eq!(descriptor(Path::new(path)), expected, "{path}");
        }
    }
}
