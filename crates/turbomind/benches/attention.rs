//! Attention over paged keys and values: decode steps and prefill chunks, on one thread.
//!
//! Prints time per iteration and, as criterion's throughput, scores per second (a score is one query row times one
//! key, which costs `2 * head_dim` multiply-adds).

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use internlm_kit::testing::TestRng;
use turbomind::internals::{AttentionStep, KvPlace, PagedAttention, Pool};
use turbomind::{Isa, KvConfig, KvFormat};

/// Kv heads of the bench.
const KV_HEADS: usize = 3;

/// A filled pool of one layer and `positions` positions.
fn filled(isa: Isa, format: KvFormat, head_dim: usize, group: usize, positions: usize) -> PagedAttention {
    let blocks = positions.div_ceil(32);
    let config = KvConfig::new(format, 1, KV_HEADS, head_dim).with_blocks(blocks);
    let mut attention = PagedAttention::new(isa, &config, KV_HEADS * group).expect("a small pool");
    for position in 0..positions {
        for kv_head in 0..KV_HEADS {
            let place = KvPlace { layer: 0, block: (position / 32) as u32, slot: position % 32, kv_head };
            let x = TestRng::new((position * KV_HEADS + kv_head) as u64).floats(2 * head_dim, 1.0);
            attention.store(place, &x[..head_dim], &x[head_dim..]);
        }
    }
    attention
}

fn run(criterion: &mut Criterion, name: &str, attention: &mut PagedAttention, rows: usize, depth: usize) {
    let mut threads = Pool::new(1).expect("one thread");
    let config = *attention.kv().config();
    let blocks: Vec<u32> = (0..config.blocks as u32).collect();
    let step = [AttentionStep { first_row: 0, rows, position: depth, blocks: &blocks }];
    let heads = attention.heads();
    let q = TestRng::new(7).floats(rows * heads * config.head_dim, 1.0);
    let scores: usize = (0..rows).map(|row| depth + row + 1).sum::<usize>() * heads;
    let mut group = criterion.benchmark_group("attention");
    group.throughput(Throughput::Elements(scores as u64)).sample_size(20);
    group.measurement_time(std::time::Duration::from_millis(500));
    group.warm_up_time(std::time::Duration::from_millis(200));
    group.bench_function(BenchmarkId::new(name, format!("{}x{}", rows, depth)), |bench| {
        bench.iter(|| attention.run(&mut threads, 0, &step, &q).expect("a step that fits")[0]);
    });
    group.finish();
}

fn attention(criterion: &mut Criterion) {
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
        if isa == Isa::Scalar || isa == Isa::AvxVnni {
            continue;
        }
        for format in KvFormat::ALL {
            let mut attention = filled(isa, format, 64, 3, 1024);
            let name = format!("{}/{format}/64", isa.name());
            run(criterion, &name, &mut attention, 1, 255);
            run(criterion, &name, &mut attention, 512, 0);
            run(criterion, &name, &mut attention, 512, 512);
        }
        let mut attention = filled(isa, KvFormat::F16, 64, 3, 4096);
        run(criterion, &format!("{}/f16/64", isa.name()), &mut attention, 1, 4095);
        let mut attention = filled(isa, KvFormat::F16, 128, 4, 1024);
        let name = format!("{}/f16/128", isa.name());
        run(criterion, &name, &mut attention, 1, 255);
        run(criterion, &name, &mut attention, 512, 0);
    }
}

criterion_group!(benches, attention);
criterion_main!(benches);
