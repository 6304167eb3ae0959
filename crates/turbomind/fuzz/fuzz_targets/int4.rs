//! Fuzzes the tiles of packed 4-bit matrices: (packing, sizes, which parts are there, data).
#![no_main]

use std::borrow::Cow;

use internlm_model::weights::Encoding;
use libfuzzer_sys::fuzz_target;
use turbomind::internals::int4::{Int4Parts, Int4Row, Int4Source, Packing, repack, tile_format};
use turbomind::internals::{GROUP, scalar};

const PACKINGS: [Packing; 4] = [Packing::Awq, Packing::Gptq, Packing::GptqV2, Packing::CompressedTensors];
const SCALES: [(Encoding, usize); 4] =
    [(Encoding::F16, 2), (Encoding::Bf16, 2), (Encoding::F32, 4), (Encoding::I8, 1)];

fuzz_target!(|bytes: &[u8]| {
    let Some(([kind, outputs, blocks, group, parts, cut], data)) = bytes.split_first_chunk::<6>() else {
        return;
    };
    let packing = PACKINGS[usize::from(*kind) % 4];
    let (scale_encoding, scale_bytes) = SCALES[usize::from(kind / 4) % 4];
    let outputs = usize::from(*outputs) % 41;
    let inputs = usize::from(*blocks) % 17 * 32;
    let group = usize::from(*group) % 17 * 32 + usize::from(parts / 64 == 3);
    let groups = inputs / group.max(1);
    // The data, over and over, fills parts of the right length but for one that `cut` may name.
    let mut stream = data.iter().copied().cycle();
    let mut part = |number: u8, length: usize| {
        let length = if *cut == number { length.saturating_sub(1) } else { length };
        Cow::Owned(stream.by_ref().take(length).collect::<Vec<u8>>())
    };
    let weights = part(1, outputs * inputs / 2);
    let zeros = (parts & 1 == 1).then(|| part(2, outputs.div_ceil(8) * groups * 4));
    let scales = part(3, outputs * groups * scale_bytes);
    let raw = (parts & 2 == 2).then(|| part(4, inputs * 4));
    // Half of the time a permutation: input k belongs to the group of k times an odd number.
    let factor = usize::from(*cut) | 1;
    let mixed = |k: usize| (k * factor % inputs / group.max(1)) as u32;
    let permutation = || Cow::Owned((0..inputs).flat_map(|k| mixed(k).to_le_bytes()).collect());
    let input_groups = if parts & 4 == 4 { raw.map(|_| permutation()) } else { raw };
    let parts =
        Int4Parts { packing, outputs, inputs, group, weights, zeros, scales, scale_encoding, input_groups };
    let Ok(source) = Int4Source::new(parts) else { return };
    let rows: Vec<Int4Row<'_>> =
        data.iter().take(40).map(|row| Int4Row { source: &source, row: usize::from(*row) % 42 }).collect();
    let mut tiles = vec![0; tile_format(&source).matrix_bytes(rows.len(), inputs)];
    let result = repack(&rows, &mut tiles);
    let there = !rows.is_empty() && rows.iter().all(|row| row.row < outputs);
    assert!(there || result.is_err(), "a row that is not there was taken");
    if result.is_ok() {
        let mut values = vec![[0.0; GROUP]; tile_format(&source).step()];
        for record in tiles.chunks_exact(tile_format(&source).record_bytes()) {
            scalar::dequantize(tile_format(&source), record, &mut values);
            assert!(values.iter().flatten().all(|value| value.is_finite()));
        }
    }
});
