//! Every instruction set against the definition, bit by bit.

use proptest::prelude::*;

use super::{Kernel, LANES, Lanes, exp2, smallest};
use crate::simd::Isa;

/// All operations once; the results as bits.
struct All<'a> {
    a: [f32; LANES],
    b: [f32; LANES],
    c: [f32; LANES],
    bytes: &'a [u8; 32],
    count: usize,
}

impl Kernel for All<'_> {
    type Output = Vec<u32>;

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) -> Vec<u32> {
        let (a, b, c) = (simd.load(&self.a), simd.load(&self.b), simd.load(&self.c));
        let (low, _) = self.bytes.split_first_chunk().expect("sixteen bytes");
        let small = simd.max(simd.splat(-126.0), simd.min(simd.splat(126.0), simd.round(b)));
        let to_round = simd.max(simd.splat(0.0), simd.min(simd.splat(255.0), b));
        let results = [
            simd.splat(self.a[3]),
            simd.halves(self.bytes),
            simd.bytes(low),
            simd.low_nibbles(low),
            simd.high_nibbles(low),
            simd.add(a, b),
            simd.sub(a, b),
            simd.mul(a, b),
            simd.mul_add(a, b, c),
            simd.max(a, b),
            simd.min(a, b),
            simd.round(a),
            simd.times_power(simd.splat(1.25), small),
            simd.keep_first(a, self.count, b),
            exp2(simd, simd.min(simd.splat(0.0), a)),
        ];
        let mut bits = Vec::new();
        for result in results {
            let mut lanes = [0.0; LANES];
            simd.store(result, &mut lanes);
            bits.extend(lanes.map(canonical));
        }
        bits.extend([simd.sum(a), simd.largest(a), smallest(simd, a)].map(canonical));
        bits.extend(
            simd.to_halves(a)
                .as_chunks::<2>()
                .0
                .iter()
                .zip(self.a)
                .map(|(half, x)| if x.is_nan() { 0 } else { u32::from(u16::from_le_bytes(*half)) }),
        );
        bits.extend(simd.to_bytes(to_round).map(u32::from));
        bits
    }
}

/// The bits, with one NaN for all.
fn canonical(x: f32) -> u32 {
    if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }
}

fn lanes() -> impl Strategy<Value = [f32; LANES]> {
    let lane = prop_oneof![
        8 => -300.0_f32..300.0,
        2 => any::<f32>(),
        1 => (-600_i32..600).prop_map(|half| half as f32 / 2.0),
        1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY), Just(-0.0)],
    ];
    prop::array::uniform16(lane)
}

proptest! {
    #[test]
    fn every_isa_gives_the_same_bits(
        a in lanes(), b in lanes(), c in lanes(),
        bytes in prop::array::uniform32(any::<u8>()),
        count in 0_usize..20,
    ) {
        let all = || All { a, b, c, bytes: &bytes, count };
        let expected = Isa::Scalar.run(all());
        for isa in Isa::ALL {
            prop_assert_eq!(&isa.run(all()), &expected, "{}", isa.name());
        }
    }
}

#[test]
fn exp2_is_close_and_exact_at_whole_numbers() {
    struct Exp2([f32; LANES]);
    impl Kernel for Exp2 {
        type Output = [f32; LANES];
        #[inline(always)]
        fn run<S: Lanes>(self, simd: S) -> [f32; LANES] {
            let mut to = self.0;
            simd.store(exp2(simd, simd.load(&self.0)), &mut to);
            to
        }
    }
    for step in 0..20_000 {
        let x = [-(step as f32) / 160.0; LANES];
        let found = f64::from(Isa::Scalar.run(Exp2(x))[0]);
        let expected = f64::from(x[0]).exp2();
        assert!((found / expected - 1.0).abs() < 1.2e-7, "2^{}: found {found}, expected {expected}", x[0]);
        if x[0].fract() == 0.0 {
            assert_eq!(found, expected);
        }
    }
    let ends = Isa::Scalar.run(Exp2([f32::NEG_INFINITY; LANES]));
    assert_eq!(ends[0], 2.0_f32.powi(-125));
    assert!(Isa::Scalar.run(Exp2([f32::NAN; LANES]))[0].is_nan());
}
