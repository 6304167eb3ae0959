//! [`peak_gmac_s`]: the upper limit of one thread, multiply-adds of registers alone.

use std::time::{Duration, Instant};

use super::isa::Isa;

/// How long the loop runs.
const DURATION: Duration = Duration::from_millis(50);

/// Measures, over 50 ms, how many products of bytes one thread sums, in 10^9 per second.
///
/// The loop uses `vpdpbusd` where the instruction set has it, `vpmaddubsw` with 16-bit additions for AVX2, and what the
/// compiler makes of plain Rust for scalar and for instruction sets that this machine lacks.
#[must_use]
pub fn peak_gmac_s(isa: Isa) -> f64 {
    let burst: fn() -> usize = match isa {
        _ if !isa.is_available() => plain,
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        Isa::Avx2 => x86::multiply_add,
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        Isa::AvxVnni => x86::vnni,
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        Isa::Avx512 => x86::vnni_512,
        _ => plain,
    };
    let start = Instant::now();
    let mut products = 0;
    while start.elapsed() < DURATION {
        products += burst();
    }
    products as f64 * 1e-9 / start.elapsed().as_secs_f64()
}

/// Returns how many products were summed, as all bursts, which take about 0.1 ms each.
fn plain() -> usize {
    let (u, q) = ([1_u8; 1024], [1_i8; 1024]);
    let rounds = 256;
    for _ in 0..rounds {
        let (u, q) = std::hint::black_box((&u, &q));
        let sum: i32 = u.iter().zip(q).map(|(u, q)| i32::from(*u) * i32::from(*q)).sum();
        std::hint::black_box(sum);
    }
    rounds * u.len()
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86 {
    //! The loops; each of the functions is called only where its features are available.

    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// Rounds of a burst.
    const ROUNDS: usize = 20_000;
    /// Accumulators, enough to hide the latency of five cycles on two ports.
    const CHAINS: usize = 12;

    pub(super) fn multiply_add() -> usize {
        #[target_feature(enable = "avx2")]
        fn run() {
            let (q, one) = (black_box(_mm256_set1_epi8(1)), black_box(_mm256_set1_epi16(1)));
            let mut sums = [_mm256_setzero_si256(); CHAINS];
            for _ in 0..ROUNDS {
                for sum in &mut sums {
                    *sum = _mm256_add_epi16(_mm256_maddubs_epi16(*sum, q), one);
                }
            }
            black_box(sums);
        }
        // SAFETY: `peak_gmac_s` has seen that the features are available.
        unsafe { run() };
        32 * ROUNDS * CHAINS
    }

    pub(super) fn vnni() -> usize {
        #[target_feature(enable = "avx2,avxvnni")]
        fn run() {
            let (u, q) = (black_box(_mm256_set1_epi8(1)), black_box(_mm256_set1_epi8(1)));
            let mut sums = [_mm256_setzero_si256(); CHAINS];
            for _ in 0..ROUNDS {
                for sum in &mut sums {
                    *sum = _mm256_dpbusd_avx_epi32(*sum, u, q);
                }
            }
            black_box(sums);
        }
        // SAFETY: `peak_gmac_s` has seen that the features are available.
        unsafe { run() };
        32 * ROUNDS * CHAINS
    }

    pub(super) fn vnni_512() -> usize {
        #[target_feature(enable = "avx512f,avx512vnni")]
        fn run() {
            let (u, q) = (black_box(_mm512_set1_epi8(1)), black_box(_mm512_set1_epi8(1)));
            let mut sums = [_mm512_setzero_si512(); CHAINS];
            for _ in 0..ROUNDS {
                for sum in &mut sums {
                    *sum = _mm512_dpbusd_epi32(*sum, u, q);
                }
            }
            black_box(sums);
        }
        // SAFETY: `peak_gmac_s` has seen that the features are available.
        unsafe { run() };
        64 * ROUNDS * CHAINS
    }
}
