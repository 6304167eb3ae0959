//! Fuzzes the tiles of all encodings: (encoding, rows, inputs, data).
#![no_main]

use internlm_model::weights::Encoding;
use libfuzzer_sys::fuzz_target;
use turbomind::internals::{GROUP, SourceRows, TileFormat, repack, scalar};

const ENCODINGS: [Encoding; 13] = [
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
    Encoding::F64,
    Encoding::I32,
];

fuzz_target!(|bytes: &[u8]| {
    let Some(([encoding, rows, low, high, change], data)) = bytes.split_first_chunk::<5>() else { return };
    let encoding = ENCODINGS[usize::from(*encoding) % ENCODINGS.len()];
    let count = usize::from(*rows) % 40;
    let inputs = usize::from(u16::from_le_bytes([*low, *high])) % 1025;
    let row_bytes = encoding.byte_length(&[inputs]);
    // The data, over and over, fills rows of the right length; with an odd `change` one of them is cut.
    let mut stream = data.iter().copied().cycle();
    let mut rows: Vec<Vec<u8>> =
        (0..count).map(|_| stream.by_ref().take(row_bytes.unwrap_or(inputs)).collect()).collect();
    if change % 2 == 1 && count > 0 {
        let row = &mut rows[usize::from(change / 2) % count];
        row.truncate(row.len().saturating_sub(1));
    }
    let format = TileFormat::of(encoding);
    let mut tiles = vec![0; format.map_or(0, |format| format.matrix_bytes(count, inputs))];
    let source = SourceRows { encoding, rows: rows.iter().map(Vec::as_slice).collect(), inputs };
    let result = repack(&source, &mut tiles);
    let fits = count > 0 && inputs > 0 && rows.iter().all(|row| Some(row.len()) == row_bytes);
    let (Some(format), true) = (format, fits) else {
        assert!(result.is_err(), "a shape or a length that does not fit was taken");
        return;
    };
    let expected: Vec<Vec<f32>> = rows.iter().map(|row| encoding.dequantize(row).expect("floats")).collect();
    let finite = expected.iter().flatten().all(|value| value.is_finite());
    assert_eq!(result.is_ok(), finite, "{result:?}");
    if finite {
        compare(format, &tiles, inputs, &expected);
    }
});

fn compare(format: TileFormat, tiles: &[u8], inputs: usize, expected: &[Vec<f32>]) {
    let mut values = vec![[0.0; GROUP]; format.step()];
    for (group, tiles) in tiles.chunks_exact(format.group_bytes(inputs)).enumerate() {
        for (index, record) in tiles.chunks_exact(format.record_bytes()).enumerate() {
            scalar::dequantize(format, record, &mut values);
            for (i, values) in values.iter().enumerate() {
                for (n, value) in values.iter().enumerate() {
                    let row = expected.get(GROUP * group + n);
                    let expected = row.and_then(|row| row.get(index * format.step() + i)).unwrap_or(&0.0);
                    let same = value.to_bits() == expected.to_bits() || (row.is_none() && *value == 0.0);
                    assert!(same, "{format}: {value}, not {expected}");
                }
            }
        }
    }
}
