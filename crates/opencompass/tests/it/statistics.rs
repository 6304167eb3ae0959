//! Intervals against closed forms, large simulations and their promised coverage.

use internlm_kit::rng::CounterRng;
use opencompass::statistics::{Bootstrap, Sample, wilson};
use serde_json::Value;

/// The chance of `k` successes out of `n`.
fn binomial(n: usize, p: f64) -> Vec<f64> {
    let mut chances = vec![(1.0 - p).powi(n as i32)];
    for k in 1..=n {
        let previous = chances[k - 1];
        chances.push(previous * p / (1.0 - p) * (n - k + 1) as f64 / k as f64);
    }
    chances
}

#[test]
fn wilson_covers_what_it_promises() {
    let mut covered = Vec::new();
    for n in [50, 100, 200] {
        for percent in 10..=90 {
            let p = f64::from(percent) / 100.0;
            let chances = binomial(n, p);
            let inside = |k: usize| {
                let (low, high) = wilson(k as f64, n);
                low <= 100.0 * p && 100.0 * p <= high
            };
            covered.push((0..=n).filter(|k| inside(*k)).map(|k| chances[k]).sum::<f64>());
        }
    }
    let mean = covered.iter().sum::<f64>() / covered.len() as f64;
    assert!((0.945..0.955).contains(&mean), "{mean}");
}

#[test]
fn the_bootstrap_covers_what_it_promises() {
    let bootstrap = Bootstrap { resamples: 600, seed: 1 };
    let (simulations, items) = (1000, 200);
    let inside = (0..simulations)
        .filter(|simulation| {
            let rng = CounterRng::new(*simulation, "items");
            // A skewed score between 0 and 1, whose mean is 1/3.
            let values: Vec<f64> = (0..items).map(|item| rng.f64(item).powi(2)).collect();
            let interval = bootstrap.interval(&Sample::of_values(&values));
            interval.low <= 1.0 / 3.0 && 1.0 / 3.0 <= interval.high
        })
        .count();
    let coverage = inside as f64 / simulations as f64;
    assert!((0.93..0.97).contains(&coverage), "{coverage}");
}

#[test]
fn two_thousand_resamples_are_near_two_hundred_thousand() {
    let correct: Vec<f64> = (0..4000_u64).map(|item| if item % 10 < 7 { 100.0 } else { 0.0 }).collect();
    let sample = Sample::of_values(&correct);
    let usual = Bootstrap::default().interval(&sample);
    // The resampled mean is binomial; its quantiles are the limit of any number of resamples.
    let chances = binomial_quantiles(4000, 0.7);
    assert!((usual.low - chances.0).abs() < 0.15, "{usual:?}, expected {chances:?}");
    assert!((usual.high - chances.1).abs() < 0.15, "{usual:?}, expected {chances:?}");
    // Both kinds of interval agree on a proportion of many items.
    let (low, high) = wilson(2800.0, 4000);
    assert!((usual.low - low).abs() < 0.15 && (usual.high - high).abs() < 0.15, "{usual:?}");
}

/// A sample of items that are a cluster, a value and a weight.
fn sample(count: usize, item: impl Fn(usize) -> (usize, f64, f64)) -> Sample {
    Sample::of((0..count).map(|number| {
        let (cluster, value, weight) = item(number);
        (cluster.to_string(), value, weight)
    }))
}

fn right(number: usize, thousandths: usize) -> f64 {
    if number * 37 % 1000 < thousandths { 100.0 } else { 0.0 }
}

/// The samples of `tests/golden/bootstrap.py`, which has drawn 200,000 resamples of each with numpy.
#[test]
fn every_kind_of_sample_is_near_its_two_hundred_thousand_resamples() {
    let golden: Value = serde_json::from_str(include_str!("../golden/bootstrap.json")).expect("JSON");
    let overlap = |i: usize| ((i * 7919 % 1000).pow(2)) as f64 / 10_000.0;
    let rotation = |i: usize| if i / 4 * 53 % 100 < 60 || i % 4 == i / 4 % 4 { 100.0 } else { 0.0 };
    for (name, sample) in [
        ("math", sample(5000, |i| (i, right(i, 202), 1.0))),
        ("words", sample(5153, |i| (i, right(i, 431), 1.0))),
        ("overlap", sample(2000, |i| (i, overlap(i), 1.0))),
        ("rotations", sample(4000, |i| (i / 4, rotation(i), 1.0))),
        ("weighted", sample(3000, |i| (i, right(i, 850), 50.0 + (i * 31 % 400) as f64))),
    ] {
        let found = Bootstrap::default().interval(&sample);
        for (bound, place) in [(found.low, "low"), (found.high, "high")] {
            let expected = golden[name][place].as_f64().expect("a number");
            assert!((bound - expected).abs() < 0.15, "{name}, {place}: {bound}, expected {expected}");
        }
    }
}

#[test]
fn intervals_of_simulated_runs_have_the_true_accuracy_in_95_of_100() {
    let (simulations, items, truth) = (1000, 250, 61.7);
    let bootstrap = Bootstrap { resamples: 600, seed: 1 };
    let (mut by_wilson, mut by_bootstrap) = (0, 0);
    for simulation in 0..simulations {
        let rng = CounterRng::new(simulation, "run");
        let is_right = |item: u64| 100.0 * rng.f64(item) < truth;
        let values: Vec<f64> = (0..items).map(|item| if is_right(item) { 100.0 } else { 0.0 }).collect();
        let (low, high) = wilson(values.iter().sum::<f64>() / 100.0, values.len());
        by_wilson += i32::from(low <= truth && truth <= high);
        let interval = bootstrap.interval(&Sample::of_values(&values));
        by_bootstrap += i32::from(interval.low <= truth && truth <= interval.high);
    }
    for covered in [by_wilson, by_bootstrap] {
        assert!((930..=970).contains(&covered), "{covered} of {simulations}");
    }
}

#[test]
fn rotations_of_a_question_are_covered_only_if_they_are_drawn_together() {
    // Half of the questions are known, and the answers to the others are guesses among four options.
    let (simulations, questions, truth) = (1000, 120, 62.5);
    let bootstrap = Bootstrap { resamples: 600, seed: 1 };
    let (mut together, mut apart) = (0, 0);
    for simulation in 0..simulations {
        let rng = CounterRng::new(simulation, "rotations");
        let is_known = |item: usize| rng.f64(item as u64 / 4) < 0.5;
        let is_right = |item: usize| is_known(item) || rng.f64((questions + item) as u64) < 0.25;
        let value = |item: usize| if is_right(item) { 100.0 } else { 0.0 };
        let covers = |cluster: &dyn Fn(usize) -> usize| {
            let interval = bootstrap.interval(&sample(4 * questions, |i| (cluster(i), value(i), 1.0)));
            i32::from(interval.low <= truth && truth <= interval.high)
        };
        together += covers(&|item| item / 4);
        apart += covers(&|item| item);
    }
    assert!((930..=970).contains(&together), "{together} of {simulations}");
    assert!(apart < 850, "{apart} of {simulations} intervals that take rotations for questions");
}

/// The 2.5 % and 97.5 % quantiles of a binomial share in percent, in logarithms since the chances are tiny.
fn binomial_quantiles(n: usize, p: f64) -> (f64, f64) {
    let mut log_chance = n as f64 * (1.0 - p).ln();
    let (mut total, mut low, mut high) = (log_chance.exp(), None, None);
    for k in 1..=n {
        log_chance += (p / (1.0 - p)).ln() + ((n - k + 1) as f64 / k as f64).ln();
        total += log_chance.exp();
        let share = 100.0 * k as f64 / n as f64;
        if total >= 0.025 {
            low.get_or_insert(share);
        }
        if total >= 0.975 {
            high.get_or_insert(share);
        }
    }
    (low.expect("the chances sum to 1"), high.expect("the chances sum to 1"))
}

#[test]
fn items_of_one_question_widen_the_interval() {
    let value = |question: usize| if question.is_multiple_of(2) { 100.0 } else { 0.0 };
    let items = || (0..400).map(|item| (format!("{}", item / 4), value(item / 4), 1.0));
    let clustered = Bootstrap::default().interval(&Sample::of(items()));
    let single = items().enumerate().map(|(item, (_, value, weight))| (item.to_string(), value, weight));
    let apart = Bootstrap::default().interval(&Sample::of(single));
    let (wide, narrow) = (clustered.high - clustered.low, apart.high - apart.low);
    assert!((wide / narrow - 2.0).abs() < 0.2, "{wide} and {narrow}");
}

#[test]
fn pairs_find_a_small_difference_that_intervals_hide() {
    let rng = CounterRng::new(3, "pairs");
    let first: Vec<f64> = (0..500).map(|item| if rng.f64(item) < 0.6 { 100.0 } else { 0.0 }).collect();
    let mut second = first.clone();
    let mut gained = 0;
    for value in second.iter_mut().filter(|value| **value == 0.0).take(12) {
        *value = 100.0;
        gained += 1;
    }
    let (first, second) = (Sample::of_values(&first), Sample::of_values(&second));
    let test = Bootstrap::default().paired(&first, &second).expect("the same items");
    assert!((test.difference - 100.0 * f64::from(gained) / 500.0).abs() < 1e-9, "{test:?}");
    assert!(test.p_value < 0.01 && test.interval.low > 0.0, "{test:?}");
    let alone = Bootstrap::default();
    assert!(alone.interval(&first).high > alone.interval(&second).low, "the intervals overlap");
    assert!(alone.paired(&first, &Sample::of_values(&[1.0])).is_none());
}

#[test]
fn a_group_is_surer_than_its_members() {
    let member = |share: u64| {
        let values: Vec<f64> = (0..300).map(|item| if item % 10 < share { 100.0 } else { 0.0 }).collect();
        Sample::of_values(&values)
    };
    let members = [member(3), member(5), member(7)];
    let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
    let group = Bootstrap::default().group_interval(&members, &mean);
    assert!(group.low < 50.0 && 50.0 < group.high, "{group:?}");
    let widest = Bootstrap::default().interval(&members[1]);
    assert!(group.high - group.low < 0.7 * (widest.high - widest.low), "{group:?} in {widest:?}");
}
