//! Near duplicates against brute force, and independence of the order.

use std::collections::{BTreeMap, BTreeSet};

use internlm_kit::rng::CounterRng;
use proptest::prelude::*;
use wanjuan_data::dedup::{
    ExactDedup, NearDedup, NearDedupConfig, RepeatedLines, RepeatedLinesConfig, jaccard, shingles,
};
use wanjuan_data::{Document, Pass, Reason, Verdict};

use crate::site::sentences;

/// Documents in families: one text with `edits[i]` words replaced in member i.
fn families(count: u64, edits: &[u64]) -> Vec<Document> {
    let mut documents = Vec::new();
    for family in 0..count {
        let text = sentences(family, 10).join(" ");
        let rng = CounterRng::new(family, "edits");
        for (member, edits) in edits.iter().enumerate() {
            let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            for edit in 0..*edits {
                let place = rng.split(member as u64).below(edit, words.len() as u64) as usize;
                words[place] = format!("edit{member}x{edit}");
            }
            let mut document = Document::new("dump", &format!("{family}-{member}"), &words.join(" "));
            document.date = Some(format!("2024-05-{:02}T00:00:00Z", 1 + (member * 7) % 28));
            documents.push(document);
        }
    }
    documents
}

/// Similar enough that the chance to miss a pair is nil, or far below the threshold.
const CLEAR_CUT: [u64; 6] = [0, 1, 1, 1, 12, 12];

fn decide(documents: &[Document]) -> BTreeMap<String, Option<Reason>> {
    let pass = NearDedup::new(NearDedupConfig::default());
    let sketches = documents.iter().map(|document| pass.sketch(document)).collect();
    documents.iter().map(|document| document.id.clone()).zip(pass.decide(sketches)).collect()
}

/// Connected components of all pairs with J >= 0.7, by comparing everything with everything.
fn brute_force(documents: &[Document]) -> BTreeMap<String, String> {
    let sets: Vec<Vec<u64>> = documents.iter().map(|document| shingles(&document.content, 5)).collect();
    let mut names: Vec<String> = documents.iter().map(|document| document.id.clone()).collect();
    loop {
        let before = names.clone();
        for i in 0..sets.len() {
            for j in 0..sets.len() {
                if jaccard(&sets[i], &sets[j]) >= 0.7 {
                    names[i] = names[i].clone().min(names[j].clone());
                }
            }
        }
        if names == before {
            return documents.iter().map(|document| document.id.clone()).zip(names).collect();
        }
    }
}

#[test]
fn clusters_are_those_of_brute_force_and_the_most_recent_stays() {
    let documents = families(30, &CLEAR_CUT);
    let decisions = decide(&documents);
    let expected = brute_force(&documents);
    let recency: BTreeMap<&str, _> =
        documents.iter().map(|document| (document.id.as_str(), document.recency())).collect();
    let mut found = 0;
    for (id, component) in &expected {
        let members: BTreeSet<&String> =
            expected.iter().filter(|(_, name)| *name == component).map(|(id, _)| id).collect();
        let winner = members.iter().max_by_key(|id| &recency[id.as_str()]).expect("not empty");
        match &decisions[id] {
            None => assert_eq!(id, *winner, "only the most recent of a cluster stays"),
            Some(reason) => {
                let duplicate = reason.duplicate.as_ref().expect("says what it duplicates");
                assert_eq!((&duplicate.keeper, &duplicate.component), (*winner, component));
                assert!(duplicate.jaccard >= 0.7 && members.contains(&duplicate.neighbor));
                found += 1;
            }
        }
    }
    assert!(found > 50, "the test has duplicates: {found}");
}

#[test]
fn recall_at_the_threshold_is_what_the_bands_promise() {
    let documents = families(400, &[0, 3]);
    let decisions = decide(&documents);
    let (mut pairs, mut found) = (0, 0);
    for pair in documents.chunks(2) {
        let similarity = jaccard(&shingles(&pair[0].content, 5), &shingles(&pair[1].content, 5));
        if (0.7..0.8).contains(&similarity) {
            pairs += 1;
            found += usize::from(pair.iter().any(|document| decisions[&document.id].is_some()));
        }
    }
    assert!(pairs > 100, "{pairs}");
    assert!(found as f64 >= 0.98 * pairs as f64, "{found} of {pairs} pairs found");
}

#[test]
fn nothing_is_dropped_without_a_similar_text() {
    let documents: Vec<Document> =
        (0..200).map(|seed| Document::new("d", &seed.to_string(), &sentences(seed, 8).join(" "))).collect();
    assert!(decide(&documents).values().all(Option::is_none));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_order_of_the_corpus_does_not_matter(seed in 0_u64..1000) {
        let documents = families(6, &CLEAR_CUT);
        let order = CounterRng::new(seed, "order").permutation(documents.len());
        let shuffled: Vec<Document> = order.iter().map(|index| documents[*index].clone()).collect();
        prop_assert_eq!(decide(&documents), decide(&shuffled));
    }
}

#[test]
fn exact_duplicates_by_content_then_by_address() {
    let mut documents: Vec<Document> = [("a", "same"), ("b", "same"), ("c", "other"), ("d", "third")]
        .map(|(id, text)| Document::new("d", id, text))
        .into();
    for (document, (url, date)) in
        documents.iter_mut().zip([("u1", "2"), ("u2", "1"), ("u3", "1"), ("u3", "3")])
    {
        document.url = Some(url.to_owned());
        document.date = Some(date.to_owned());
    }
    let pass = ExactDedup::default();
    let decisions = pass.decide(documents.iter().map(|document| pass.sketch(document)).collect());
    let rules: Vec<Option<&str>> =
        decisions.iter().map(|decision| decision.as_ref().map(|reason| reason.rule.as_ref())).collect();
    assert_eq!(rules, [None, Some("same-content"), Some("same-url"), None]);
}

#[test]
fn lines_of_many_documents_go() {
    let shared = "Click here to see all the other pages.";
    let documents: Vec<Document> = (0..8)
        .map(|seed| {
            let text = format!("{shared}\n{}\n    }}", sentences(seed, 2).join("\n"));
            Document::new("d", &seed.to_string(), &text)
        })
        .collect();
    let mut config = RepeatedLinesConfig::default();
    config.min_words_left = 0;
    let pass = RepeatedLines::new(config);
    let decisions = pass.decide(documents.iter().map(|document| pass.sketch(document)).collect());
    for (document, decision) in documents.into_iter().zip(&decisions) {
        let Verdict::Keep(document) = pass.apply(document, decision) else { panic!("dropped") };
        assert!(!document.content.contains(shared));
        assert!(document.content.ends_with("\n    }"), "short lines stay: {}", document.content);
    }
}
