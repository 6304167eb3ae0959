//! Runs of several ranks: the same bits as one process whose passes are the shares of the ranks.

use std::path::Path;
use std::thread;

use burn::tensor::Device;
use internlm_model::decoder::Decoder;
use internlm_model::{ModelConfig, ModelSize, TokenId};
use internlm_train::checkpoint::Snapshot;
use internlm_train::{Collective, FitOptions, Result, Row, RowSource, Threads, Trainer, TrainerConfig};

/// Tokens of a row.
const LENGTH: u32 = 12;

/// Two rows per step, each a pass of its own.
struct Pairs;

impl RowSource for Pairs {
    fn batch(&mut self, step: u64) -> Result<Vec<Row>> {
        let row = |first: u32| {
            Row::sample(&(0..LENGTH).map(|place| TokenId((first + place * 3) % 40)).collect::<Vec<_>>())
        };
        Ok(vec![row(step as u32), row(17 + 2 * step as u32)])
    }

    fn fingerprint(&self) -> String {
        "pairs".to_owned()
    }

    fn epoch(&self, _step: u64) -> f64 {
        0.0
    }
}

fn trainer(steps: u64) -> Trainer {
    let size = ModelSize { hidden: 32, layers: 2, heads: 2, inter: 64, vocab: 40 };
    let model = ModelConfig::new(size);
    let decoder = Decoder::init(&model, 1, &Device::flex());
    let config = TrainerConfig::new(steps, 1e-2).with_pass_tokens(LENGTH as usize).with_checkpoint_every(2);
    Trainer::new(model, decoder, config).expect("has parameters")
}

/// Runs `work` on every rank of `size` and gives the results in rank order.
fn on_ranks<T: Send>(size: usize, work: impl Fn(Threads) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let ranks = Threads::ranks(size).into_iter();
        let running: Vec<_> = ranks.map(|rank| scope.spawn(move || work(rank))).collect();
        running.into_iter().map(|rank| rank.join().expect("no rank panics")).collect()
    })
}

fn fit(trainer: &mut Trainer, out: &Path) -> Snapshot {
    trainer.fit(&mut Pairs, &mut (), &FitOptions::new(out)).expect("trains");
    trainer.snapshot()
}

fn learned(snapshot: &Snapshot) -> (&Vec<Vec<f32>>, Vec<u64>) {
    let state = &snapshot.state;
    (
        &snapshot.values,
        vec![state.step, state.updates, state.tokens, state.loss.to_bits(), state.flops.to_bits()],
    )
}

#[test]
fn two_ranks_step_with_the_bits_of_one_process() {
    let mut single = trainer(3);
    let expected: Vec<_> = (0..3)
        .map(|step| {
            let report = single.step(&Pairs.batch(step).expect("rows")).expect("steps");
            (report.loss.to_bits(), report.grad_norm.to_bits(), report.tokens)
        })
        .collect();
    let ranks = on_ranks(2, |rank| {
        let mut trainer = trainer(3).with_collective(rank);
        let reports: Vec<_> = (0..3)
            .map(|step| {
                let report = trainer.step(&Pairs.batch(step).expect("rows")).expect("steps");
                (report.loss.to_bits(), report.grad_norm.to_bits(), report.tokens)
            })
            .collect();
        (reports, trainer.snapshot())
    });
    for (reports, snapshot) in &ranks {
        assert_eq!(*reports, expected);
        assert_eq!(learned(snapshot), learned(&single.snapshot()));
        assert_eq!(snapshot.moments, single.snapshot().moments);
    }
}

#[test]
fn a_whole_run_of_two_ranks_writes_once_and_resumes() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (alone, together) = (folder.path().join("alone"), folder.path().join("together"));
    let expected = fit(&mut trainer(6), &alone);
    let run = || on_ranks(2, |rank| fit(&mut trainer(6).with_collective(rank), &together));
    for snapshot in run() {
        assert_eq!(learned(&snapshot), learned(&expected));
    }
    let file = |name: &str| std::fs::read(together.join(name)).expect(name);
    let model = "checkpoints/step-6/model.safetensors";
    assert_eq!(file(model), std::fs::read(alone.join(model)).expect("reads"));
    let metrics = String::from_utf8(file("metrics.jsonl")).expect("text");
    assert_eq!(metrics.lines().count(), 6, "rank 0 alone writes: {metrics}");

    // The newest checkpoint is lost; both ranks resume from the one before.
    std::fs::remove_dir_all(together.join("checkpoints/step-6")).expect("removes");
    for snapshot in run() {
        assert_eq!(learned(&snapshot), learned(&expected));
    }
}

#[test]
fn a_rank_without_rows_or_labels_takes_part_with_zeros() {
    let rows = Pairs.batch(0).expect("rows");
    let unlabeled = Row { labels: vec![None; LENGTH as usize], ..rows[1].clone() };
    for rows in [vec![rows[0].clone()], vec![rows[0].clone(), unlabeled.clone()], vec![unlabeled]] {
        let mut single = trainer(1);
        single.step(&rows).expect("steps");
        let ranks = on_ranks(3, |rank| {
            let mut trainer = trainer(1).with_collective(rank);
            trainer.step(&rows).expect("steps");
            trainer.snapshot()
        });
        for snapshot in ranks {
            assert_eq!(learned(&snapshot), learned(&single.snapshot()), "{} rows", rows.len());
        }
    }
}

#[test]
fn sums_are_in_rank_order_and_lengths_must_agree() {
    let sums = on_ranks(4, |mut rank| {
        // 1e8 + 1 + 1 + 1 loses every 1 in f32 when it is added in this order, and not in another one.
        let mut buffer = [if rank.rank() == 0 { 1e8_f32 } else { 1.0 }, rank.rank() as f32];
        rank.all_reduce(&mut buffer).expect("equal lengths");
        buffer
    });
    assert!(sums.iter().all(|sum| *sum == [1e8, 6.0]), "{sums:?}");
    let errors = on_ranks(2, |mut rank| {
        let mut buffer = vec![0.0; 1 + rank.rank()];
        rank.all_reduce(&mut buffer).expect_err("different lengths").to_string()
    });
    assert!(errors.iter().all(|text| text.contains("all-reduce") && text.contains("numbers")), "{errors:?}");
}
