//! Small generated inputs: shards, a tokenizer, a config.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use internlm_kit::rng::CounterRng;
use wanjuan_data::shard::ShardWriter;

/// Vocabulary of the fixture's model.
pub(crate) const VOCAB: u64 = 64;

/// A temporary folder with `shards/{train,valid}` and `train.toml`.
pub(crate) struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let fixture = Self { folder: tempfile::tempdir().expect("temporary folder") };
        write_shards(&fixture.path("shards/train"), 40, VOCAB);
        write_shards(&fixture.path("shards/valid"), 4, VOCAB);
        fixture.write_config("");
        fixture
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `train.toml` with `extra` lines at the top of `[data]`.
    pub(crate) fn write_config(&self, extra: &str) {
        let text = format!(
            "[run]\nout = \"run\"\n\n\
             [model]\nhidden = 32\nlayers = 2\nheads = 2\nkv-heads = 1\ninter = 64\nvocab = {VOCAB}\n\n\
             [data]\n{extra}\ntrain = \"shards/train\"\nvalid = \"shards/valid\"\nseq-len = 32\n\n\
             [optim]\nlr = 3e-3\n\n\
             [schedule]\nsteps = 60\nwarmup-ratio = 0.1\n\n\
             [checkpoint]\nevery = 5\n\n\
             [monitor]\nvalid-every = 20\n"
        );
        fs::write(self.path("train.toml"), text).expect("writes the config");
    }

    /// The binary, in the fixture's folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_internlm-train"));
        command.current_dir(self.folder.path()).args(arguments).env("INTERNLM_LOG", "warn");
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary starts")
    }

    /// sha256 of a file.
    pub(crate) fn hash(&self, name: &str) -> String {
        internlm_kit::hash::sha256_file(self.path(name)).expect("the file can be read")
    }
}

/// Documents with a learnable rule: each id follows from the one before, with some noise.
pub(crate) fn write_shards(dir: &Path, documents: u64, vocab: u64) {
    let rng = CounterRng::new(7, "documents");
    let mut writer = ShardWriter::create(dir.join("en"), "part").expect("creates the shard");
    for document in 0..documents {
        let rng = rng.split(document);
        let mut tokens = vec![1];
        for place in 0..20 + rng.below(0, 60) {
            let last = tokens[place as usize] as u64;
            let noise = rng.below(1 + place, 10);
            let next =
                if noise == 0 { rng.below(1000 + place, vocab - 3) } else { (last * 5 + 7) % (vocab - 3) };
            tokens.push(next as i32 + 3);
        }
        tokens.push(2);
        writer.push(&tokens).expect("writes a document");
    }
    writer.finish().expect("finishes the shard");
}

/// What the binary said on stderr.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
