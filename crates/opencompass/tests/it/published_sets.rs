//! The embedded files of published sets: asked as upstream asks, loaded from the user's files.

use opencompass::dataset::{Catalog, Dataset, list_version};
use opencompass::infer::InferContext;
use opencompass::model::{MockModel, Model, Request, ScoredText};
use opencompass::plan::{Plan, Work};

use crate::shared;

#[test]
fn prompt_hashes_are_the_suffixes_of_upstreams_configs() {
    let catalog = Catalog::embedded();
    for (stem, suffix) in [
        ("gsm8k", "1d7fe4"),
        ("ARC-c", "a450bd"),
        ("ARC-e", "a450bd"),
        ("piqa", "3431ea"),
        ("mmlu", "ac766d"),
        ("ceval", "578f8d"),
    ] {
        let sets = catalog.find(&[stem]).expect("embedded");
        assert_eq!(list_version(&sets), suffix, "{stem}");
    }
}

fn loaded(name: &str) -> Option<Vec<Dataset>> {
    let data = shared::path("eval")?;
    let sets = Catalog::embedded().find(&[name]).expect("embedded");
    Some(sets.into_iter().map(|set| Dataset::load(set, &[&data]).expect("loads")).collect())
}

#[test]
fn the_sets_load_with_their_published_counts() {
    for (stem, sets, rows) in [
        ("gsm8k", 1, 1319),
        ("piqa", 1, 1838),
        ("mmlu", 57, 14042),
        ("ceval", 52, 1346),
        ("ARC-e", 1, 567),
        ("ARC-c", 1, 295),
    ] {
        let Some(loaded) = loaded(stem) else { return };
        assert_eq!(loaded.len(), sets, "{stem}");
        assert_eq!(loaded.iter().map(|set| set.test.len()).sum::<usize>(), rows, "{stem}");
    }
}

#[test]
fn the_answers_of_gsm8k_are_numbers_and_of_arc_letters() {
    let Some(gsm8k) = loaded("gsm8k") else { return };
    assert_eq!(gsm8k[0].test[0].gold(&gsm8k[0].config.reader), "18");
    let arc = loaded("ARC-c").expect("beside gsm8k");
    let letters: std::collections::BTreeSet<String> =
        arc[0].test.iter().map(|row| row.gold(&arc[0].config.reader).to_string()).collect();
    assert_eq!(letters.into_iter().collect::<String>(), "\"A\"\"B\"\"C\"\"D\"");
}

#[test]
fn a_question_of_mmlu_carries_five_shots() {
    let Some(mut sets) = loaded("lukaemon_mmlu_abstract_algebra") else { return };
    sets[0].test.truncate(1);
    let model = MockModel::new("mock", |_| unreachable!("planning asks nothing"));
    let plan = Plan::new(&[model.profile()], &sets, InferContext::default());
    let Work::Ready(items) = &plan.cells[0].work else { panic!("refused") };
    assert_eq!(items[0].asks.len(), 4);
    let Request::Score { text: ScoredText::Text(prompt) } = &items[0].asks[1].request else {
        panic!("a text to score")
    };
    let head = "The following are multiple choice questions (with answers) about  abstract algebra.\n\nFind all c in Z_3";
    assert!(prompt.starts_with(head), "{prompt}");
    assert_eq!(prompt.matches("\nAnswer: ").count(), 6);
    assert!(prompt.ends_with("\nAnswer: B"), "{prompt}");
}
