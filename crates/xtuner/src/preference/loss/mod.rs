//! The losses of preference learning as functions of log-probabilities, in f64, with derivatives written by hand.
//!
//! For each answer: `lp`, the sum of the log-probabilities of its tokens, `ref`, the same of the reference, and n, the
//! number of its tokens. P and N are `lp - ref` of the chosen and of the rejected answer (`ipo`: divided by n),
//! `d = P - N`, b is the strength, e the label smoothing, s the logistic function.
//!
//! | loss | formula | file |
//! |---|---|---|
//! | `sigmoid` | `-(1 - e) log s(b d) - e log s(-b d)` | `difference` |
//! | `robust` | `(-(1 - e) log s(b d) + e log s(-b d)) / (1 - 2 e)` | `difference` |
//! | `hinge` | `max(0, 1 - b d)` | `difference` |
//! | `ipo` | `(d - 1 / (2 b))^2` | `difference` |
//! | `simpo` | `sigmoid` of `b d - margin`, `d` the difference of `lp / n` | `difference` |
//! | `sppo-hard` | `(P - 1 / (2 b))^2 + (N + 1 / (2 b))^2` | `separate` |
//! | `nca-pair` | `-log s(b P) - log s(-b P) / 2 - log s(-b N) / 2` | `separate` |
//! | `orpo` | `-lc - b log s(o(lc) - o(lr))`, `o(l) = l - log(1 - e^l)`, lc and lr `lp / n` | `odds` |
//! | `kto-pair` | half the sum of `1 - s(b (P - max(0, mean N)))` and `1 - s(b (max(0, mean P) - N))` | `kto` |
//! | `kto` | `w (1 - s(b (P - z)))` or `w (1 - s(b (z - P)))`, z of mismatched answers | `kto` |
//!
//! Follows `dpo.py` and `orpo.py` of XTuner; SimPO and KTO follow their papers.

mod answer;
mod difference;
mod grade;
mod kto;
mod logistic;
mod odds;
mod separate;
mod term;

pub use answer::{Answer, Compared};
pub use grade::{Graded, grade};
