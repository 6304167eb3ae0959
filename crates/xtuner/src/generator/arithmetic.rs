//! [`Problem`]: two operands and an operator.

use internlm_kit::rng::CounterRng;

use super::Dice;

/// Maximum number of decimal digits of an operand.
const OPERAND_DIGITS: u32 = 4;

/// One in this many operand pairs is kept for evaluation.
const HELD_OUT: u64 = 16;

/// Which operation joins the operands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operator {
    /// Adds the operands; the sign is `+`.
    Add,
    /// Subtracts the second operand from the first; the sign is `-`.
    Subtract,
    /// Multiplies the operands; the sign is `*`.
    Multiply,
}

impl Operator {
    /// Every operator, in the order in which they are drawn.
    pub const ALL: [Self; 3] = [Self::Add, Self::Subtract, Self::Multiply];

    /// The sign that the calculator reads.
    #[must_use]
    pub const fn sign(self) -> char {
        match self {
            Self::Add => '+',
            Self::Subtract => '-',
            Self::Multiply => '*',
        }
    }
}

/// A problem of two operands and an operator.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Problem {
    /// The operand before the sign.
    pub left: i64,
    /// What is done with the operands.
    pub operator: Operator,
    /// The operand after the sign.
    pub right: i64,
}

/// Who may see an operand pair.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Split {
    /// Training conversations.
    Train,
    /// Questions of evaluation.
    HeldOut,
}

impl Problem {
    /// Draws a problem of `split`; lengths of the operands are uniform, and training has more of the hard ones.
    pub(super) fn draw(dice: &mut Dice, split: Split) -> Self {
        loop {
            let mut operand = || match split {
                Split::Train => dice.repetitive_number(OPERAND_DIGITS),
                Split::HeldOut => dice.number(OPERAND_DIGITS),
            };
            let (left, right) = (operand(), operand());
            let operator = *dice.pick(&Operator::ALL);
            let problem = Self { left, operator, right };
            if problem.split() == split {
                return problem;
            }
        }
    }

    /// Draws a problem of `split` whose operands have exactly `digits` decimal digits, at least 2.
    pub(super) fn draw_of(dice: &mut Dice, split: Split, digits: u32) -> Self {
        let least = 10_u64.pow(digits.saturating_sub(1));
        loop {
            let mut operand = || (least + dice.below(9 * least)) as i64;
            let (left, right) = (operand(), operand());
            let problem = Self { left, operator: *dice.pick(&Operator::ALL), right };
            if problem.split() == split {
                return problem;
            }
        }
    }

    /// The problem as the calculator reads it, for instance `12*34`.
    #[must_use]
    pub fn expression(&self) -> String {
        format!("{}{}{}", self.left, self.operator.sign(), self.right)
    }

    /// The number that the expression evaluates to.
    #[must_use]
    pub fn answer(&self) -> i64 {
        match self.operator {
            Operator::Add => self.left + self.right,
            Operator::Subtract => self.left - self.right,
            Operator::Multiply => self.left * self.right,
        }
    }

    /// A pure function of the two numbers, whatever their order and the operator: the seed of a run cannot move
    /// a pair from one side to the other.
    pub(super) fn split(&self) -> Split {
        let (small, large) = (self.left.min(self.right), self.left.max(self.right));
        let hash = CounterRng::new(0, "operand pairs").u64((large as u64) << 32 | small as u64);
        if hash.is_multiple_of(HELD_OUT) { Split::HeldOut } else { Split::Train }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_have_the_digits_that_are_asked_for() {
        for digits in 2..=4 {
            let draw = |index| Problem::draw_of(&mut Dice::new(5, "test", index), Split::HeldOut, digits);
            for problem in (0..50).map(draw) {
                assert_eq!(problem.split(), Split::HeldOut);
                for operand in [problem.left, problem.right] {
                    assert_eq!(operand.to_string().len(), digits as usize, "{problem:?}");
                }
            }
        }
    }

    #[test]
    fn lengths_are_balanced_and_splits_are_disjoint() {
        let mut lengths = [0; 4];
        for index in 0..4000 {
            let problem = Problem::draw(&mut Dice::new(5, "test", index), Split::Train);
            lengths[problem.left.to_string().len() - 1] += 1;
            let swapped = Problem { left: problem.right, right: problem.left, operator: Operator::Add };
            assert_eq!(swapped.split(), Split::Train);
        }
        assert!(lengths.iter().all(|count| (850..1150).contains(count)), "{lengths:?}");
        let problem = Problem { left: 12, operator: Operator::Subtract, right: 34 };
        assert_eq!((problem.expression().as_str(), problem.answer()), ("12-34", -22));
    }
}
