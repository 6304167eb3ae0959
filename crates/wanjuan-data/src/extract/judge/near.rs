//! [`Near`]: how many steps above an element the nearest element of each slot is.

use crate::extract::dom::{SLOTS, Slot};

/// Distance of a slot that no ancestor has. Greater distances count as this one.
pub(crate) const FAR: u8 = 32;

/// For each [`Slot`], the steps up to the nearest element that has it: 0 for the element itself, [`FAR`] for none.
#[derive(Clone, Debug)]
pub(crate) struct Near([u8; SLOTS]);

impl Near {
    /// What is near the topmost element: nothing yet.
    pub(crate) fn nothing() -> Self {
        Self([FAR; SLOTS])
    }

    /// What is near a child of the element this belongs to: all the same, one step further.
    pub(crate) fn one_step_down(&self) -> Self {
        Self(self.0.map(|steps| steps.saturating_add(1).min(FAR)))
    }

    /// The element itself has the slot.
    pub(crate) fn mark(&mut self, slot: Slot) {
        self.0[slot.index()] = 0;
    }

    /// Steps up to the nearest element with the slot.
    pub(crate) fn steps(&self, slot: Slot) -> u8 {
        self.0[slot.index()]
    }

    /// Whether the element or one above it has the slot.
    pub(crate) fn is_inside(&self, slot: Slot) -> bool {
        self.steps(slot) < FAR
    }

    /// Whether any of the slots is here or above.
    pub(crate) fn is_inside_any(&self, slots: &[Slot]) -> bool {
        slots.iter().any(|slot| self.is_inside(*slot))
    }

    /// The steps of all slots in the order of their numbers: these are columns of the features.
    pub(crate) fn columns(&self) -> impl Iterator<Item = f32> {
        self.0.iter().map(|steps| f32::from(*steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_grow_by_one_a_step_and_end_at_far() {
        let mut near = Near::nothing();
        assert!(Slot::ALL.iter().all(|slot| near.steps(*slot) == FAR && !near.is_inside(*slot)));
        near.mark(Slot::Nav);
        for steps in 0..FAR {
            assert_eq!(near.steps(Slot::Nav), steps);
            assert!(near.is_inside_any(&[Slot::Footer, Slot::Nav]));
            near = near.one_step_down();
        }
        for _ in 0..300 {
            assert_eq!(near.steps(Slot::Nav), FAR);
            assert!(!near.is_inside_any(Slot::ALL));
            near = near.one_step_down();
        }
        near.mark(Slot::Nav);
        assert_eq!(near.steps(Slot::Nav), 0, "a nearer element replaces a farther one");
    }

    #[test]
    fn columns_are_in_the_order_of_the_numbers() {
        let mut near = Near::nothing();
        near.mark(Slot::Emphasis);
        let columns: Vec<f32> = near.columns().collect();
        assert_eq!(columns.len(), SLOTS);
        assert_eq!(columns.iter().position(|steps| *steps == 0.0), Some(Slot::Emphasis.index()));
    }
}
