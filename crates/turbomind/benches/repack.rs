//! Source bytes to tiles: one matrix of 1536 x 576 weights per format, on one thread.

use std::borrow::Cow;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use internlm_model::weights::Encoding;
use turbomind::internals::int4::{self, Int4Parts, Int4Row, Int4Source, Packing, tile_format};
use turbomind::internals::{SourceRows, TileFormat, repack};

const OUTPUTS: usize = 1536;

fn blocks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("repack");
    for encoding in [
        Encoding::F32,
        Encoding::F16,
        Encoding::Bf16,
        Encoding::Q4_0,
        Encoding::Q4_1,
        Encoding::Q5_0,
        Encoding::Q5_1,
        Encoding::Q8_0,
        Encoding::Q4K,
        Encoding::Q5K,
        Encoding::Q6K,
    ] {
        let inputs = if encoding.block().0 == 256 { 512 } else { 576 };
        let row_bytes = encoding.byte_length(&[inputs]).expect("whole blocks");
        // No byte has all bits of an exponent set, so every scale is finite.
        let bytes: Vec<u8> = (0..OUTPUTS * row_bytes).map(|index| (index * 37 % 251) as u8 & 0x3f).collect();
        let source = SourceRows { encoding, rows: bytes.chunks_exact(row_bytes).collect(), inputs };
        let format = TileFormat::of(encoding).expect("it has tiles");
        let mut out = vec![0; format.matrix_bytes(OUTPUTS, inputs)];
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format.name(), |bencher| {
            bencher.iter(|| repack(black_box(&source), &mut out).expect("finite"));
        });
    }
    group.finish();
}

fn int4(criterion: &mut Criterion) {
    let (inputs, size) = (1024, 128);
    let mut group = criterion.benchmark_group("repack_int4");
    for packing in [Packing::Awq, Packing::GptqV2, Packing::CompressedTensors] {
        let words = OUTPUTS * inputs / 8;
        let parts = Int4Parts {
            packing,
            outputs: OUTPUTS,
            inputs,
            group: size,
            weights: Cow::Owned((0..4 * words).map(|index| (index * 37 % 251) as u8).collect()),
            zeros: Some(Cow::Owned(vec![0x79; OUTPUTS / 8 * (inputs / size) * 4])),
            scales: Cow::Owned(vec![0x15; OUTPUTS * (inputs / size) * 2]),
            scale_encoding: Encoding::F16,
            input_groups: None,
        };
        let source = Int4Source::new(parts).expect("it fits");
        let rows: Vec<Int4Row<'_>> = (0..OUTPUTS).map(|row| Int4Row { source: &source, row }).collect();
        let mut out = vec![0; tile_format(&source).matrix_bytes(OUTPUTS, inputs)];
        group.throughput(Throughput::Bytes(4 * words as u64));
        group.bench_function(format!("{packing:?}"), |bencher| {
            bencher.iter(|| int4::repack(black_box(&rows), &mut out).expect("finite"));
        });
    }
    group.finish();
}

criterion_group!(benches, blocks, int4);
criterion_main!(benches);
