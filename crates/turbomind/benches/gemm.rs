//! Many rows of activations, one thread: bound by the arithmetic.
//!
//! `cargo bench -p turbomind --bench gemm -- Q4_1/avx512/576x3072x512`
#![allow(missing_docs)]

mod common;

use turbomind::internals::TileFormat;

/// Rows: a batch that decodes, a short and a long prompt.
const ROWS: [usize; 4] = [4, 16, 64, 512];

fn main() {
    let mut criterion = common::settings();
    for isa in common::instruction_sets() {
        let limits = common::Limits::measure(isa);
        for format in TileFormat::ALL {
            for (shape, rows) in common::SHAPES.into_iter().flat_map(|shape| ROWS.map(|rows| (shape, rows))) {
                if let Some(case) = common::Case::new(isa, format, shape, rows) {
                    case.run(&mut criterion, "gemm", limits);
                }
            }
        }
    }
    criterion.final_summary();
}
