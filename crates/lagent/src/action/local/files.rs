//! The files of one session: where tools find their input and keep their results.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use internlm_kit::file;

use super::failure::Failure;

/// Maximum size of an input file, bytes.
const LIMIT: u64 = 64 << 20;

/// The folder of a session, and the folders that every session may read.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    readable: Vec<PathBuf>,
}

impl Files {
    /// The files of a session. Each named session has a folder of its own below `folder`.
    pub(crate) fn of(folder: &Path, session: &str, readable: &[PathBuf]) -> Self {
        let folder = if session.is_empty() { folder.to_path_buf() } else { folder.join(encoded(session)) };
        Self { folder, readable: readable.to_vec() }
    }

    /// The folder, which may not exist yet.
    pub(in crate::action) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The real path of an existing file or folder that the tools may read.
    ///
    /// A path is relative to the session's folder, or as an earlier result named it. Links are followed before
    /// the check, so that none leads outside.
    pub(in crate::action) fn find(&self, parameter: &str, path: &str) -> Result<PathBuf, Failure> {
        let inside = |path: PathBuf| {
            let roots = self.readable.iter().chain([&self.folder]);
            let mut roots = roots.filter_map(|root| root.canonicalize().ok());
            roots.any(|root| path.starts_with(root)).then_some(path)
        };
        let candidates = [self.folder.join(path), PathBuf::from(path)];
        let found = candidates.iter().filter_map(|path| path.canonicalize().ok()).find_map(inside);
        // The same words whether there is such a file elsewhere or not, which is nobody's business.
        found.ok_or_else(|| {
            let expected = "expected a file in the folder of the tools";
            Failure::arguments(format!("{parameter}: found no file `{path}`, {expected}"))
        })
    }

    /// The content of a file.
    pub(crate) fn read(&self, parameter: &str, path: &str) -> Result<Vec<u8>, Failure> {
        let found = self.find(parameter, path)?;
        let metadata = fs::metadata(&found).ok().filter(fs::Metadata::is_file);
        let Some(size) = metadata.map(|metadata| metadata.len()) else {
            return Err(Failure::arguments(format!(
                "{parameter}: found a folder at `{path}`, expected a file"
            )));
        };
        if size > LIMIT {
            let message = format!("{parameter}: found {size} bytes in `{path}`, expected at most {LIMIT}");
            return Err(Failure::arguments(message));
        }
        file::read(&found).map_err(|error| Failure::tool(error.to_string()))
    }

    /// Writes a result to a new file `stem-N.extension`. A file that exists is never replaced.
    pub(crate) fn save(&self, stem: &str, extension: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
        self.write_new(stem, extension, bytes).map_err(|error| {
            Failure::tool(format!("{}: cannot write a file: {error}", self.folder.display()))
        })
    }

    fn write_new(&self, stem: &str, extension: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.folder)?;
        let mut temporary = tempfile::Builder::new().prefix(".lagent-").tempfile_in(&self.folder)?;
        temporary.write_all(bytes)?;
        temporary.as_file().sync_all()?;
        for number in 1_u64.. {
            let path = self.folder.join(format!("{stem}-{number}.{extension}"));
            temporary = match temporary.persist_noclobber(&path) {
                Ok(_) => return Ok(path),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => error.file,
                Err(error) => return Err(error.error),
            };
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// The last part of a path in lower case, if it can be the end of a file name.
pub(in crate::action) fn extension(path: &str) -> Option<String> {
    let extension = Path::new(path).extension()?.to_str()?.to_ascii_lowercase();
    let is_plain = extension.len() <= 8 && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_plain && !extension.is_empty()).then_some(extension)
}

/// A session as the name of a folder: everything but letters, digits, `-` and `_` in percent notation.
fn encoded(session: &str) -> String {
    let mut name = String::new();
    for byte in session.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_get_fresh_names_and_are_found_again() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let files = Files::of(&folder.path().join("files"), "", &[]);
        let first = files.save("plot", "png", b"1").expect("writes");
        let second = files.save("plot", "png", b"2").expect("writes");
        assert!(first.ends_with("plot-1.png") && second.ends_with("plot-2.png"));
        assert_eq!(files.read("image", "plot-1.png"), Ok(b"1".to_vec()));
        assert_eq!(files.read("image", &second.display().to_string()), Ok(b"2".to_vec()));
    }

    #[test]
    fn nothing_outside_is_read() {
        let outer = tempfile::tempdir().expect("temporary folder");
        std::fs::write(outer.path().join("secret"), "s").expect("writes");
        let [one, two] = ["a/../b", "c"].map(|session| Files::of(&outer.path().join("files"), session, &[]));
        one.save("x", "txt", b"1").expect("writes");
        std::os::unix::fs::symlink(outer.path().join("secret"), one.folder().join("link")).expect("links");
        let secret = outer.path().join("secret").display().to_string();
        for path in ["../../secret", "link", "../c", secret.as_str()] {
            let failure = one.read("path", path).expect_err(path);
            assert_eq!(failure.state, crate::action::ActionState::ArgsError);
        }
        assert!(two.read("path", "x-1.txt").is_err());
        let open = Files::of(&outer.path().join("files"), "c", &[outer.path().to_path_buf()]);
        assert_eq!(open.read("path", &secret), Ok(b"s".to_vec()));
    }

    #[test]
    fn names_cannot_leave_their_folder() {
        assert_eq!(encoded("../ä"), "%2E%2E%2F%C3%A4");
        assert_eq!(extension("a/b.PNG"), Some("png".to_owned()));
        assert_eq!(extension("b.p g"), None);
    }
}
