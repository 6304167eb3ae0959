//! [`Axis`]: the range of a chart with round numbers on it.

/// A range and its ticks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Round numbers inside of the range, ascending.
    pub(super) ticks: Vec<f64>,
}

/// About how many ticks an axis has.
const TICKS: f64 = 6.0;

impl Axis {
    /// The range of `values` with `air` times its length at both ends. A single value gets a visible range.
    pub(super) fn of(values: impl Iterator<Item = f64>, air: f64) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let ends = finite
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = if ends.0 > ends.1 { (0.0, 1.0) } else { ends };
        let margin = if high > low { (high - low) * air } else { (high.abs() * 0.05).max(1e-9) };
        let (low, high) = (low - margin, high + margin);
        Self { low, high, ticks: ticks(low, high) }
    }

    /// Where `value` is on the axis: 0 at its low end, 1 at its high end.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|index| index as f64 * step).collect()
}

/// A number without needless digits.
pub(super) fn label(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.abs() >= 10_000.0 {
        return format!("{}k", label(value / 1000.0));
    }
    if value.abs() < 0.001 {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside_of_the_range() {
        let axis = Axis::of([0.0, 10.0].into_iter(), 0.0);
        assert_eq!((axis.low, axis.high), (0.0, 10.0));
        assert_eq!(axis.ticks, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        let loss = Axis::of([0.31, 0.69, f64::NAN].into_iter(), 0.05);
        assert!(loss.low < 0.31 && loss.high > 0.69 && loss.ticks.len() >= 3, "{loss:?}");
        assert!(loss.ticks.iter().all(|tick| (0.0..=1.0).contains(&loss.share(*tick))), "{loss:?}");
        for odd in [&[][..], &[5.0], &[0.0], &[-2.0, -2.0]] {
            let axis = Axis::of(odd.iter().copied(), 0.05);
            assert!(axis.low < axis.high && !axis.ticks.is_empty(), "{odd:?}: {axis:?}");
        }
    }

    #[test]
    fn labels_are_short() {
        assert_eq!(
            [0.0, 0.5, 2.0, 25_000.0, 0.0002, -1.25].map(label),
            ["0", "0.5", "2", "25k", "2.0e-4", "-1.25"]
        );
    }
}
