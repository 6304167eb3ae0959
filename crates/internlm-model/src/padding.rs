//! Padded batches: rows of equal length with a mask, as other frameworks hand them over.
//!
//! The decoder knows no padding: the real tokens become one packed row ([`Unpadded`]), so a padded sequence has
//! exactly the logits it has alone, on whichever side it was padded.

use crate::attend::Causal;
use crate::{Error, Result, TokenId};

/// The real tokens of a padded batch in one packed row.
///
/// ```
/// use internlm_model::TokenId;
/// use internlm_model::padding::Unpadded;
///
/// let ids = [[7, 8, 9], [0, 0, 5]].map(|row| row.map(TokenId).to_vec());
/// let batch = Unpadded::new(&ids, &[vec![1, 1, 1], vec![0, 0, 1]])?;
/// assert_eq!(batch.cumulative(), [0, 3, 4]);
/// assert_eq!(batch.scatter(&[0.1, 0.2, 0.3, 0.4], 0.0), [0.1, 0.2, 0.3, 0.0, 0.0, 0.4]);
/// # Ok::<(), internlm_model::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unpadded {
    ids: Vec<TokenId>,
    cumulative: Vec<usize>,
    /// Index of each token in the padded batch.
    places: Vec<usize>,
    padded: usize,
}

impl Unpadded {
    /// `ids` and `mask` (1 real, 0 padding; an `attention_mask`) are `[B, T]`.
    ///
    /// # Errors
    /// Rows of different lengths, values other than 0 and 1, padding between real tokens.
    pub fn new(ids: &[Vec<TokenId>], mask: &[Vec<u8>]) -> Result<Self> {
        let width = ids.first().map_or(0, Vec::len);
        let mut batch =
            Self { ids: Vec::new(), cumulative: vec![0], places: Vec::new(), padded: ids.len() * width };
        if ids.len() != mask.len() {
            let (found, expected) = (mask.len(), ids.len());
            return Err(Error::argument("mask", format!("{found} rows"), expected.to_string()));
        }
        for (row, (ids, mask)) in ids.iter().zip(mask).enumerate() {
            if ids.len() != width || mask.len() != width {
                let found = format!("{} ids and a mask of {}", ids.len(), mask.len());
                return Err(Error::argument(format!("row {row}"), found, format!("{width} of each")));
            }
            let real: Vec<usize> = (0..width).filter(|&at| mask[at] == 1).collect();
            let whole = real.windows(2).all(|pair| pair[0] + 1 == pair[1]);
            if !whole || mask.iter().any(|&value| value > 1) {
                let found = format!("mask {mask:?}");
                return Err(Error::argument(format!("row {row}"), found, "one run of 1 among 0"));
            }
            batch.ids.extend(real.iter().map(|&at| ids[at]));
            batch.places.extend(real.iter().map(|&at| row * width + at));
            batch.cumulative.push(batch.ids.len());
        }
        Ok(batch)
    }

    /// The real tokens of all sequences, one sequence after the other.
    #[must_use]
    pub fn ids(&self) -> &[TokenId] {
        &self.ids
    }

    /// Where the sequences begin and end in it, B + 1 numbers.
    #[must_use]
    pub fn cumulative(&self) -> &[usize] {
        &self.cumulative
    }

    /// The other argument of the decoder's forward, for [`Unpadded::ids`].
    #[must_use]
    pub fn attend(&self) -> Causal {
        Causal::packed(&self.cumulative)
    }

    /// Results of the packed row, put back into the padded batch: `[tokens, width]` to `[B, T, width]`, padding
    /// positions hold `filler`.
    ///
    /// # Panics
    /// When the values are not a whole number per token.
    #[must_use]
    pub fn scatter(&self, values: &[f32], filler: f32) -> Vec<f32> {
        let width = values.len() / self.ids.len().max(1);
        assert_eq!(values.len(), width * self.ids.len(), "every token has the same number of values");
        let mut padded = vec![filler; self.padded * width];
        for (place, values) in self.places.iter().zip(values.chunks_exact(width.max(1))) {
            padded[place * width..(place + 1) * width].copy_from_slice(values);
        }
        padded
    }
}
