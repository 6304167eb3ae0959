//! Token shards in InternEvo's format: `X.bin` (one JSON line per document) and `X.bin.meta` (a NumPy
//! array of byte offset and token count per document).
//!
//! A line is exactly Python's `json.dumps({"tokens": [...]})` and a newline; the array is `.npy` 1.0,
//! `<i4`, C order, shape (documents, 2). A negative id means "no loss on this token". Follows
//! `tools/tokenizer.py` and `internlm/data/tokenized` of InternLM/InternEvo@c628a8c.
//!
//! ```
//! use wanjuan_data::shard::{Shard, ShardFolder, ShardWriter};
//!
//! let folder = tempfile::tempdir()?;
//! let mut writer = ShardWriter::create(folder.path().join("en"), "part")?;
//! writer.push(&[1, 5, 6, 2])?;
//! writer.finish()?;
//!
//! let shards = ShardFolder::open(folder.path())?;
//! let shard = Shard::open(&shards.types()[0].files[0])?;
//! assert_eq!((shard.documents(), shard.read(0)?), (1, vec![1, 5, 6, 2]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod folder;
mod npy;
mod reader;
mod writer;

pub use folder::{ShardFolder, ShardType};
pub use reader::Shard;
pub use writer::{ShardWriter, WrittenShard};
