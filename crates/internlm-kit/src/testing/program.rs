//! [`Program`]: a binary as a user runs it.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A binary and the folder it runs in.
///
/// ```
/// use internlm_kit::testing::Program;
///
/// let ran = Program::new("cat", ".").with_input("abc").run(["-"]);
/// assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "abc"));
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    folder: PathBuf,
    input: Vec<u8>,
    environment: Vec<(String, String)>,
}

/// What a program did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ran {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

/// One row of a table of bad inputs.
#[derive(Clone, Copy, Debug)]
pub struct BadInputCase<'a> {
    /// Command line after the program's name.
    pub arguments: &'a [&'a str],
    /// The exit code that is expected.
    pub code: i32,
    /// Parts of the message on stderr: file, place, found, expected.
    pub parts: &'a [&'a str],
}

/// The names in the section `Commands:` of a help text; its other lines are indented deeper.
fn listed_commands(help: &str) -> Vec<String> {
    let section = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = section.take_while(|line| !line.is_empty()).filter_map(|line| {
        let name =
            line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?.split_whitespace().next()?;
        (name != "help").then(|| name.to_owned())
    });
    names.collect()
}

/// The verbs that begin no case.
fn without_case<'a>(verbs: &'a [Vec<String>], cases: &[&[&str]]) -> Vec<&'a [String]> {
    let runs = |case: &[&str], verb: &[String]| {
        case.len() >= verb.len() && case.iter().zip(verb).all(|(word, of_verb)| word == of_verb)
    };
    verbs.iter().map(Vec::as_slice).filter(|verb| !cases.iter().any(|case| runs(case, verb))).collect()
}

impl Program {
    /// `path` is usually `env!("CARGO_BIN_EXE_name")`.
    #[must_use]
    pub fn new(path: impl AsRef<Path>, folder: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_path_buf(),
            folder: folder.as_ref().to_path_buf(),
            input: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// The same with `input` on standard input; default: empty.
    #[must_use]
    pub fn with_input(self, input: impl AsRef<[u8]>) -> Self {
        Self { input: input.as_ref().to_vec(), ..self }
    }

    /// The same with one more environment variable.
    #[must_use]
    pub fn with_environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder it runs in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When the program cannot be started or prints what is not UTF-8.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ran {
        self.run_into(arguments, Stdio::piped())
    }

    /// Runs it with a standard output that nobody reads, as in `program | true`.
    ///
    /// # Panics
    /// As [`Program::run`].
    pub fn run_with_closed_output<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ran {
        let (reader, writer) = io::pipe().expect("the system makes pipes");
        drop(reader);
        self.run_into(arguments, writer.into())
    }

    fn run_into<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, stdout: Stdio) -> Ran {
        let mut child = Command::new(&self.path)
            .args(arguments)
            .current_dir(&self.folder)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: cannot start: {error}", self.path.display()));
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        // Written while the output is read, so that neither pipe can fill up and block both.
        let input = self.input.clone();
        let writer = std::thread::spawn(move || {
            // A program that fails early does not read its input.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().expect("the program ends");
        writer.join().expect("writing does not panic");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program prints UTF-8");
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs every case and checks its exit code, that stderr starts with `error: `, and the parts of the message.
    ///
    /// # Panics
    /// When a case is not as expected.
    pub fn check_bad_input(&self, cases: &[BadInputCase<'_>]) {
        for case in cases {
            let ran = self.run(case.arguments);
            let place = format!("{:?}: {ran:?}", case.arguments);
            assert_eq!(ran.code, Some(case.code), "{place}");
            assert!(ran.stderr.starts_with("error: "), "{place}");
            for part in case.parts {
                assert!(ran.stderr.contains(part), "`{part}` is missing: {place}");
            }
        }
    }

    /// Checks that a reader which leaves at once ends the verb quietly: no panic, nothing said on stderr, code 0 or
    /// 141.
    ///
    /// # Panics
    /// When it does not.
    pub fn check_closed_output<A: AsRef<OsStr> + Debug>(&self, arguments: &[A]) {
        let ran = self.clone().with_environment("INTERNLM_LOG", "off").run_with_closed_output(arguments);
        assert!(matches!(ran.code, Some(0 | 141)), "{arguments:?}: {ran:?}");
        assert_eq!(ran.stderr, "", "{arguments:?}");
    }

    /// Checks every case, in this order, as [`Program::check_closed_output`] does, and the help of every verb. Each
    /// verb that `--help` lists must begin at least one case.
    ///
    /// # Panics
    /// When a verb is missing or a case is not quiet.
    pub fn check_closed_output_of_every_verb(&self, cases: &[&[&str]]) {
        self.check_closed_output(&["--help"]);
        let verbs = self.verbs();
        assert_eq!(without_case(&verbs, cases), [[""; 0]; 0], "verbs without a case");
        for verb in verbs {
            self.check_closed_output(&[&verb[..], &["--help".to_owned()]].concat());
        }
        for case in cases {
            self.check_closed_output(case);
        }
    }

    /// The verbs that `--help` lists, each as the words of its command line. A verb that only groups others is not
    /// among them.
    ///
    /// # Panics
    /// As [`Program::run`].
    #[must_use]
    pub fn verbs(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        let mut open = vec![Vec::new()];
        while let Some(path) = open.pop() {
            let help = self.run(path.iter().map(String::as_str).chain(["--help"])).stdout;
            let below = listed_commands(&help);
            if below.is_empty() && !path.is_empty() {
                found.push(path);
                continue;
            }
            open.extend(below.into_iter().map(|name| [&path[..], &[name]].concat()));
        }
        found.sort();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_from_their_section() {
        let help = "Do things\n\nUsage: x [OPTIONS] <COMMAND>\n\nCommands:\n  run        Run it\n  warc       Read\n\
                    \x20            records\n  help       Print\n\nOptions:\n  -h, --help\n";
        assert_eq!(listed_commands(help), ["run", "warc"]);
        assert_eq!(listed_commands("Options:\n  -h\n"), [""; 0]);
    }

    #[test]
    fn a_program_runs_with_its_input_its_environment_and_its_folder() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let sh = Program::new("sh", folder.path()).with_input("in").with_environment("GREETING", "hello");
        let ran = sh.run(["-c", "cat; echo $GREETING >&2; echo x > made; exit 3"]);
        let expected = Ran { code: Some(3), stdout: "in".to_owned(), stderr: "hello\n".to_owned() };
        assert_eq!(ran, expected);
        assert!(folder.path().join("made").is_file());
        assert_eq!(sh.run(["-c", "kill -9 $$"]).code, None);
    }

    #[test]
    #[should_panic(expected = "`line 2` is missing")]
    fn a_message_without_its_place_is_found() {
        let arguments = &["-c", "echo 'error: a.toml: line 1' >&2; exit 2"][..];
        let complete = BadInputCase { arguments, code: 2, parts: &["a.toml", "line 1"] };
        let sh = Program::new("sh", ".");
        sh.check_bad_input(&[complete]);
        sh.check_bad_input(&[BadInputCase { parts: &["line 2"], ..complete }]);
    }

    #[test]
    fn verbs_without_a_case_are_found() {
        let verbs = [
            vec!["a".to_owned()],
            vec!["b".to_owned(), "c".to_owned()],
            vec!["b".to_owned(), "d".to_owned()],
        ];
        assert_eq!(without_case(&verbs, &[&["a", "x"], &["b", "c"]]), [["b", "d"]]);
        assert_eq!(without_case(&verbs, &[&["b"], &["c"]]).len(), 3);
    }
}
