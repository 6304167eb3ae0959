//! [`StepOutputs`]: what a step leaves on the device, read by the host all at once.

use burn::tensor::{DType, Int, Tensor, TensorData, Transaction};
use internlm_model::decoder::Decoder;
use internlm_model::kernels::{MAX_ENTRIES, largest_entries, read_entries};

use crate::engine::{Batch, ExecuteError, Logits, LogitsDetail, SequencePart};

/// Tensors of one step. Every read makes the host wait for the device, so there is one read for all of them.
#[derive(Clone, Debug)]
pub(super) struct StepOutputs {
    /// A number per token, that is finite only if the token's hidden state is: `[T, 1]`, of at least `batch.tokens()`.
    sums: Tensor<2>,
    logits: Option<LogitRows>,
    /// `[batch.hidden_row_count(), hidden]`.
    states: Option<Tensor<2>>,
}

/// Rows of logits, at least `batch.row_count()` of them; those beyond are of nobody.
#[derive(Clone, Debug)]
enum LogitRows {
    /// `[rows, vocab]`.
    Full(Tensor<2>),
    /// `[rows, 2 * count]`.
    Largest { entries: Tensor<2>, count: usize },
}

impl StepOutputs {
    /// What `batch` wants of the output of the decoder.
    ///
    /// # Shapes
    /// - hidden: `[batch.tokens(), hidden]`
    pub(super) fn new(batch: &Batch, decoder: &Decoder, hidden: &Tensor<2>) -> Self {
        let logits = select(hidden, places(batch, SequencePart::rows)).map(|rows| decoder.logits(rows));
        Self {
            // A sum is a number only if all of its terms are.
            sums: hidden.clone().cast(DType::F32).sum_dim(1),
            logits: logits.map(|logits| LogitRows::new(logits, batch.detail)),
            states: select(hidden, places(batch, SequencePart::hidden_rows))
                .map(|rows| rows.cast(DType::F32)),
        }
    }

    /// The `count` largest logits of every row; `None` where the device does not find them.
    ///
    /// # Shapes
    /// - hidden: `[T, hidden]`
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    pub(super) fn of_all(decoder: &Decoder, hidden: Tensor<2>, count: usize) -> Option<Self> {
        let sums = hidden.clone().cast(DType::F32).sum_dim(1);
        let entries = largest_entries(&decoder.logits(hidden), count)?;
        Some(Self { sums, logits: Some(LogitRows::Largest { entries, count }), states: None })
    }

    /// Waits for the device; `vocab` and `width` are the numbers of a row of logits and of hidden states.
    ///
    /// # Errors
    /// The error of the device.
    pub(super) fn read(self, batch: &Batch, vocab: usize, width: usize) -> Result<Logits, ExecuteError> {
        let mut transaction = Transaction::default().register(self.sums);
        let count = match &self.logits {
            Some(LogitRows::Largest { count, .. }) => Some(*count),
            _ => None,
        };
        let wanted = self.logits.is_some();
        if let Some(LogitRows::Full(rows) | LogitRows::Largest { entries: rows, .. }) = self.logits {
            transaction = transaction.register(rows);
        }
        if let Some(states) = self.states {
            transaction = transaction.register(states);
        }
        let read = transaction.try_execute().map_err(|error| ExecuteError::backend(format!("{error:?}")))?;
        let mut read = read.into_iter().map(floats);
        let sums = read.next().unwrap_or_else(|| Ok(Vec::new()))?;
        let rows = if wanted { read.next().transpose()?.unwrap_or_default() } else { Vec::new() };
        let states = read.next().transpose()?.unwrap_or_default();
        let logits = match count {
            Some(count) => {
                let used = batch.row_count() * 2 * count;
                let mut entries = read_entries(&rows[..used], count);
                if let LogitsDetail::Top(wanted) = batch.detail {
                    // A recording gives more than some steps want.
                    entries.iter_mut().for_each(|row| row.truncate(wanted.max(1)));
                }
                Logits::top(entries)
            }
            None => Logits::new(rows, vocab),
        };
        Ok(with_faults(logits.with_hidden(states, width), batch, &sums))
    }
}

impl LogitRows {
    /// Keeps the largest entries on the device where those suffice and the device finds them.
    fn new(logits: Tensor<2>, detail: LogitsDetail) -> Self {
        match detail {
            LogitsDetail::Top(count) if count <= MAX_ENTRIES => {
                let count = count.max(1);
                match largest_entries(&logits, count) {
                    Some(entries) => Self::Largest { entries, count },
                    None => Self::Full(logits),
                }
            }
            _ => Self::Full(logits),
        }
    }
}

/// The numbers of a tensor that has been read.
fn floats(data: TensorData) -> Result<Vec<f32>, ExecuteError> {
    let numbers = data.convert::<f32>().try_into_vec::<f32>();
    numbers.map_err(|error| ExecuteError::backend(format!("{error:?}")))
}

/// Marks the steps that computed something beyond the range of floats, which nobody else must share.
fn with_faults(logits: Logits, batch: &Batch, sums: &[f32]) -> Logits {
    let mut start = 0;
    batch.steps.iter().enumerate().fold(logits, |logits, (index, step)| {
        let end = start + step.tokens.len();
        let broken = sums[start..end].iter().any(|sum| !sum.is_finite());
        start = end;
        if broken {
            logits.with_fault(index, "numbers beyond the range of floats".to_owned())
        } else {
            logits
        }
    })
}

/// The rows of `hidden` at some places; none for no places.
///
/// # Shapes
/// - hidden: `[batch.tokens(), hidden]`
/// - output: `[places.len(), hidden]`
fn select(hidden: &Tensor<2>, places: Vec<i32>) -> Option<Tensor<2>> {
    let count = places.len();
    if count == 0 || count == hidden.dims()[0] {
        return (count > 0).then(|| hidden.clone());
    }
    let places = Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &hidden.device());
    Some(hidden.clone().select(0, places))
}

/// Places of the last tokens of each part, in the order of the batch; `wanted` says how many of a part.
fn places(batch: &Batch, wanted: fn(&SequencePart) -> usize) -> Vec<i32> {
    let mut end = 0;
    let of_part = |step: &SequencePart| {
        end += step.tokens.len();
        end as i32 - wanted(step) as i32..end as i32
    };
    batch.steps.iter().flat_map(of_part).collect()
}
