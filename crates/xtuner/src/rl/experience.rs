//! Answers as rows that are learned from: the answer's ids are the labels, the prompt is context.

use internlm_model::TokenId;
use internlm_model::decoder::Decoder;
use internlm_train::{Head, Row, outputs};

use crate::Result;

/// The row of a prompt and its answer. The last id is a label only: nothing follows it.
pub(super) fn answer_row(prompt: &[TokenId], answer: &[TokenId]) -> Row {
    let before = answer.len().saturating_sub(1);
    let ids: Vec<TokenId> = prompt.iter().chain(&answer[..before]).copied().collect();
    let context = prompt.len().saturating_sub(1);
    let labels = std::iter::repeat_n(None, context).chain(answer.iter().copied().map(Some));
    Row { labels: labels.collect(), cu_seqlens: vec![0, ids.len()], weights: None, ids }
}

/// The head's number at each label of each row, of a decoder without autodiff.
pub(super) fn at_labels(
    decoder: &Decoder,
    rows: &[Row],
    head: Head,
    pass_tokens: usize,
) -> Result<Vec<Vec<f64>>> {
    let all = outputs(decoder, rows, head, pass_tokens)?;
    let labeled = |(row, outputs): (&Row, Vec<f32>)| {
        let labeled = row.labels.iter().zip(outputs).filter(|(label, _)| label.is_some());
        labeled.map(|(_, output)| f64::from(output)).collect()
    };
    Ok(rows.iter().zip(all).map(labeled).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_what_is_learned() {
        let ids = |values: &[u32]| values.iter().copied().map(TokenId).collect::<Vec<_>>();
        let row = answer_row(&ids(&[1, 5, 6]), &ids(&[7, 8, 2]));
        assert_eq!(row.ids, ids(&[1, 5, 6, 7, 8]));
        assert_eq!(row.labels, [None, None, Some(TokenId(7)), Some(TokenId(8)), Some(TokenId(2))]);
        assert!(row.check(9, "row").is_ok() && row.targets() == 3);
        let row = answer_row(&ids(&[1]), &ids(&[2]));
        assert_eq!((row.ids, row.labels), (ids(&[1]), vec![Some(TokenId(2))]));
    }
}
