//! Properties of the foundation that every crate stands on: what is written comes back, whatever it is.

use std::collections::BTreeMap;

use internlm_kit::journal::{self, Durability, Journal};
use internlm_kit::provenance::Provenance;
use internlm_kit::rng::CounterRng;
use internlm_kit::{config, file, run_folder};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// A config as TOML sees it: tables two deep.
type Nested = BTreeMap<String, BTreeMap<String, i64>>;

/// A config without further keys.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    a: i64,
    b: i64,
}

fn nested() -> impl Strategy<Value = Nested> {
    btree_map("[a-z]{1,4}", btree_map("[a-z-]{1,4}", any::<i64>(), 1..4), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_override_changes_one_key_and_nothing_else(before in nested(), value in any::<i64>(), at in any::<prop::sample::Index>()) {
        let keys: Vec<(String, String)> = before
            .iter()
            .flat_map(|(table, keys)| keys.keys().map(move |key| (table.clone(), key.clone())))
            .collect();
        let (table, key) = at.get(&keys);
        let text = toml::to_string(&before).expect("a table");
        let parsed: Nested = config::parse_unchecked(&text, "a.toml", &[format!("{table}.{key}={value}")]).expect("parses");
        let mut expected = before.clone();
        expected.get_mut(table).expect("is there").insert(key.clone(), value);
        prop_assert_eq!(parsed, expected);
    }

    #[test]
    fn the_wrong_override_is_named_wherever_it_is(good in vec("[ab]=[0-9]", 0..6), at in any::<prop::sample::Index>()) {
        let pair: Pair = config::parse_unchecked("a = 1\nb = 2", "a.toml", &good).expect("parses");
        let last = |key: &str, default: i64| {
            let mut values = good.iter().rev().filter_map(|text| text.strip_prefix(key)?.strip_prefix('='));
            values.next().map_or(default, |value| value.parse().expect("a digit"))
        };
        prop_assert_eq!((pair.a, pair.b), (last("a", 1), last("b", 2)));
        let mut overrides = good.clone();
        overrides.insert(at.index(good.len() + 1), "c=3".to_owned());
        let error = config::parse_unchecked::<Pair>("a = 1\nb = 2", "a.toml", &overrides).expect_err("c is unknown");
        prop_assert!(error.to_string().starts_with("--set c=3: unknown field `c`"), "{}", error);
    }

    #[test]
    fn a_config_differs_from_another_in_exactly_the_keys_that_differ(before in nested(), now in nested()) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("config.toml");
        run_folder::write_config(&path, &before, &Provenance::new("p", "1")).expect("writes");
        prop_assert_eq!(run_folder::differences(&path, &before, &[]).expect("compares"), Some(Vec::new()));
        let mut expected = Vec::new();
        for name in before.keys().chain(now.keys()).collect::<std::collections::BTreeSet<_>>() {
            match (before.get(name), now.get(name)) {
                (Some(left), Some(right)) => {
                    let keys = left.keys().chain(right.keys()).collect::<std::collections::BTreeSet<_>>();
                    expected.extend(
                        keys.into_iter().filter(|key| left.get(*key) != right.get(*key)).map(|key| format!("{name}.{key}")),
                    );
                }
                _ => expected.push(name.clone()),
            }
        }
        prop_assert_eq!(run_folder::differences(&path, &now, &[]).expect("compares"), Some(expected));
    }

    #[test]
    fn a_journal_keeps_every_entry_whose_line_is_whole(entries in vec(any::<String>(), 0..12), cut in any::<prop::sample::Index>()) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("journal.jsonl");
        let mut opened = Journal::open::<String>(&path, Durability::Process).expect("opens");
        for entry in &entries {
            opened.journal.append(entry).expect("appends");
        }
        drop(opened);
        let bytes = file::read(&path).expect("reads");
        let length = cut.index(bytes.len() + 1);
        std::fs::write(&path, &bytes[..length]).expect("cuts");
        let whole = bytes[..length].iter().filter(|byte| **byte == b'\n').count();
        prop_assert_eq!(journal::read::<String>(&path).expect("reads"), &entries[..whole]);
        let opened = Journal::open::<String>(&path, Durability::Process).expect("opens");
        prop_assert_eq!(opened.entries, &entries[..whole]);
        prop_assert_eq!(opened.damaged, Vec::<usize>::new());
    }

    #[test]
    fn bytes_come_back_and_the_hash_of_the_file_is_theirs(bytes in vec(any::<u8>(), 0..5000)) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a/b");
        file::write(&path, &bytes).expect("writes");
        prop_assert_eq!(internlm_kit::hash::sha256_file(&path).expect("reads"), internlm_kit::hash::sha256(&bytes));
        prop_assert_eq!(file::read(&path).expect("reads"), bytes);
    }

    #[test]
    fn random_numbers_stay_in_their_range_and_depend_on_every_part_of_their_key(
        seed in any::<u64>(), counter in any::<u64>(), bound in 1..u64::MAX, length in 0..200_usize,
    ) {
        let rng = CounterRng::new(seed, "a");
        prop_assert!(rng.below(counter, bound) < bound);
        prop_assert!((0.0..1.0).contains(&rng.f64(counter)));
        prop_assert!(rng.normal(counter / 2).is_finite());
        prop_assert_ne!(rng.u64(counter), CounterRng::new(seed, "b").u64(counter));
        prop_assert_ne!(rng.u64(counter), CounterRng::new(seed ^ 1, "a").u64(counter));
        prop_assert_ne!(rng.u64(counter), rng.u64(counter ^ 1));
        prop_assert_ne!(rng.split(0).u64(counter), rng.split(1).u64(counter));
        let mut order = rng.permutation(length);
        order.sort_unstable();
        prop_assert!(order.into_iter().eq(0..length));
    }
}
