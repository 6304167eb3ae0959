//! Rows of samples: packing, weights of labels, repetition, and an order that is a pure function of the step.

use std::slice::from_ref;

use internlm_model::TokenId;
use internlm_train::{Row, RowSource};
use xtuner::dataset::{PackingConfig, Reduction, RowsConfig, Sample, SampleSet, SftRows};

/// A sample of `length` ids that begin at 100 times its number; the ids from `answer` on are learned.
fn sample(number: u32, length: usize, answer: usize) -> Sample {
    let ids = (0..length as u32).map(|place| TokenId(100 * number + place)).collect();
    Sample { ids, weights: (0..length).map(|place| if place < answer { 0.0 } else { 1.0 }).collect() }
}

fn samples(count: u32) -> Vec<Sample> {
    (0..count).map(|number| sample(number, 5 + (number * 7 % 23) as usize, 3)).collect()
}

fn all_rows(sets: &[SampleSet], config: &RowsConfig) -> Vec<Row> {
    let mut source = SftRows::new(sets, config).expect("samples to learn from");
    let steps = source.rows().div_ceil(config.rows_per_step) as u64;
    let rows = (0..steps).flat_map(|step| source.batch(step).expect("reads"));
    rows.take(source_rows(sets, config)).collect()
}

fn source_rows(sets: &[SampleSet], config: &RowsConfig) -> usize {
    SftRows::new(sets, config).expect("samples to learn from").rows()
}

/// The sum of the weights of the labels of each sample, by the sample's number.
fn weights(rows: &[Row]) -> Vec<(u32, f64)> {
    let mut found: Vec<(u32, f64)> = Vec::new();
    for row in rows {
        row.check(10_000, "row").expect("a valid row");
        for (place, id) in row.ids.iter().enumerate().filter(|(place, _)| row.labels[*place].is_some()) {
            let weight = row.weights.as_ref().map_or(1.0, |weights| f64::from(weights[place]));
            match found.iter_mut().find(|(number, _)| *number == id.0 / 100) {
                Some((_, sum)) => *sum += weight,
                None => found.push((id.0 / 100, weight)),
            }
        }
    }
    found.sort_by_key(|(number, _)| *number);
    found
}

#[test]
fn every_packing_holds_every_label_once() {
    let set = SampleSet::new(samples(60));
    let labels: usize = set.samples.iter().map(Sample::labels).sum();
    for packing in [PackingConfig::Soft, PackingConfig::Hard, PackingConfig::None] {
        let rows = all_rows(from_ref(&set), &RowsConfig::new(40, 2).with_packing(packing));
        assert_eq!(rows.iter().map(Row::targets).sum::<usize>(), labels, "{packing:?}");
        assert!(rows.iter().all(|row| row.tokens() <= 40 && row.weights.is_none()), "{packing:?}");
        let found = weights(&rows);
        let expected = set.samples.iter().zip(0..).map(|(sample, number)| (number, sample.labels() as f64));
        assert_eq!(found, expected.collect::<Vec<_>>(), "{packing:?}");
    }
    let step_tokens = |packing| {
        let config = RowsConfig::new(40, 2).with_packing(packing);
        SftRows::new(from_ref(&set), &config).expect("samples to learn from").step_tokens()
    };
    let tokens: usize = set.samples.iter().map(|sample| sample.ids.len()).sum();
    assert_eq!((step_tokens(PackingConfig::Soft), step_tokens(PackingConfig::Hard)), (80, 80));
    assert_eq!(step_tokens(PackingConfig::None), (2 * tokens).div_ceil(60));
    let single = all_rows(from_ref(&set), &RowsConfig::new(40, 2).with_packing(PackingConfig::None));
    assert!(single.len() == 60 && single.iter().all(|row| row.cu_seqlens.len() == 2));
}

#[test]
fn a_cut_begins_a_sample_and_costs_no_label() {
    let set = SampleSet::new(vec![sample(1, 25, 1)]);
    let mut rows = all_rows(&[set], &RowsConfig::new(10, 1).with_packing(PackingConfig::Hard));
    rows.sort_by_key(|row| row.ids[0]);
    let lengths: Vec<&[usize]> = rows.iter().map(|row| row.cu_seqlens.as_slice()).collect();
    assert_eq!(lengths, [[0, 10], [0, 10], [0, 5]]);
    assert_eq!(rows[0].labels[9], Some(TokenId(110)), "the token before a cut learns the one after it");
    assert_eq!(rows[2].labels[4], None);
    // What is left of the question alone teaches nothing.
    let question = SampleSet::new(vec![sample(1, 25, 15)]);
    let rows = all_rows(&[question], &RowsConfig::new(10, 1).with_packing(PackingConfig::Hard));
    assert_eq!(rows.iter().map(Row::targets).sum::<usize>(), 10);
    assert_eq!(rows.len(), 2);
}

#[test]
fn reductions_weigh_tokens_samples_and_square_roots() {
    let set = SampleSet::new(samples(40));
    for packing in [PackingConfig::Soft, PackingConfig::Hard] {
        let config = RowsConfig::new(40, 2).with_packing(packing);
        let by_sample = weights(&all_rows(from_ref(&set), &config.clone().with_reduction(Reduction::Sample)));
        assert!(by_sample.iter().all(|(_, weight)| (weight - 1.0).abs() < 1e-6), "{by_sample:?}");
        let by_root = weights(&all_rows(from_ref(&set), &config.with_reduction(Reduction::Square)));
        for (number, weight) in by_root {
            let labels = set.samples[number as usize].labels() as f64;
            assert!((weight - labels.sqrt()).abs() < 1e-5, "sample {number}: {weight}");
        }
    }
}

#[test]
fn sets_repeat_and_weigh() {
    let rare = SampleSet { repeat: 2.5, weight: 0.5, ..SampleSet::new(samples(10)) };
    let other: Vec<Sample> = (50..70).map(|number| sample(number, 9, 4)).collect();
    let config = RowsConfig::new(64, 2);
    let rows = all_rows(&[rare.clone(), SampleSet::new(other)], &config);
    let found = weights(&rows);
    let copies: Vec<f64> = found[..10]
        .iter()
        .map(|(number, weight)| weight / (0.5 * rare.samples[*number as usize].labels() as f64))
        .collect();
    assert_eq!(copies.iter().filter(|copies| **copies == 3.0).count(), 5, "{copies:?}");
    assert_eq!(copies.iter().filter(|copies| **copies == 2.0).count(), 5, "{copies:?}");
    assert!(found[10..].iter().all(|(_, weight)| *weight == 5.0), "{found:?}");
    let none = SampleSet { repeat: 0.0, ..rare };
    let error = SftRows::new(&[none], &config).expect_err("nothing is left").to_string();
    assert!(error.contains("no sample to learn from"), "{error}");
}

#[test]
fn groups_of_similar_length_are_pure_and_complete() {
    let set = SampleSet::new(samples(101));
    let config = RowsConfig::new(40, 4).with_packing(PackingConfig::None);
    let open = |config: &RowsConfig| SftRows::new(from_ref(&set), config).expect("samples");
    let grouped = config.clone().with_groups_by_length();
    let mut source = open(&grouped);
    let stream: Vec<Vec<Row>> = (0..60).map(|step| source.batch(step).expect("reads")).collect();
    for step in (0..60).rev() {
        assert_eq!(open(&grouped).batch(step).expect("reads"), stream[step as usize], "step {step}");
    }
    let mut epoch: Vec<TokenId> = stream.concat()[..101].iter().map(|row| row.ids[0]).collect();
    epoch.sort_unstable();
    assert_eq!(epoch, (0..101).map(|number| TokenId(100 * number)).collect::<Vec<_>>());
    let padding = |rows: &[Row]| {
        let longest = rows.iter().map(Row::tokens).max().unwrap_or(0);
        rows.iter().map(|row| longest - row.tokens()).sum::<usize>()
    };
    let mut plain = open(&config);
    let random: usize = (0..25).map(|step| padding(&plain.batch(step).expect("reads"))).sum();
    let similar: usize = stream[..25].iter().map(|rows| padding(rows)).sum();
    assert!(4 * similar < random, "{similar} of {random}");
    assert_ne!(source.fingerprint(), plain.fingerprint());
    assert_eq!(source.epoch(50), plain.epoch(50));
}

#[test]
fn the_fingerprint_knows_weights_and_settings_out_of_range_are_named() {
    let set = SampleSet::new(samples(20));
    let print = |set: &SampleSet, config: &RowsConfig| {
        SftRows::new(from_ref(set), config).expect("samples").fingerprint()
    };
    let config = RowsConfig::new(40, 2);
    let heavy = SampleSet { weight: 2.0, ..set.clone() };
    let all = [
        print(&set, &config),
        print(&heavy, &config),
        print(&set, &config.clone().with_reduction(Reduction::Sample)),
        print(&set, &config.clone().with_packing(PackingConfig::Hard)),
        print(&set, &config.clone().with_seed(1)),
    ];
    for (index, one) in all.iter().enumerate() {
        assert!(!all[..index].contains(one), "{all:?}");
    }
    let refused = |set: SampleSet, config: &RowsConfig| {
        SftRows::new(&[set], config).expect_err("out of range").to_string()
    };
    assert!(refused(set.clone(), &RowsConfig::new(0, 1)).contains("dataset.row-tokens: found 0"));
    assert!(refused(set.clone(), &RowsConfig::new(1, 0)).contains("dataset.rows-per-step: found 0"));
    assert!(refused(SampleSet { weight: -1.0, ..set.clone() }, &config).contains("found -1"));
    assert!(refused(SampleSet { repeat: f64::NAN, ..set }, &config).contains("found NaN"));
}
