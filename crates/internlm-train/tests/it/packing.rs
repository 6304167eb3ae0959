//! Packing of shards: every token once, labels across cuts, borders at documents.

use internlm_model::TokenId;
use internlm_train::batch::{CutPacker, PackShape, ShardRows, ShardRowsConfig};
use internlm_train::{Row, RowSource};
use wanjuan_data::shard::ShardWriter;

fn shards(documents: &[&[i32]]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut writer = ShardWriter::create(folder.path().join("en"), "part").expect("creates");
    for document in documents {
        writer.push(document).expect("writes");
    }
    writer.finish().expect("finishes");
    folder
}

fn all_rows(folder: &tempfile::TempDir, shape: PackShape) -> Vec<Row> {
    let mut packer = CutPacker::open(folder.path(), shape, 100, 1).expect("opens");
    (0..packer.rows()).map(|row| packer.row(row).expect("reads")).collect()
}

#[test]
fn one_document_is_cut_with_labels_across_the_cut() {
    let folder = shards(&[&[1, 10, 11, 12, 13, 14, 2]]);
    let rows = all_rows(&folder, PackShape { packed_length: 3, seq_len: 3, min_length: 0 });
    let label = |id| Some(TokenId(id));
    assert_eq!(rows.len(), 2, "the tail of one token is dropped");
    assert_eq!(rows[0].ids, [1, 10, 11].map(TokenId));
    assert_eq!(rows[0].labels, [label(10), label(11), label(12)]);
    assert_eq!(rows[1].labels, [label(13), label(14), label(2)]);
}

#[test]
fn borders_are_at_documents_and_every_seq_len() {
    let folder = shards(&[&[1, 10, 11, 12, 2], &[1, 20, 2]]);
    let rows = all_rows(&folder, PackShape { packed_length: 8, seq_len: 2, min_length: 0 });
    let row = &rows[0];
    let first = if row.ids[1] == TokenId(10) { [0, 2, 4, 5, 7, 8] } else { [0, 2, 3, 5, 7, 8] };
    assert_eq!(row.cu_seqlens, first);
    let without: Vec<TokenId> =
        row.ids.iter().zip(&row.labels).filter(|(_, label)| label.is_none()).map(|(id, _)| *id).collect();
    assert_eq!(without, [TokenId(2), TokenId(2)], "only the last token of a document has no label");
}

#[test]
fn a_negative_id_is_an_input_but_no_label() {
    let folder = shards(&[&[1, -10, 11, 0, 2]]);
    let rows = all_rows(&folder, PackShape { packed_length: 5, seq_len: 5, min_length: 0 });
    assert_eq!(rows[0].ids, [1, 10, 11, 0, 2].map(TokenId));
    assert_eq!(rows[0].labels, [None, Some(TokenId(11)), Some(TokenId(0)), Some(TokenId(2)), None]);
}

#[test]
fn an_epoch_holds_every_row_once_and_steps_are_pure() {
    let documents: Vec<Vec<i32>> =
        (0..30).map(|d| (0..7 + d % 5).map(|t| (d * 3 + t) % 90).collect()).collect();
    let folder = shards(&documents.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let config = ShardRowsConfig::new(folder.path(), 8, 100).with_micro_num(3).with_seed(5);
    let mut source = ShardRows::open(&config).expect("opens");
    let rows = source.packer().rows();
    let mut epoch: Vec<Row> = (0..rows as u64).flat_map(|step| source.batch(step).expect("reads")).collect();
    assert_eq!((epoch.len(), source.epoch(rows as u64)), (3 * rows, 3.0));
    let again = ShardRows::open(&config).expect("opens").batch(4).expect("reads");
    assert_eq!(again, epoch[12..15]);
    let key = |row: &Row| (row.ids.clone(), row.cu_seqlens.clone());
    let mut first: Vec<_> = epoch.drain(..rows).map(|row| key(&row)).collect();
    let shape = PackShape { packed_length: 8, seq_len: 8, min_length: 0 };
    let mut packer = CutPacker::open(folder.path(), shape, 100, 5).expect("opens");
    let mut all: Vec<_> = (0..rows).map(|row| key(&packer.row(row).expect("reads"))).collect();
    first.sort();
    all.sort();
    assert_eq!(first, all);
}
