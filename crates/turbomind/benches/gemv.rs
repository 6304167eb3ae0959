//! One row of activations, one thread: bound by the bytes of the weights.
//!
//! `cargo bench -p turbomind --bench gemv -- Q4_1/avx512`
#![allow(missing_docs)]

mod common;

use turbomind::internals::TileFormat;

fn main() {
    let mut criterion = common::settings();
    for isa in common::instruction_sets() {
        let limits = common::Limits::measure(isa);
        for format in TileFormat::ALL {
            for shape in common::SHAPES {
                if let Some(case) = common::Case::new(isa, format, shape, 1) {
                    case.run(&mut criterion, "gemv", limits);
                }
            }
        }
    }
    criterion.final_summary();
}
