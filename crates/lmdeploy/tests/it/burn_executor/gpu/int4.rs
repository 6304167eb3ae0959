//! Folders of 4-bit weights, whose codes stay codes on a GPU.

use std::path::Path;

use internlm_model::testing::{Int4Model, ZeroPoint};
use internlm_model::weights::int4::Packing;
use lmdeploy::engine::{SleepLevel, SleepPart};

use super::*;

/// The largest entries of a prompt in two chunks and of three tokens after it, for one sequence or two.
fn rows(executor: &mut BurnExecutor) -> Vec<Vec<(TokenId, f32)>> {
    let vocab = Int4Model::VOCAB as u32;
    let ids: Vec<TokenId> = (0..40).map(|i| TokenId((i * 17 + i * i) % vocab)).collect();
    let mut found = Vec::new();
    for (tokens, sequences) in [(0..20, 1), (20..37, 1), (37..38, 1), (0..37, 2), (38..39, 1), (39..40, 1)] {
        let steps = (2 - sequences..2).map(|id| {
            let wanted = LogitsWanted::Last;
            step(id, &ids[tokens.clone()], tokens.start, &[id as u32 * 2, id as u32 * 2 + 1], wanted)
        });
        let batch = Batch { steps: steps.collect(), detail: LogitsDetail::Top(8), ..Batch::default() };
        for row in executor.step(&batch).expect("computes").rows() {
            let Row::Top(entries) = row else { panic!("the largest were wanted") };
            found.push(entries.to_vec());
        }
    }
    found
}

fn executor(folder: &Path, limits: &ExecutorConfig) -> BurnExecutor {
    BurnExecutor::load(folder, "vulkan:0", limits).expect("loads")
}

#[test]
fn folders_of_codes_serve_sleep_and_are_recorded() {
    let _alone = alone();
    let limits = ExecutorConfig::default().with_cache_block_seq_len(64);
    for packing in [Packing::Awq, Packing::Gptq, Packing::CompressedTensors] {
        let [quantized, plain] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let model = Int4Model::new(packing, ZeroPoint::Any);
        model.write(quantized.path(), plain.path()).expect("writes");
        let expected = rows(&mut executor(plain.path(), &limits));
        let mut single = executor(quantized.path(), &limits);
        let found = rows(&mut single);
        let [count, entries] = [found.len(), found.iter().map(Vec::len).sum()];
        assert_eq!((count, entries), (7, 7 * 8), "{packing:?}");
        for (found, expected) in found.iter().zip(&expected) {
            let logit =
                |id: TokenId| expected.iter().find(|(other, _)| *other == id).map(|(_, logit)| *logit);
            // An entry may be missing only at the end, where others are as large.
            let last = expected[7].1;
            for (id, found) in found {
                let off = (found - logit(*id).unwrap_or(last)).abs();
                assert!(off <= 1e-4, "{packing:?}, {id:?}: {found} {expected:?}");
            }
        }
        single.sleep(SleepLevel::ReleaseFiles).expect("sleeps");
        single.wake(SleepPart::Weights).expect("wakes");
        single.wake(SleepPart::Cache).expect("wakes");
        assert!(found == rows(&mut single), "{packing:?}: after a nap");
        let mut recorded = executor(quantized.path(), &limits.clone().with_graphs());
        assert!(found == rows(&mut recorded), "{packing:?}: recorded");
        assert_eq!(recorded.recorded_steps(), 1, "{packing:?}");
    }
}
