//! What the benches share: the shapes of real models, and each kernel's share of what the machine can reach.
#![allow(clippy::print_stdout, dead_code, reason = "benches print, and each uses another part")]

#[path = "../../tests/it/made.rs"]
pub(crate) mod made;

use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use turbomind::Isa;
use turbomind::internals::{
    Arena, Blocks, Bytes, Floats, GROUP, Panel, TileFormat, column_groups, peak_gmac_s,
};

use made::Content;

/// `(k, n)` of the matrices of SmolLM2-135M and of the presets h1024 and h2048: q|k|v, output, gate|up, down, head.
pub(crate) const SHAPES: [(usize, usize); 15] = [
    (576, 960),
    (576, 576),
    (576, 3072),
    (1536, 576),
    (576, 49_152),
    (1024, 2048),
    (1024, 1024),
    (1024, 5632),
    (2816, 1024),
    (1024, 32_000),
    (2048, 4096),
    (2048, 2048),
    (2048, 11_264),
    (5632, 2048),
    (2048, 32_000),
];

/// Copies of a matrix are multiplied in turn until they fill this, more than a second-level cache, because a model's
/// next matrix is never in it either.
const RESIDENT: usize = 32 << 20;
/// Column groups of one call, as a thread claims them.
const CHUNK: usize = 8;

/// Short runs, for there are many kernels; `cargo bench -- FILTER` chooses some of them: `gemv/Q4_1/avx512/576x960`.
pub(crate) fn settings() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
        .sample_size(10)
        .without_plots()
        .configure_from_args()
}

/// The instruction sets to measure.
pub(crate) fn instruction_sets() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| *isa != Isa::Scalar && isa.is_available())
}

/// What one thread of the machine reaches.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    gmac_s: f64,
    gb_s: f64,
}

impl Limits {
    /// Measures and prints them.
    pub(crate) fn measure(isa: Isa) -> Self {
        let limits = Self { gmac_s: peak_gmac_s(isa), gb_s: read_gb_s() };
        println!(
            "{}: {:.0} GMAC/s and {:.1} GB/s per thread at most",
            isa.name(),
            limits.gmac_s,
            limits.gb_s
        );
        limits
    }
}

/// The fastest of some reads of [`RESIDENT`] bytes of an arena, as four streams, which hides more latency than one.
fn read_gb_s() -> f64 {
    let mut arena = Arena::new(&[RESIDENT]).expect("memory to read");
    arena.parts_mut().iter_mut().for_each(|part| part.fill(1));
    let buffer = arena.freeze().expect("memory that is read only").remove(0);
    let streams: Vec<&[[u8; 64]]> =
        buffer.chunks(RESIDENT / 4).map(|part| part.as_chunks::<64>().0).collect();
    let seconds = (0..8).map(|_| {
        let start = Instant::now();
        let mut sums = [0_u8; 64];
        for index in 0..streams[0].len() {
            for stream in &streams {
                for (sum, value) in sums.iter_mut().zip(&stream[index]) {
                    *sum ^= value;
                }
            }
        }
        black_box(sums);
        start.elapsed().as_secs_f64()
    });
    RESIDENT as f64 * 1e-9 / seconds.fold(f64::INFINITY, f64::min)
}

/// One kernel and its operands.
pub(crate) struct Case {
    isa: Isa,
    format: TileFormat,
    shape: (usize, usize),
    rows: usize,
}

impl Case {
    /// `None` where the inner length is not a multiple of the format's blocks.
    pub(crate) fn new(isa: Isa, format: TileFormat, shape: (usize, usize), rows: usize) -> Option<Self> {
        shape.0.is_multiple_of(format.step()).then_some(Self { isa, format, shape, rows })
    }

    /// Measures it under the name `bench/format/isa/shape` and prints the shares of `limits` that its fastest run
    /// reached, for limits are those of the fastest run, too.
    pub(crate) fn run(&self, criterion: &mut Criterion, bench: &str, limits: Limits) {
        let (inputs, outputs) = self.shape;
        let bytes = self.format.matrix_bytes(outputs, inputs);
        let name = BenchmarkId::new(
            format!("{}/{}", self.format, self.isa.name()),
            format!("{inputs}x{outputs}x{}", self.rows),
        );
        let best = Cell::new(f64::INFINITY);
        let mut operands = None;
        criterion.benchmark_group(bench).bench_function(name, |bencher| {
            // Made here so that a filter saves the work.
            let operands = operands.get_or_insert_with(|| Operands::new(self));
            bencher.iter_custom(|times| {
                (0..times)
                    .map(|_| {
                        let start = Instant::now();
                        operands.multiply(self);
                        let elapsed = start.elapsed();
                        best.set(best.get().min(elapsed.as_secs_f64()));
                        elapsed
                    })
                    .sum()
            });
        });
        if best.get().is_finite() {
            let gmac_s = (inputs * outputs * self.rows) as f64 * 1e-9 / best.get();
            let gb_s = bytes as f64 * 1e-9 / best.get();
            println!(
                "  {gmac_s:.1} GMAC/s = {:.0} % of peak, {gb_s:.2} GB/s = {:.0} % of reading",
                100.0 * gmac_s / limits.gmac_s,
                100.0 * gb_s / limits.gb_s
            );
        }
    }
}

struct Operands {
    tiles: Bytes,
    next: usize,
    rows: Vec<f32>,
    panel: Panel,
    out: Vec<[f32; GROUP]>,
}

impl Operands {
    fn new(case: &Case) -> Self {
        let (inputs, outputs) = case.shape;
        let groups = column_groups(outputs);
        let bytes = case.format.matrix_bytes(outputs, inputs);
        let some = made::tiles(case.format, groups.min(CHUNK), inputs, Content::Ordinary, 1);
        let mut arena =
            Arena::new(&[bytes * RESIDENT.div_ceil(bytes)]).expect("memory for copies of a matrix");
        for part in arena.parts_mut() {
            part.chunks_mut(some.len()).for_each(|copy| copy.copy_from_slice(&some[..copy.len()]));
        }
        let tiles = arena.freeze().expect("memory that is read only").remove(0);
        let rows = made::normal(case.rows * inputs, 1);
        let panel = made::quantized(&rows, inputs.next_multiple_of(32));
        Self { tiles, next: 0, rows, panel, out: vec![[0.0; GROUP]; CHUNK * case.rows] }
    }

    /// One product with the next copy of the matrix.
    fn multiply(&mut self, case: &Case) {
        let (inputs, outputs) = case.shape;
        let group_bytes = case.format.group_bytes(inputs);
        let bytes = case.format.matrix_bytes(outputs, inputs);
        let matrix = &self.tiles[self.next..][..bytes];
        self.next = (self.next + bytes) % self.tiles.len();
        for tiles in matrix.chunks(CHUNK * group_bytes) {
            let groups = tiles.len() / group_bytes;
            let out = &mut self.out[..groups * case.rows];
            if case.format.is_float() {
                let call = Floats { tiles, groups, rows: &self.rows, inputs };
                case.isa.floats(case.format)(&call, out);
            } else {
                let call = Blocks { tiles, groups, panel: &self.panel, first_row: 0 };
                case.isa.blocks(case.format)(&call, out);
            }
            black_box(&out);
        }
    }
}
