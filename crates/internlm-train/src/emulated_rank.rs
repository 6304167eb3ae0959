//! [`OwnedParameters`]: which parameters one rank of ZeRO-1 updates, for measuring one rank without the others.
//!
//! With ZeRO-1 (Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", 2020) every
//! rank computes all gradients of its rows, and holds moments and updates of its share of the parameters.

use crate::gradients::Gradients;
use crate::parameters::ParameterInfo;

/// The parameters that a process updates.
#[derive(Clone, Debug)]
pub(crate) struct OwnedParameters {
    /// One entry per trainable parameter.
    owned: Vec<bool>,
}

impl OwnedParameters {
    /// The share of the first of `ranks` ranks: whole parameters from the first on, until their elements are 1/ranks of
    /// all. At most one parameter more than that; all of them for one rank.
    pub(crate) fn of_first_rank(parameters: &[ParameterInfo], ranks: usize) -> Self {
        let total: usize = parameters.iter().map(ParameterInfo::elements).sum();
        let mut before = 0;
        let owned = parameters.iter().map(|info| {
            let owned = before * ranks < total;
            before += info.elements();
            owned
        });
        Self { owned: owned.collect() }
    }

    /// The parameters as those that are not owned take moments: with one element.
    pub(crate) fn with_moments(&self, parameters: &[ParameterInfo]) -> Vec<ParameterInfo> {
        let sized = parameters.iter().zip(&self.owned).map(|(info, owned)| {
            let shape = if *owned { info.shape.clone() } else { vec![1] };
            ParameterInfo { name: info.name.clone(), shape }
        });
        sized.collect()
    }

    /// Drops the gradients of parameters that others update, as the exchange of gradients does.
    pub(crate) fn keep_own(&self, gradients: &mut Gradients) {
        for (gradient, owned) in gradients.iter_mut().zip(&self.owned) {
            if !owned {
                *gradient = None;
            }
        }
    }

    /// Number of elements of the owned parameters.
    pub(crate) fn elements(&self, parameters: &[ParameterInfo]) -> u64 {
        let owned = parameters.iter().zip(&self.owned).filter(|(_, owned)| **owned);
        owned.map(|(info, _)| info.elements() as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::*;

    fn parameters() -> Vec<ParameterInfo> {
        let info = |(index, elements): (usize, usize)| ParameterInfo {
            name: index.to_string(),
            shape: vec![elements, 2],
        };
        [10, 1, 20, 5, 4].into_iter().enumerate().map(info).collect()
    }

    #[test]
    fn the_first_rank_owns_whole_parameters_up_to_its_share() {
        let parameters = parameters();
        let owned = |ranks| OwnedParameters::of_first_rank(&parameters, ranks);
        assert_eq!(owned(1).elements(&parameters), 80);
        assert_eq!(owned(4).owned, [true, false, false, false, false]);
        assert_eq!(owned(2).owned, [true, true, true, false, false]);
        assert_eq!(owned(2).elements(&parameters), 62);
        let sizes: Vec<usize> =
            owned(4).with_moments(&parameters).iter().map(ParameterInfo::elements).collect();
        assert_eq!(sizes, [20, 1, 1, 1, 1]);
    }

    #[test]
    fn gradients_of_others_are_dropped() {
        let parameters = parameters();
        let gradient = || Some(Tensor::<1>::zeros([1], &Device::flex()));
        let mut gradients: Gradients = parameters.iter().map(|_| gradient()).collect();
        OwnedParameters::of_first_rank(&parameters, 2).keep_own(&mut gradients);
        let kept: Vec<bool> = gradients.iter().map(Option::is_some).collect();
        assert_eq!(kept, [true, true, true, false, false]);
    }
}
