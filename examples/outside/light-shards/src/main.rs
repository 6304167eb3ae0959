//! Token shards for training, written and read back.

use std::error::Error;

use wanjuan_data::shard::{Shard, ShardFolder, ShardWriter};

fn main() -> Result<(), Box<dyn Error>> {
    let documents: Vec<Vec<i32>> = (1..50).map(|length| (0..length).collect()).collect();
    let folder = tempfile::tempdir()?;
    let mut writer = ShardWriter::create(folder.path().join("train/en"), "part")?;
    for document in &documents {
        writer.push(document)?;
    }
    let written = writer.finish()?;
    assert_eq!(written.len(), 1);

    let train = ShardFolder::open(folder.path().join("train"))?;
    let files: Vec<_> = train.files().collect();
    assert_eq!(files.len(), 1);
    let shard = Shard::open(files[0].1)?;
    assert_eq!(shard.documents(), documents.len());
    assert_eq!(shard.tokens(), documents.iter().map(|document| document.len() as u64).sum::<u64>());
    for (index, document) in documents.iter().enumerate() {
        assert_eq!(&shard.read(index)?, document);
    }
    Ok(())
}
