//! `bm25`: the rows whose words are most like the question's (`BM25Retriever`, `BM25Okapi` of rank-bm25).
//!
//! score(q, d) = sum over the words w of q of idf(w) x f(w, d) (k1 + 1) / (f(w, d) + k1 (1 - b + b |d| / mean |d|)),
//! idf(w) = ln(N - n(w) + 0.5) - ln(n(w) + 0.5); a negative one becomes epsilon x the mean of all.

use indexmap::IndexMap;

use super::word_tokenize;

const K1: f64 = 1.5;
const B: f64 = 0.75;
const EPSILON: f64 = 0.25;

/// The word counts of all documents.
struct Okapi {
    /// Word -> inverse document frequency.
    idf: IndexMap<String, f64>,
    /// Word -> documents that have it, with the number of times.
    places: IndexMap<String, Vec<(usize, f64)>>,
    /// Number of words of each document, divided by the mean.
    lengths: Vec<f64>,
}

impl Okapi {
    fn new(documents: &[String]) -> Self {
        let mut places: IndexMap<String, Vec<(usize, f64)>> = IndexMap::new();
        let mut lengths = Vec::with_capacity(documents.len());
        for (document, text) in documents.iter().enumerate() {
            let words = word_tokenize(text);
            lengths.push(words.len() as f64);
            for word in words {
                let known = places.entry(word).or_default();
                match known.last_mut() {
                    Some((last, times)) if *last == document => *times += 1.0,
                    _ => known.push((document, 1.0)),
                }
            }
        }
        let mean = lengths.iter().sum::<f64>() / documents.len().max(1) as f64;
        lengths.iter_mut().for_each(|length| *length /= mean);
        let count = documents.len() as f64;
        // The order of the words is that of their first occurrence, on which the rounding of the mean depends.
        let mut idf: IndexMap<String, f64> = places
            .iter()
            .map(|(word, documents)| {
                let having = documents.len() as f64;
                (word.clone(), (count - having + 0.5).ln() - (having + 0.5).ln())
            })
            .collect();
        let floor = EPSILON * idf.values().sum::<f64>() / idf.len().max(1) as f64;
        idf.values_mut().filter(|value| **value < 0.0).for_each(|value| *value = floor);
        Self { idf, places, lengths }
    }

    /// The score of every document for a question. A word that occurs twice counts twice.
    fn scores(&self, question: &str) -> Vec<f64> {
        let mut scores = vec![0.0; self.lengths.len()];
        for word in word_tokenize(question) {
            let (Some(idf), Some(places)) = (self.idf.get(&word), self.places.get(&word)) else { continue };
            for (document, times) in places {
                let length = 1.0 - B + B * self.lengths[*document];
                scores[*document] += idf * (times * (K1 + 1.0) / (times + K1 * length));
            }
        }
        scores
    }
}

/// Takes the `count` train texts that are most like each test text. Of equally good ones the later comes first, as
/// upstream reverses a sorted list.
pub(super) fn bm25(train: &[String], test: &[String], count: usize) -> Vec<Vec<usize>> {
    let okapi = Okapi::new(train);
    let nearest = |question: &String| {
        let scores = okapi.scores(question);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        order.reverse();
        order.truncate(count);
        order
    };
    test.iter().map(nearest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with rank-bm25's formulas in Python.
    const EXPECTED: [f64; 4] =
        [0.951_533_662_085_809_8, 0.195_804_127_400_404_23, 0.144_724_789_817_690_07, 0.0];

    #[test]
    fn scores_are_those_of_rank_bm25() {
        let texts = ["the cat sat on the mat", "the dog sat", "a bird flew over the house", "cats and dogs"];
        let train = texts.map(str::to_owned);
        let found = Okapi::new(&train).scores("the cat sat sat");
        for (found, expected) in found.iter().zip(EXPECTED) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert_eq!(bm25(&train, &["dogs flew".to_owned()], 2), [[3, 2]]);
        assert_eq!(bm25(&[], &["a".to_owned()], 2), [Vec::<usize>::new()]);
    }
}
