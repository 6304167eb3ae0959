//! Cost of an empty phase and of an empty job of the thread pool.

use criterion::{Criterion, criterion_group, criterion_main};
use turbomind::internals::Pool;

/// Phases of one measured job, as many as a decoded token of 30 layers has.
const PHASES: u64 = 150;

fn barrier(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("barrier");
    for threads in [1, 2] {
        let mut pool = Pool::new(threads).expect("threads");
        group.throughput(criterion::Throughput::Elements(PHASES));
        group.bench_function(format!("150 empty phases, {threads} threads"), |bencher| {
            bencher.iter(|| pool.run(&|member| (0..PHASES).try_for_each(|_| member.phase(0, |_| ()))));
        });
        group.throughput(criterion::Throughput::Elements(1));
        group.bench_function(format!("empty job, {threads} threads"), |bencher| {
            bencher.iter(|| pool.run(&|_| Ok(())));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = barrier
}
criterion_main!(benches);
