//! Training on a GPU: `INTERNLM_TEST_DEVICE`, else the first one of the build, Mesa's lavapipe where there is no GPU.

mod memory;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use internlm_model::testing::{Int4Model, ZeroPoint};
use internlm_model::weights::int4::Packing;
use internlm_model::{Decoder, Device, ModelConfig, ModelSize, Precision, TokenId};
use internlm_train::checkpoint::Snapshot;
use internlm_train::{
    Error, FitOptions, Recompute, Result, Row, RowSource, StepOutcome, StepReport, Threads, Trainer,
    TrainerConfig,
};

use crate::golden::{Place, check_gradients, check_ten_steps};

/// One test at a time: they count what the whole process reads.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn device() -> Device {
    let first = if cfg!(feature = "vulkan") { "vulkan:0" } else { "cuda:0" };
    let name = std::env::var("INTERNLM_TEST_DEVICE").unwrap_or_else(|_| first.to_owned());
    internlm_model::device::parse(&name).expect("the device under test is there")
}

fn decoder(device: &Device) -> Decoder {
    let size = ModelSize { hidden: 32, layers: 2, heads: 2, inter: 64, vocab: 40 };
    Decoder::init(&ModelConfig::new(size), 1, device)
}

fn trainer(device: &Device, config: TrainerConfig) -> Trainer {
    let decoder = decoder(device);
    Trainer::new(decoder.config().clone(), decoder, config).expect("has parameters")
}

/// Tokens of a row.
const LENGTH: usize = 12;

/// Three rows per step.
struct Rows;

impl RowSource for Rows {
    fn batch(&mut self, step: u64) -> Result<Vec<Row>> {
        let row = |first: usize| {
            let ids = (0..LENGTH).map(|place| TokenId(((first + place * 3) % 40) as u32));
            Row::sample(&ids.collect::<Vec<_>>())
        };
        Ok([1, 17, 29].map(|first| row(first + step as usize)).to_vec())
    }

    fn fingerprint(&self) -> String {
        "rows".to_owned()
    }

    fn epoch(&self, _step: u64) -> f64 {
        0.0
    }
}

fn step(trainer: &mut Trainer, number: u64) -> StepReport {
    trainer.step(&Rows.batch(number).expect("rows")).expect("steps")
}

#[test]
fn gradients_equal_pytorchs() {
    let _alone = alone();
    check_gradients(&Place::gpu(device()));
}

#[test]
fn ten_adamw_steps_equal_pytorchs() {
    let _alone = alone();
    check_ten_steps(&Place::gpu(device()));
}

/// Passes are added up on the device, and recomputed layers give the same gradients.
#[test]
fn passes_and_recomputation_train_like_the_cpu() {
    let _alone = alone();
    let device = device();
    for (pass_tokens, recompute) in
        [(4096, Recompute::None), (1, Recompute::None), (LENGTH, Recompute::Layers)]
    {
        let config = || TrainerConfig::new(4, 1e-2).with_pass_tokens(pass_tokens).with_recompute(recompute);
        let (mut theirs, mut ours) = (trainer(&Device::flex(), config()), trainer(&device, config()));
        for number in 0..4 {
            let (expected, found) = (step(&mut theirs, number), step(&mut ours, number));
            let off = |found: f64, expected: f64| (found / expected - 1.0).abs();
            assert!(off(found.loss, expected.loss) < 5e-5, "{found:?} {expected:?}");
            assert!(off(found.grad_norm, expected.grad_norm) < 1e-4, "{found:?} {expected:?}");
        }
        for (found, expected) in ours.snapshot().values.iter().zip(&theirs.snapshot().values) {
            let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-3, "{worst}");
        }
    }
}

/// Activations and products in 16 bits; weights, moments and sums stay f32, and so does what a checkpoint holds.
#[test]
fn steps_in_16_bits_stay_near_those_in_f32() {
    let _alone = alone();
    let (folder, device) = (tempfile::tempdir().expect("temporary folder"), device());
    let precision = if Precision::Bf16.check(&device).is_ok() { Precision::Bf16 } else { Precision::F16 };
    let config = |recompute| TrainerConfig::new(4, 1e-2).with_pass_tokens(LENGTH).with_recompute(recompute);
    let half = |recompute| {
        let decoder = decoder(&device).with_precision(precision).expect("the device computes in it");
        Trainer::new(decoder.config().clone(), decoder, config(recompute)).expect("has parameters")
    };
    let mut exact = trainer(&device, config(Recompute::None));
    let (mut whole, mut layers) = (half(Recompute::None), half(Recompute::Layers));
    for number in 0..4 {
        let expected = step(&mut exact, number);
        let found = [step(&mut whole, number), step(&mut layers, number)];
        assert_eq!(found[0].loss.to_bits(), found[1].loss.to_bits(), "layers computed again");
        let off = (found[0].loss / expected.loss - 1.0).abs();
        assert!(0.0 < off && off < 1e-2, "{found:?} {expected:?}");
        assert!((found[0].grad_norm / expected.grad_norm - 1.0).abs() < 5e-2, "{found:?} {expected:?}");
    }
    let values = |trainer: &Trainer| trainer.snapshot().values.concat();
    // 16 bits have at most 10 bits behind the first one.
    let rounded = |value: &f32| value.to_bits() & 0x1fff == 0;
    assert!(!values(&whole).iter().all(rounded), "weights are not rounded");
    assert!(values(&whole) == values(&layers));
    // A run resumes by itself in the same precision only.
    fit(&mut half(Recompute::None), folder.path());
    let mut other = trainer(&device, config(Recompute::None));
    let error =
        other.fit(&mut Rows, &mut (), &FitOptions::new(folder.path())).expect_err("another precision");
    assert!(error.to_string().contains("precision"), "{error}");
}

#[test]
fn steps_without_finite_gradients_change_nothing_and_end_the_run() {
    let _alone = alone();
    let mut config = TrainerConfig::new(10, 1e-3);
    config.monitor.max_skipped = 3;
    let mut decoder = decoder(&device());
    for (name, mut parameter) in decoder.parameters_mut() {
        if name == "model.norm.weight" {
            parameter.set(vec![f32::NAN; 32]);
        }
    }
    let mut trainer = Trainer::new(decoder.config().clone(), decoder, config).expect("has parameters");
    let bits = |snapshot: Snapshot| -> Vec<u32> {
        let moments = snapshot.moments.into_iter().flat_map(|moments| [moments.first, moments.second]);
        snapshot.values.into_iter().chain(moments).flatten().map(f32::to_bits).collect()
    };
    let before = bits(trainer.snapshot());
    let expected = trainer.parameters()[0].name.clone();
    for number in 0..2 {
        let report = step(&mut trainer, number);
        assert_eq!(report.outcome, StepOutcome::Skipped { tensor: expected.clone() });
    }
    assert_eq!((trainer.state().updates, trainer.state().skipped), (0, 2));
    assert!(bits(trainer.snapshot()) == before);
    let error = trainer.step(&Rows.batch(2).expect("rows")).expect_err("the third ends the run");
    assert!(matches!(&error, Error::NotFinite { skipped: 3, tensor, .. } if *tensor == expected), "{error}");
}

fn fit(trainer: &mut Trainer, out: &Path) -> Snapshot {
    trainer.fit(&mut Rows, &mut (), &FitOptions::new(out)).expect("trains");
    trainer.snapshot()
}

#[test]
fn a_resumed_run_and_a_second_run_end_with_the_same_bits() {
    let _alone = alone();
    let (folder, device) = (tempfile::tempdir().expect("temporary folder"), device());
    let config = |steps| TrainerConfig::new(steps, 1e-2).with_checkpoint_every(2);
    let out = |name: &str| folder.path().join(name);
    let expected = fit(&mut trainer(&device, config(5)), &out("whole"));
    let again = fit(&mut trainer(&device, config(5)), &out("again"));
    assert!(expected.values == again.values && expected.moments == again.moments, "two runs");
    // The last checkpoint is lost; the run resumes from the one before.
    std::fs::remove_dir_all(out("again/checkpoints/step-5")).expect("removes");
    let mut resumed = trainer(&device, config(5));
    let report = resumed.fit(&mut Rows, &mut (), &FitOptions::new(out("again"))).expect("resumes");
    assert_eq!(report.resumed_from, Some(4));
    let resumed = resumed.snapshot();
    assert!(expected.values == resumed.values && expected.moments == resumed.moments, "resumed");
    assert_eq!(resumed.state.loss.to_bits(), expected.state.loss.to_bits());
}

/// Their gradients are read back and exchanged as on the CPU.
#[test]
fn two_ranks_make_the_same_update() {
    let _alone = alone();
    let device = device();
    let config = || TrainerConfig::new(3, 1e-2).with_pass_tokens(LENGTH);
    let mut single = trainer(&device, config());
    let expected: Vec<StepReport> = (0..3).map(|number| step(&mut single, number)).collect();
    let run = |rank: Threads| {
        let mut trainer = trainer(&device, config()).with_collective(rank);
        let reports = (0..3).map(|number| step(&mut trainer, number)).collect::<Vec<_>>();
        (reports, trainer.snapshot())
    };
    let ranks = thread::scope(|scope| {
        let run = &run;
        let running =
            Threads::ranks(2).into_iter().map(|rank| scope.spawn(move || run(rank))).collect::<Vec<_>>();
        running.into_iter().map(|rank| rank.join().expect("no rank panics")).collect::<Vec<_>>()
    });
    assert!(ranks[0].1.values == ranks[1].1.values && ranks[0].1.moments == ranks[1].1.moments);
    for (found, expected) in ranks[0].0.iter().zip(&expected) {
        assert!((found.loss / expected.loss - 1.0).abs() < 5e-5, "{found:?} {expected:?}");
        assert!((found.grad_norm / expected.grad_norm - 1.0).abs() < 1e-4, "{found:?} {expected:?}");
    }
}

#[test]
fn matrices_of_codes_are_refused() {
    let _alone = alone();
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let model = Int4Model::new(Packing::Awq, ZeroPoint::Any);
    model.write(folders[0].path(), folders[1].path()).expect("writes");
    let codes = Decoder::load_in(folders[0].path(), &device(), Precision::F32Exact).expect("loads");
    let refused = Trainer::new(codes.config().clone(), codes, TrainerConfig::new(1, 1e-2));
    let message = refused.err().expect("nothing trains the codes").to_string();
    assert!(message.contains("4-bit codes in `model.layers.0.attention.wqkv`"), "{message}");
    let floats = Decoder::load(folders[0].path(), &device()).expect("loads");
    Trainer::new(floats.config().clone(), floats, TrainerConfig::new(1, 1e-2)).expect("floats are trained");
}

#[cfg(feature = "vulkan")]
mod waits {
    use internlm_model::testing::GpuReads;

    use super::*;

    #[test]
    fn a_step_waits_once() {
        let _alone = alone();
        let device = internlm_model::device::parse("vulkan:0").expect("a Vulkan device");
        let reads = GpuReads::listen();
        let config = TrainerConfig::new(9, 1e-2).with_pass_tokens(LENGTH);
        let mut whole = trainer(&device, config.clone());
        let mut layers = trainer(&device, config.with_recompute(Recompute::Layers));
        let parameters = whole.parameters().len();
        assert_eq!(reads.of(|| drop(whole.snapshot())), 3 * parameters, "values and two moments");
        for number in 0..3 {
            // Three passes each.
            assert_eq!(reads.of(|| drop(step(&mut whole, number))), 1, "step {number}");
            assert_eq!(
                reads.of(|| drop(step(&mut layers, number))),
                1,
                "step {number}, layers computed again"
            );
        }
    }
}
