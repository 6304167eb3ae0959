//! How often the host waits for the GPU. wgpu tells in its log what it reads, CUDA does not.

use internlm_model::testing::GpuReads;

use super::*;

/// A prompt and a single token, then single tokens with a copied block, whole rows and hidden states.
fn check(executor: &mut BurnExecutor, policy: QuantPolicy, reads: &GpuReads) {
    let ids = prompt(4, 30);
    let copies = vec![BlockCopy { from: BlockId(1), to: BlockId(9), tokens: 5 }];
    for (copies, tokens, detail) in [
        (Vec::new(), 0..20, LogitsDetail::Top(1)),
        (Vec::new(), 20..21, LogitsDetail::Top(40)),
        (copies, 21..22, LogitsDetail::Full),
        (Vec::new(), 22..23, LogitsDetail::Top(1)),
    ] {
        let position = tokens.start;
        let wanted = [LogitsWanted::Last, LogitsWanted::HiddenLast];
        let parts = wanted.into_iter().enumerate().map(|(id, wanted)| {
            let blocks = [id as u32 * 2, id as u32 * 2 + 1];
            step(id as u64, &ids[tokens.clone()], position, &blocks, wanted)
        });
        let batch = Batch { copies, steps: parts.collect(), detail, ..Batch::default() };
        let found = reads.of(|| drop(executor.step(&batch).expect("computes")));
        assert_eq!(found, 1, "{policy:?}, position {position}");
    }
}

/// A prompt, a step that is recorded, and steps that are launched from the recording.
fn check_recorded(executor: &mut BurnExecutor, policy: QuantPolicy, reads: &GpuReads) {
    let ids = prompt(4, 30);
    for tokens in [0..20, 20..21, 21..22, 22..23] {
        let position = tokens.start;
        let parts = [0, 1].map(|id| {
            let blocks = [id as u32 * 2, id as u32 * 2 + 1];
            step(id, &ids[tokens.clone()], position, &blocks, LogitsWanted::Last)
        });
        let batch = Batch { steps: parts.to_vec(), detail: LogitsDetail::Top(3), ..Batch::default() };
        let found = reads.of(|| drop(executor.step(&batch).expect("computes")));
        let records = position == 20;
        assert!(records || found == 1, "{policy:?}, position {position}: {found}");
    }
    assert_eq!(executor.recorded_steps(), 1, "{policy:?}");
}

#[test]
fn a_step_waits_once() {
    let _alone = alone();
    let device = internlm_model::device::parse("vulkan:0").expect("a Vulkan device");
    let reads = GpuReads::listen();
    for policy in [QuantPolicy::Float, QuantPolicy::Int8, QuantPolicy::Int4] {
        let limits = ExecutorConfig::default().with_quant_policy(policy);
        check(&mut wide(&device, &limits), policy, &reads);
        check_recorded(&mut wide(&device, &limits.with_graphs()), policy, &reads);
    }
}
