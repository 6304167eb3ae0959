//! Properties that hold for every input: packing, sampling, joining, the schedule, the optimizer, and resuming.

use burn::tensor::Device;
use internlm_kit::context::RunContext;
use internlm_kit::stop::Stop;
use internlm_model::decoder::Decoder;
use internlm_model::{ModelConfig, ModelSize, TokenId};
use internlm_train::batch::{CutPacker, PackShape, Sampler};
use internlm_train::optim::{AdamW, Decay, Moments, OptimConfig, clip_scale, squared_norm};
use internlm_train::{
    End, FitOptions, Flops, Hooks, Result, Resume, Row, RowSource, Schedule, ScheduleConfig, Trainer,
    TrainerConfig,
};
use proptest::prelude::*;
use wanjuan_data::shard::ShardWriter;

/// Documents of ids below 90, in two files so that both have a tail.
fn documents() -> impl Strategy<Value = Vec<Vec<i32>>> {
    prop::collection::vec(prop::collection::vec(0..90_i32, 1..40), 2..12)
}

fn rows_strategy() -> impl Strategy<Value = Vec<Row>> {
    let row = prop::collection::vec(prop::collection::vec(0..90_u32, 1..9), 1..4).prop_map(|samples| {
        let mut row = Row::default();
        for sample in samples {
            row.append(&Row::sample(&sample.into_iter().map(TokenId).collect::<Vec<_>>()));
        }
        row
    });
    prop::collection::vec(row, 0..8)
}

/// The documents as the packer should read them: ids, each with the label that follows it in its document.
fn labeled(documents: &[&Vec<i32>]) -> Vec<(u32, Option<u32>)> {
    let pairs = |document: &&Vec<i32>| -> Vec<(u32, Option<u32>)> {
        let next = document.iter().skip(1).map(|id| Some(*id as u32)).chain([None]);
        document.iter().map(|id| *id as u32).zip(next).collect()
    };
    documents.iter().flat_map(pairs).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn packing_loses_nothing_but_the_tail_and_never_mixes_documents(
        documents in documents(),
        packed_length in 1..30_usize,
        seq_len in 1..30_usize,
        min_length in 0..6_usize,
        seed in any::<u64>(),
    ) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut writer = ShardWriter::create(folder.path().join("en"), "part").expect("creates");
        documents.iter().for_each(|document| writer.push(document).expect("writes"));
        writer.finish().expect("finishes");
        let shape = PackShape { packed_length, seq_len, min_length };
        let kept: Vec<&Vec<i32>> = documents.iter().filter(|document| document.len() >= min_length).collect();
        let tokens: usize = kept.iter().map(|document| document.len()).sum();
        let opened = CutPacker::open(folder.path(), shape, 90, seed);
        if tokens < packed_length {
            prop_assert!(opened.expect_err("not even one row").to_string().contains("at least one row"));
            return Ok(());
        }
        let mut packer = opened.expect("opens");
        prop_assert_eq!((packer.rows(), packer.tokens()), (tokens / packed_length, tokens as u64));
        prop_assert_eq!(packer.dropped() as usize, documents.len() - kept.len());

        let mut stream = Vec::new();
        for index in 0..packer.rows() {
            let row = packer.row(index).expect("reads");
            prop_assert_eq!(row.tokens(), packed_length);
            row.check(90, "row").expect("rising borders, one label for each id");
            prop_assert!(row.sample_lengths().all(|length| length <= seq_len));
            // A label that is missing ends a document, and a document never continues after it.
            for (place, label) in row.labels.iter().enumerate() {
                prop_assert!(label.is_some() || row.cu_seqlens.contains(&(place + 1)));
            }
            stream.extend(row.ids.iter().zip(&row.labels).map(|(id, label)| (id.0, label.map(|label| label.0))));
        }
        // In some order of the documents the rows are the beginning of their concatenation.
        let mut rest = kept.clone();
        let mut read = &stream[..];
        while !read.is_empty() {
            let end = read.iter().position(|(_, label)| label.is_none()).map_or(read.len(), |last| last + 1);
            let whole = read[end - 1].1.is_none();
            let found = rest.iter().position(|document| {
                let expected = labeled(&[document]);
                if whole { expected == read[..end] } else { expected.starts_with(&read[..end]) }
            });
            prop_assert!(found.is_some(), "a document that was never written: {:?}", &read[..end]);
            rest.swap_remove(found.unwrap_or_default());
            read = &read[end..];
        }
        prop_assert_eq!(stream.len(), tokens / packed_length * packed_length);
        let again = CutPacker::open(folder.path(), shape, 90, seed).expect("opens").row(0).expect("reads");
        prop_assert_eq!(again, packer.row(0).expect("reads"));
    }

    #[test]
    fn an_epoch_holds_every_row_once_whatever_the_batch(seed in any::<u64>(), rows in 1..60_usize, batch in 1..9_usize) {
        let steps = (2 * rows).div_ceil(batch) as u64;
        let mut sampler = Sampler::new(seed, rows, batch);
        let stream: Vec<usize> = (0..steps).flat_map(|step| sampler.step(step)).collect();
        for epoch in stream.chunks_exact(rows) {
            let mut seen = epoch.to_vec();
            seen.sort_unstable();
            prop_assert!(seen.into_iter().eq(0..rows));
        }
        // Batch size and the order of the questions do not change what is drawn.
        let mut single = Sampler::new(seed, rows, 1);
        let backwards: Vec<usize> = (0..stream.len() as u64).rev().flat_map(|draw| single.step(draw)).collect();
        prop_assert!(backwards.into_iter().rev().eq(stream));
    }

    #[test]
    fn the_rate_rises_to_the_top_and_falls_to_the_floor(
        steps in 2..400_u64,
        warmup in 0.0..0.9_f64,
        init in 0..20_u64,
        lr in 1e-5..1.0_f64,
        floor in 0.0..1.0_f64,
    ) {
        let floor = floor * lr;
        let mut config = ScheduleConfig::with_steps(steps).with_warmup_ratio(warmup).with_eta_min(floor);
        config.init_steps = init.min(steps - 1);
        let schedule = Schedule::new(&config, lr);
        let rates: Vec<f64> = (0..=steps + 5).map(|step| schedule.rate(step)).collect();
        let (init, warm) = (config.init_steps as usize, (steps as f64 * warmup).floor() as usize);
        prop_assert!(rates[..init].iter().all(|rate| *rate == 0.0));
        let top = (init + warm).min(rates.len());
        prop_assert!(rates[init..top].windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(rates[top..].windows(2).all(|pair| pair[0] >= pair[1]));
        prop_assert!(rates[init..].iter().all(|rate| *rate > 0.0 || floor == 0.0));
        prop_assert!(rates.iter().all(|rate| *rate <= lr * (1.0 + 1e-12)));
        if init + warm < steps as usize {
            prop_assert!((rates[top] - lr).abs() <= 1e-12 * lr);
            prop_assert!((rates[steps as usize] - floor).abs() <= 1e-9 * lr);
        }
    }

    #[test]
    fn joining_keeps_every_sample_and_respects_the_limit(rows in rows_strategy(), limit in 1..40_usize) {
        let joined = Row::join(&rows, limit);
        let samples = |rows: &[Row]| -> Vec<(Vec<TokenId>, Vec<Option<TokenId>>)> {
            let of = |row: &Row| {
                let pieces = row.cu_seqlens.windows(2);
                pieces.map(|pair| (row.ids[pair[0]..pair[1]].to_vec(), row.labels[pair[0]..pair[1]].to_vec())).collect()
            };
            rows.iter().flat_map::<Vec<_>, _>(of).collect()
        };
        prop_assert_eq!(samples(&joined), samples(&rows));
        let longest = rows.iter().map(Row::tokens).max().unwrap_or(0);
        prop_assert!(joined.iter().all(|row| row.tokens() <= limit.max(longest) && row.check(90, "row").is_ok()));
        let size = ModelSize { hidden: 32, layers: 2, heads: 2, inter: 64, vocab: 90 };
        let model = ModelConfig::new(size);
        let flops = Flops::new(&model);
        prop_assert!((flops.of_rows(&joined) - flops.of_rows(&rows)).abs() <= 1e-6 * flops.of_rows(&rows));
    }

    #[test]
    fn the_clip_bounds_the_norm_and_leaves_small_gradients_alone(
        gradient in prop::collection::vec(-50.0..50.0_f32, 1..200),
        limit in 0.1..20.0_f64,
    ) {
        let norm = squared_norm(&gradient).sqrt();
        let plain = gradient.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        prop_assert!((norm - plain).abs() <= 1e-9 * plain.max(1.0));
        let scale = clip_scale(norm, limit);
        prop_assert!(scale * norm <= limit);
        prop_assert_eq!(scale == 1.0, norm + 1e-6 <= limit);
    }

    #[test]
    fn decay_alone_shrinks_matrices_and_leaves_norms(
        values in prop::collection::vec(-2.0..2.0_f32, 1..50),
        lr in 1e-4..0.1_f64,
        decay in 0.0..0.5_f64,
        everything in any::<bool>(),
    ) {
        let mut config = OptimConfig::with_lr(lr).with_weight_decay(decay);
        config.decay = if everything { Decay::All } else { Decay::Matrices };
        for dimensions in [1, 2] {
            let (mut p, mut moments) = (values.clone(), Moments::zeros(values.len()));
            let update = AdamW::new(&config, lr, 1, 1.0);
            update.update(&mut p, &vec![0.0; values.len()], &mut moments, dimensions);
            let keep = if everything || dimensions == 2 { (1.0 - lr * decay) as f32 } else { 1.0 };
            prop_assert!(p.iter().zip(&values).all(|(new, old)| *new == keep * old));
            prop_assert_eq!(&moments, &Moments::zeros(values.len()));
        }
    }
}

/// Rows that depend on the step in every token.
struct Steps;

impl RowSource for Steps {
    fn batch(&mut self, step: u64) -> Result<Vec<Row>> {
        let id = |place: u64| TokenId(((step * 7 + place * place) % 40) as u32);
        Ok(vec![Row::sample(&(0..10).map(id).collect::<Vec<_>>())])
    }

    fn fingerprint(&self) -> String {
        "steps".to_owned()
    }

    fn epoch(&self, step: u64) -> f64 {
        step as f64
    }
}

/// Requests a stop when the validation of a certain step is reached.
struct StopAt(u64, Stop);

impl Hooks for StopAt {
    fn validate(&mut self, step: u64, _decoder: &Decoder) -> Result<Vec<(String, f64)>> {
        if step == self.0 {
            self.1.request();
        }
        Ok(Vec::new())
    }
}

fn trainer(every: u64) -> Trainer {
    let size = ModelSize { hidden: 16, layers: 1, heads: 2, inter: 32, vocab: 40 };
    let model = ModelConfig::new(size);
    let decoder = Decoder::init(&model, 1, &Device::flex());
    let mut config = TrainerConfig::new(9, 1e-2).with_checkpoint_every(every);
    config.monitor.valid_every = 1;
    Trainer::new(model, decoder, config).expect("has parameters")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_run_that_is_stopped_anywhere_ends_with_the_same_bits(
        every in 1..5_u64,
        stops in prop::collection::btree_set(1..8_u64, 0..4),
        forget in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
        let mut expected = trainer(every);
        expected.fit(&mut Steps, &mut (), &FitOptions::new(&whole)).expect("trains");
        for stop in stops {
            let signal = Stop::new();
            let context = RunContext::default().with_stop(signal.clone());
            let options = FitOptions::new(&parts).with_context(&context);
            let report = trainer(every).fit(&mut Steps, &mut StopAt(stop, signal), &options).expect("stops");
            prop_assert!(report.end == End::Stopped || report.validation.is_empty());
            if forget {
                // The newest checkpoint is torn: the one before counts, or the start.
                let newest = internlm_train::checkpoint::list(parts.join("checkpoints")).expect("lists");
                std::fs::write(newest[0].1.join("state.json"), "{").expect("writes");
            }
        }
        let mut resumed = trainer(every);
        resumed.fit(&mut Steps, &mut (), &FitOptions::new(&parts)).expect("finishes");
        let (expected, resumed) = (expected.snapshot(), resumed.snapshot());
        prop_assert_eq!(&resumed.values, &expected.values);
        prop_assert_eq!(&resumed.moments, &expected.moments);
        prop_assert_eq!(resumed.state.loss.to_bits(), expected.state.loss.to_bits());
        let learning = |out: &std::path::Path| -> Vec<String> {
            let text = std::fs::read_to_string(out.join("metrics.jsonl")).expect("reads");
            text.lines().map(|line| line.split(",\"tokens_per_second\"").next().unwrap_or_default().to_owned()).collect()
        };
        prop_assert_eq!(learning(&parts), learning(&whole));
    }
}

#[test]
fn starting_over_leaves_the_old_checkpoints_aside() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let options = FitOptions::new(folder.path());
    trainer(3).fit(&mut Steps, &mut (), &options).expect("trains");
    let report =
        trainer(3).fit(&mut Steps, &mut (), &options.clone().with_start(Resume::None)).expect("trains again");
    assert_eq!((report.resumed_from, report.end), (None, End::Finished));
    assert!(
        folder.path().join("checkpoints.old/step-9").is_dir()
            && folder.path().join("checkpoints/step-9").is_dir()
    );
    let report = trainer(3).fit(&mut Steps, &mut (), &options).expect("only measures");
    assert_eq!(report.resumed_from, Some(9));
}
