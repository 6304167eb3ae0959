//! The contract of exit codes, tried on a binary: the same inputs for every binary of the workspace.

use std::fs;

use super::Program;

/// What stands for the input in the command lines of [`Program::check_exit_codes`].
const INPUT: &str = "{in}";
/// What stands for the output.
const OUTPUT: &str = "{out}";

/// Inputs that no reader takes: name and content.
const BAD_FILES: [(&str, &[u8]); 3] =
    [("empty", b""), ("noise", &[0xff, 0x00, 0xfe, b'\n', 0x80]), ("words", b"not what it should be\n")];

impl Program {
    /// Checks the table of [`exit`](crate::exit) on this binary.
    ///
    /// | command line | code |
    /// |---|---|
    /// | `--help`, `--version`, `VERB --help` | 0 |
    /// | no verb and no flag that exists | 2 |
    /// | `{in}` of `reads` is missing, a folder without files, empty, noise, or words | 2, and the message names it |
    /// | `{out}` of `writes` is below a file | 2, and the message names it |
    /// | `{out}` of `writes` is a full device | 1 |
    ///
    /// Command lines are split at spaces. `writes` must be lines that succeed with a good output; their inputs are in
    /// the program's folder.
    ///
    /// # Panics
    /// When a code is another one, and when the files cannot be made in the program's folder.
    pub fn check_exit_codes(&self, reads: &[&str], writes: &[&str]) {
        for (name, bytes) in BAD_FILES {
            fs::write(self.folder().join(name), bytes).expect("the program's folder can be written to");
        }
        fs::create_dir_all(self.folder().join("nothing-in-it"))
            .expect("the program's folder can be written to");
        let verbs = reads.iter().chain(writes).map(|line| line.split(' ').next().unwrap_or_default());
        let helps = verbs.filter(|verb| !verb.starts_with(['-', '{'])).map(|verb| format!("{verb} --help"));
        for line in ["--help".to_owned(), "--version".to_owned()].into_iter().chain(helps) {
            self.check_code(&line, 0, "");
        }
        self.check_code("--no-such-flag", 2, "no-such-flag");
        let names = BAD_FILES.iter().map(|(name, _)| *name).chain(["missing", "nothing-in-it"]);
        for name in names {
            for line in reads {
                self.check_code(&line.replace(INPUT, name), 2, name);
            }
        }
        for line in writes {
            self.check_code(&line.replace(OUTPUT, "words/below-a-file"), 2, "words/below-a-file");
            self.check_code(&line.replace(OUTPUT, "/dev/full"), 1, "/dev/full");
        }
    }

    fn check_code(&self, line: &str, code: i32, part: &str) {
        let ran = self.run(line.split(' '));
        assert_eq!(ran.code, Some(code), "`{line}`: {ran:?}");
        assert!(ran.stderr.contains(part), "`{part}` is missing in the message of `{line}`: {ran:?}");
    }
}
