//! [`ShardWriter`]: writes documents into `.bin` files that roll over before InternEvo's `i32` offsets do.

use std::io::Write;
use std::path::{Path, PathBuf};

use internlm_kit::file::{self, AtPath, AtomicFile};

use super::npy;
use crate::Result;

/// Maximum size of a `.bin`: 1 GiB, half of what the `i32` offsets of the `.meta` can address.
const ROLL_BYTES: u64 = 1 << 30;

/// Writes `STEM-00000.bin`, `STEM-00001.bin`, ... with their `.meta`; each appears only when complete.
#[derive(Debug)]
pub struct ShardWriter {
    dir: PathBuf,
    stem: String,
    roll_bytes: u64,
    open: Option<OpenShard>,
    written: Vec<WrittenShard>,
}

#[derive(Debug)]
struct OpenShard {
    path: PathBuf,
    file: AtomicFile,
    bytes: u64,
    rows: Vec<npy::Row>,
}

/// One finished shard, complete on disk.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrittenShard {
    /// The `.bin`; its `.meta` has the same name with `.meta` appended.
    pub path: PathBuf,
    /// Number of documents in the file.
    pub documents: u64,
    /// Number of tokens in the file.
    pub tokens: u64,
    /// Size of the `.bin` in bytes.
    pub bytes: u64,
}

impl WrittenShard {
    /// The `.meta` that goes with the `.bin`.
    #[must_use]
    pub fn meta_path(&self) -> PathBuf {
        npy::meta_path(&self.path)
    }
}

impl ShardWriter {
    /// A writer into `dir` (created when the first document arrives).
    ///
    /// # Errors
    /// Reserved: nothing is written before the first [`ShardWriter::push`], which reports writing errors.
    pub fn create(dir: impl AsRef<Path>, stem: &str) -> Result<Self> {
        let (dir, stem) = (dir.as_ref().to_path_buf(), stem.to_owned());
        Ok(Self { dir, stem, roll_bytes: ROLL_BYTES, open: None, written: Vec::new() })
    }

    /// Sets the maximum size of a `.bin` in bytes; default and upper limit 1 GiB.
    #[must_use]
    pub fn roll_at(mut self, bytes: u64) -> Self {
        self.roll_bytes = bytes.min(ROLL_BYTES);
        self
    }

    /// Appends one document (with its begin and end tokens, if it has them).
    ///
    /// # Errors
    /// Any I/O error of writing.
    pub fn push(&mut self, tokens: &[i32]) -> Result<()> {
        let line = line(tokens);
        let full = |open: &OpenShard| open.bytes + line.len() as u64 > self.roll_bytes;
        if self.open.as_ref().is_some_and(full) {
            self.close()?;
        }
        if self.open.is_none() {
            let path = self.dir.join(format!("{}-{:05}.bin", self.stem, self.written.len()));
            let file = AtomicFile::create(&path)?;
            self.open = Some(OpenShard { path, file, bytes: 0, rows: Vec::new() });
        }
        let open = self.open.as_mut().expect("a shard was opened above");
        open.file.write_all(line.as_bytes()).at(&open.path, "write")?;
        open.rows.push(npy::Row { offset: open.bytes as u32, tokens: tokens.len() as u32 });
        open.bytes += line.len() as u64;
        Ok(())
    }

    /// Completes the last shard. No documents, no file: InternEvo's loader cannot read an empty shard.
    ///
    /// # Errors
    /// Any I/O error of writing.
    pub fn finish(mut self) -> Result<Vec<WrittenShard>> {
        self.close()?;
        Ok(self.written)
    }

    fn close(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let meta_path = npy::meta_path(&open.path);
        // The .meta first: whoever sees the .bin then finds its .meta.
        file::write(&meta_path, npy::encode(&open.rows))?;
        open.file.commit()?;
        self.written.push(WrittenShard {
            path: open.path,
            documents: open.rows.len() as u64,
            tokens: open.rows.iter().map(|row| u64::from(row.tokens)).sum(),
            bytes: open.bytes,
        });
        Ok(())
    }
}

/// Python's `json.dumps({"tokens": tokens})` and a newline.
fn line(tokens: &[i32]) -> String {
    let mut line = String::with_capacity(16 + tokens.len() * 6);
    line.push_str("{\"tokens\": [");
    for (index, token) in tokens.iter().enumerate() {
        if index > 0 {
            line.push_str(", ");
        }
        line.push_str(&token.to_string());
    }
    line.push_str("]}\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::{Shard, ShardFolder};

    #[test]
    fn bin_and_meta_are_internevos_byte_for_byte() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut writer = ShardWriter::create(folder.path(), "x").expect("creates");
        writer.push(&[1, 5, 6, 2]).expect("writes");
        writer.push(&[1, 7, 2]).expect("writes");
        let written = writer.finish().expect("finishes");
        assert_eq!((written.len(), written[0].documents, written[0].tokens), (1, 2, 7));
        let hash = |name: &str| internlm_kit::hash::sha256_file(folder.path().join(name)).expect("hashes");
        assert_eq!(hash("x-00000.bin"), "119d4870517270157b668f8cb71317fbe60d9397f35bf967f2bd82410502ffb1");
        assert_eq!(
            hash("x-00000.bin.meta"),
            "cfde18cf0411621854b92dad3ca0d847e6a6038e4a8567e8a99d4e8c83e667ee"
        );
    }

    #[test]
    fn shards_roll_and_read_back_in_order() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let documents: Vec<Vec<i32>> = (0..40).map(|n| (0..n).map(|id| id * 7 - 3).collect()).collect();
        let mut writer = ShardWriter::create(folder.path().join("en"), "x").expect("creates").roll_at(500);
        for document in &documents {
            writer.push(document).expect("writes");
        }
        assert!(writer.finish().expect("finishes").len() > 5);
        let shards = ShardFolder::open(folder.path()).expect("opens");
        let mut read = Vec::new();
        for (kind, file) in shards.files() {
            assert_eq!(kind, 0);
            let shard = Shard::open(file).expect("opens");
            read.extend((0..shard.documents()).map(|index| shard.read(index).expect("reads")));
        }
        assert_eq!(read, documents);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
        #[test]
        fn any_documents_read_back_from_shards_of_any_size(
            documents in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<i32>(), 0..9), 1..12),
            roll_bytes in 1_u64..400,
        ) {
            let folder = tempfile::tempdir().expect("temporary folder");
            let dir = folder.path().join("zh");
            let mut writer = ShardWriter::create(&dir, "x").expect("creates").roll_at(roll_bytes);
            for document in &documents {
                writer.push(document).expect("writes");
            }
            let written = writer.finish().expect("finishes");
            let mut read = Vec::new();
            for shard in &written {
                proptest::prop_assert!(shard.bytes <= roll_bytes || shard.documents == 1);
                let open = Shard::open(&shard.path).expect("opens");
                proptest::prop_assert_eq!((open.documents() as u64, open.tokens()), (shard.documents, shard.tokens));
                for index in 0..open.documents() {
                    let tokens = open.read(index).expect("reads");
                    proptest::prop_assert_eq!(open.token_count(index), tokens.len());
                    read.push(tokens);
                }
            }
            proptest::prop_assert_eq!(read, documents);
            let listed = ShardFolder::open(folder.path()).expect("opens");
            let files: Vec<_> = listed.files().map(|(_, file)| file.to_path_buf()).collect();
            proptest::prop_assert_eq!(files, written.into_iter().map(|shard| shard.path).collect::<Vec<_>>());
        }
    }

    /// A file that was cut anywhere is refused or gives the right tokens; it never gives wrong ones.
    #[test]
    fn cut_files_never_give_wrong_tokens() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut writer = ShardWriter::create(folder.path(), "x").expect("creates");
        let documents = [vec![1, 50, 600, 2], vec![], vec![-3, 7]];
        documents.iter().for_each(|document| writer.push(document).expect("writes"));
        let written = writer.finish().expect("finishes").remove(0);
        for (path, whole) in [&written.path, &written.meta_path()]
            .map(|path| (path.clone(), std::fs::read(path).expect("reads")))
        {
            for cut in 0..whole.len() {
                std::fs::write(&path, &whole[..cut]).expect("writes");
                let Ok(shard) = Shard::open(&written.path) else { continue };
                for (index, document) in documents.iter().enumerate().take(shard.documents()) {
                    if let Ok(tokens) = shard.read(index) {
                        assert_eq!(&tokens, document, "{} cut at byte {cut}", path.display());
                    }
                }
            }
            std::fs::write(&path, whole).expect("writes");
        }
    }

    #[test]
    fn nothing_pushed_writes_nothing() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let writer = ShardWriter::create(folder.path(), "x").expect("creates");
        assert_eq!(writer.finish().expect("finishes"), []);
        assert_eq!(std::fs::read_dir(folder.path()).expect("lists").count(), 0);
    }
}
