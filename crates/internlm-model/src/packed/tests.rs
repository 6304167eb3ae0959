//! Codes against the definition, and decoding of any rows against decoding of the whole.

use internlm_kit::rng::CounterRng;
use proptest::prelude::*;

use super::*;

fn normal(count: usize, seed: u64) -> Vec<f32> {
    let rng = CounterRng::new(seed, "weights");
    (0..count as u64).map(|i| (0.02 * rng.normal(i)) as f32).collect()
}

#[test]
fn the_dynamic_map_has_the_values_of_its_definition() {
    assert!(DYNAMIC.windows(2).all(|pair| pair[0] < pair[1]));
    let largest = [DYNAMIC[0], DYNAMIC[254], DYNAMIC[255]];
    let expected = [-0.992_968_75, 0.992_968_75, 1.0];
    assert!(
        largest.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-7),
        "{largest:?}"
    );
    assert!(DYNAMIC.contains(&0.0) && DYNAMIC.contains(&0.55e-6));
}

#[test]
fn double_quantization_takes_a_little_more_than_half_a_byte() {
    let weights = normal(1 << 20, 1);
    let packed = PackedMatrix::pack(&weights, [1024, 1024], PackedFormat::Nf4Double);
    assert!((packed.bytes() as f64 / weights.len() as f64) < 0.517);
    let plain = PackedMatrix::pack(&weights, [1024, 1024], PackedFormat::Nf4).decode();
    let error = |values: &[f32]| {
        let difference: f64 = values.iter().zip(&weights).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        (difference / weights.iter().map(|weight| f64::from(*weight).powi(2)).sum::<f64>()).sqrt()
    };
    let (double, plain) = (error(&packed.decode()), error(&plain));
    assert!(plain < 0.1 && double < 1.01 * plain, "{plain} {double}");
}

proptest! {
    #[test]
    fn codes_are_the_nearest_values(seed in any::<u64>(), count in 1_usize..400) {
        let weights = normal(count, seed);
        let packed = PackedMatrix::pack(&weights, [1, count], PackedFormat::Nf4);
        for (at, weight) in weights.iter().enumerate() {
            let block = &weights[at / 64 * 64..(at / 64 * 64 + 64).min(count)];
            let largest = block.iter().map(|weight| weight.abs()).fold(0.0, f32::max);
            let code = packed.nf4_code(at).expect("a code of 4 bits");
            let distance = |value: f32| (f64::from(weight / largest) - f64::from(value)).abs();
            let least = NF4.iter().map(|value| distance(*value)).fold(f64::INFINITY, f64::min);
            prop_assert_eq!(distance(NF4[usize::from(code)]), least);
        }
    }

    #[test]
    fn rows_decode_as_the_whole(outputs in 1_usize..20, inputs in 1_usize..150, first in 0_usize..20) {
        let weights = normal(outputs * inputs, 3);
        for format in [PackedFormat::Bf16, PackedFormat::Int8, PackedFormat::Nf4, PackedFormat::Nf4Double] {
            let packed = PackedMatrix::pack(&weights, [outputs, inputs], format);
            prop_assert_eq!(packed.format(), format);
            let whole = packed.decode();
            let first = first.min(outputs - 1);
            let mut rows = vec![0.0; (outputs - first) * inputs];
            packed.decode_rows(first, &mut rows);
            prop_assert_eq!(&rows[..], &whole[first * inputs..]);
        }
    }
}
