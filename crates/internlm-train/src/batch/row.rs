//! [`Row`]: several samples packed end to end, and [`RowSource`]: where the rows of a step come from.

use std::ops::Range;

use internlm_model::TokenId;

use crate::{Error, Result};

/// Samples packed end to end, with labels already shifted.
///
/// `ids.len() == labels.len() == *cu_seqlens.last()`; sample `j` is `cu_seqlens[j]..cu_seqlens[j + 1]`.
/// Positions restart at 0 in each sample and no sample sees another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Input ids of all samples, one after the other.
    pub ids: Vec<TokenId>,
    /// The id that should follow each input; `None` takes no part in the loss.
    pub labels: Vec<Option<TokenId>>,
    /// Sample borders, from 0 to the number of tokens, strictly rising.
    pub cu_seqlens: Vec<usize>,
    /// How much the label of each token counts; `None` when every label counts once.
    pub weights: Option<Vec<f32>>,
}

impl Row {
    /// One sample: every token is the label of the one before it, the last has none.
    ///
    /// ```
    /// use internlm_model::TokenId;
    /// use internlm_train::Row;
    ///
    /// let row = Row::sample(&[TokenId(1), TokenId(5), TokenId(2)]);
    /// assert_eq!(row.labels, [Some(TokenId(5)), Some(TokenId(2)), None]);
    /// assert_eq!(row.cu_seqlens, [0, 3]);
    /// ```
    #[must_use]
    pub fn sample(ids: &[TokenId]) -> Self {
        let labels = ids.iter().skip(1).copied().map(Some).chain(ids.first().map(|_| None)).collect();
        Self { ids: ids.to_vec(), labels, cu_seqlens: vec![0, ids.len()], weights: None }
    }

    /// Number of input tokens.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Number of tokens that take part in the loss.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.labels.iter().flatten().count()
    }

    /// Sum of the weights of the labels: what the sum of the losses is divided by.
    #[must_use]
    pub fn weight(&self) -> f64 {
        match &self.weights {
            None => self.targets() as f64,
            Some(weights) => {
                let labeled = weights.iter().zip(&self.labels).filter(|(_, label)| label.is_some());
                labeled.map(|(weight, _)| f64::from(*weight)).sum()
            }
        }
    }

    /// Lengths of the samples, in order.
    pub fn sample_lengths(&self) -> impl Iterator<Item = usize> {
        self.cu_seqlens.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// Appends the samples of `other`; their borders move by the present number of tokens.
    pub fn append(&mut self, other: &Self) {
        let offset = self.ids.len();
        if self.cu_seqlens.is_empty() {
            self.cu_seqlens.push(0);
        }
        if self.weights.is_some() || other.weights.is_some() {
            let own = self.weights.get_or_insert_with(|| vec![1.0; offset]);
            match &other.weights {
                Some(weights) => own.extend_from_slice(weights),
                None => own.resize(offset + other.tokens(), 1.0),
            }
        }
        self.ids.extend_from_slice(&other.ids);
        self.labels.extend_from_slice(&other.labels);
        self.cu_seqlens.extend(other.cu_seqlens.iter().skip(1).map(|border| border + offset));
    }

    /// Joins consecutive rows as long as the result has at most `tokens` tokens: fewer, larger passes.
    #[must_use]
    pub fn join(rows: &[Self], tokens: usize) -> Vec<Self> {
        Self::join_ranges(rows, tokens).into_iter().map(|(_, row)| row).collect()
    }

    /// As [`Row::join`], with the range of `rows` that each result was made of.
    #[must_use]
    pub fn join_ranges(rows: &[Self], tokens: usize) -> Vec<(Range<usize>, Self)> {
        let mut joined: Vec<(Range<usize>, Self)> = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            match joined.last_mut().filter(|(_, last)| last.tokens() + row.tokens() <= tokens) {
                Some((range, last)) => {
                    last.append(row);
                    range.end = index + 1;
                }
                None => joined.push((index..index + 1, row.clone())),
            }
        }
        joined
    }

    /// Checks the invariants of the type and that every id is below `vocab`; `place` is for the message.
    ///
    /// # Errors
    /// [`Error::Mismatch`] that names `place` and what is wrong.
    pub fn check(&self, vocab: usize, place: &str) -> Result<()> {
        let tokens = self.ids.len();
        if self.labels.len() != tokens {
            let expected = format!("one label for each of its {tokens} ids");
            return Err(Error::mismatch(place, format!("{} labels", self.labels.len()), expected));
        }
        if let Some(weights) = &self.weights {
            let bad = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0));
            let found = match bad {
                Some(weight) => Some(format!("the weight {weight}")),
                None if weights.len() != tokens => Some(format!("{} weights", weights.len())),
                None => None,
            };
            if let Some(found) = found {
                let expected = format!("a weight from 0 for each of its {tokens} ids");
                return Err(Error::mismatch(place, found, expected));
            }
        }
        let rising = self.cu_seqlens.windows(2).all(|pair| pair[0] < pair[1]);
        let ends = self.cu_seqlens.first() == Some(&0) && self.cu_seqlens.last() == Some(&tokens);
        if tokens == 0 || !rising || !ends {
            let found = format!("sample borders {:?}", self.cu_seqlens);
            return Err(Error::mismatch(place, found, format!("rising borders from 0 to {tokens} tokens")));
        }
        match self.ids.iter().chain(self.labels.iter().flatten()).find(|id| id.0 as usize >= vocab) {
            Some(id) => {
                let expected = format!("an id below the model's vocab {vocab}");
                Err(Error::mismatch(place, format!("token id {id}"), expected))
            }
            None => Ok(()),
        }
    }
}

/// Where the rows of a step come from.
///
/// The batch of a step is a pure function of the step (and of what the source was made from): that is
/// what makes a resumed run equal an uninterrupted one without any saved reader state.
pub trait RowSource: Send {
    /// The rows of optimizer step `step` (from 0).
    ///
    /// # Errors
    /// Data that cannot be read or used.
    fn batch(&mut self, step: u64) -> Result<Vec<Row>>;

    /// Identifies data and order: a checkpoint continues only with the same fingerprint.
    fn fingerprint(&self) -> String;

    /// How often the data has been seen when `step` begins.
    fn epoch(&self, step: u64) -> f64;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(values: &[u32]) -> Vec<TokenId> {
        values.iter().copied().map(TokenId).collect()
    }

    #[test]
    fn join_moves_borders_and_respects_the_limit() {
        let rows = [Row::sample(&ids(&[1, 2])), Row::sample(&ids(&[3, 4, 5])), Row::sample(&ids(&[6]))];
        let joined = Row::join(&rows, 5);
        assert_eq!(joined.len(), 2);
        assert_eq!((joined[0].cu_seqlens.as_slice(), joined[0].targets()), ([0, 2, 5].as_slice(), 3));
        assert_eq!(joined[1], rows[2]);
    }

    #[test]
    fn rows_without_weights_count_once_beside_those_with() {
        let weighted = Row { weights: Some(vec![0.5, 0.25]), ..Row::sample(&ids(&[1, 2])) };
        let plain = Row::sample(&ids(&[3, 4, 5]));
        let joined = Row::join(&[plain.clone(), weighted.clone(), plain], 100);
        assert_eq!(joined[0].weights, Some(vec![1.0, 1.0, 1.0, 0.5, 0.25, 1.0, 1.0, 1.0]));
        assert_eq!((joined[0].weight(), joined[0].targets()), (4.5, 5));
        let bad = Row { weights: Some(vec![1.0]), ..weighted };
        assert!(bad.check(10, "row").expect_err("one weight").to_string().contains("1 weights"));
    }

    #[test]
    fn check_names_what_is_wrong() {
        let mut row = Row::sample(&ids(&[1, 9]));
        assert!(row.check(10, "row").is_ok());
        let text = row.check(9, "en/a.bin").expect_err("id 9").to_string();
        assert_eq!(text, "en/a.bin: found token id 9, expected an id below the model's vocab 9");
        row.cu_seqlens = vec![0, 1];
        assert!(row.check(10, "row").expect_err("borders").to_string().contains("borders"));
    }
}
