//! AdamW (Loshchilov, Hutter: "Decoupled weight decay regularization", ICLR 2019) in one pass.
//!
//! m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p = p (1 - lr wd);
//! p = p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps).
//! Bias corrections are computed in f64 from the step number. The clip factor is applied to g on the fly,
//! so the gradient is read once here and once for its norm.

use internlm_model::kernels::AdamWCoefficients;
use rayon::prelude::*;

use super::{Decay, OptimConfig};

/// Elements of one parallel piece: the four slices of a piece fit a core's second-level cache.
const PIECE: usize = 16 * 1024;

/// First and second moment of one parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// Running mean of the gradient.
    pub first: Vec<f32>,
    /// Running mean of its square.
    pub second: Vec<f32>,
}

impl Moments {
    /// Zeros for a parameter of `elements` numbers.
    #[must_use]
    pub fn zeros(elements: usize) -> Self {
        Self { first: vec![0.0; elements], second: vec![0.0; elements] }
    }
}

/// The coefficients of one update.
///
/// ```
/// use internlm_train::optim::{AdamW, Moments, OptimConfig};
///
/// let config = OptimConfig::with_lr(0.1).with_weight_decay(0.0);
/// let (mut p, mut moments) = (vec![1.0], Moments::zeros(1));
/// AdamW::new(&config, 0.1, 1, 1.0).update(&mut p, &[3.0], &mut moments, 2);
/// assert!((p[0] - 0.9).abs() < 1e-6); // the first step has length lr whatever the gradient
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AdamW {
    beta1: f32,
    beta2: f32,
    gradient_scale: f32,
    /// 1 / sqrt(1 - b2^t): sqrt(v / (1 - b2^t)) = sqrt(v) * this.
    root_correction: f32,
    eps: f32,
    /// lr / (1 - b1^t).
    step_size: f32,
    /// 1 - lr wd.
    keep: f32,
    decay: Decay,
}

impl AdamW {
    /// The update number `t` (from 1) with rate `lr`; gradients are multiplied by `gradient_scale`.
    ///
    /// # Panics
    /// When `t` is 0.
    #[must_use]
    pub fn new(config: &OptimConfig, lr: f64, t: u64, gradient_scale: f64) -> Self {
        assert!(t > 0, "updates are numbered from 1");
        let correction1 = 1.0 - config.beta1.powf(t as f64);
        let correction2 = 1.0 - config.beta2.powf(t as f64);
        Self {
            beta1: config.beta1 as f32,
            beta2: config.beta2 as f32,
            gradient_scale: gradient_scale as f32,
            root_correction: (1.0 / correction2.sqrt()) as f32,
            eps: config.eps as f32,
            step_size: (lr / correction1) as f32,
            keep: (1.0 - lr * config.weight_decay) as f32,
            decay: config.decay,
        }
    }

    /// Updates the parameter `p` of `dimensions` dimensions and its moments from the gradient `g`.
    ///
    /// Every element is computed on its own, so the result does not depend on the thread count.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn update(&self, p: &mut [f32], g: &[f32], moments: &mut Moments, dimensions: usize) {
        let (m, v) = (&mut moments.first, &mut moments.second);
        assert!(p.len() == g.len() && p.len() == m.len() && p.len() == v.len(), "one moment per number");
        let keep = self.keep(dimensions);
        if p.len() <= PIECE {
            return self.update_piece(p, g, m, v, keep);
        }
        p.par_chunks_mut(PIECE)
            .zip(g.par_chunks(PIECE))
            .zip(m.par_chunks_mut(PIECE).zip(v.par_chunks_mut(PIECE)))
            .for_each(|((p, g), (m, v))| self.update_piece(p, g, m, v, keep));
    }

    /// The factor of a parameter of `dimensions` dimensions: what the weight decay leaves of it.
    fn keep(&self, dimensions: usize) -> f32 {
        if self.decay == Decay::All || dimensions >= 2 { self.keep } else { 1.0 }
    }

    /// The same coefficients for the kernel on a GPU, which has the factor of the gradients from the norm.
    pub(super) fn coefficients(&self, dimensions: usize) -> AdamWCoefficients {
        let Self { beta1, beta2, root_correction, eps, step_size, .. } = *self;
        AdamWCoefficients { beta1, beta2, root_correction, eps, step_size, keep: self.keep(dimensions) }
    }

    fn update_piece(&self, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], keep: f32) {
        let (rest1, rest2) = (1.0 - self.beta1, 1.0 - self.beta2);
        for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
            let g = g * self.gradient_scale;
            *m = self.beta1 * *m + rest1 * g;
            *v = self.beta2 * *v + rest2 * (g * g);
            let denominator = v.sqrt() * self.root_correction + self.eps;
            *p = keep * *p - self.step_size * *m / denominator;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula of the module doc in f64, one number at a time.
    fn reference(config: &OptimConfig, p: f64, gradients: &[f64], dimensions: usize) -> f64 {
        let decay = if dimensions >= 2 { config.weight_decay } else { 0.0 };
        let (mut p, mut m, mut v) = (p, 0.0, 0.0);
        for (index, g) in gradients.iter().enumerate() {
            let t = index as f64 + 1.0;
            m = config.beta1 * m + (1.0 - config.beta1) * g;
            v = config.beta2 * v + (1.0 - config.beta2) * g * g;
            p *= 1.0 - config.lr * decay;
            let m_hat: f64 = m / (1.0 - config.beta1.powf(t));
            let v_hat: f64 = v / (1.0 - config.beta2.powf(t));
            p -= config.lr * m_hat / (v_hat.sqrt() + config.eps);
        }
        p
    }

    #[test]
    fn agrees_with_the_formula_in_f64() {
        let config = OptimConfig::with_lr(1e-2);
        let gradients = [0.3, -1.2, 0.0, 4.0, -0.01];
        for dimensions in [1, 2] {
            let (mut p, mut moments) = (vec![0.7; PIECE + 3], Moments::zeros(PIECE + 3));
            for (index, g) in gradients.iter().enumerate() {
                let update = AdamW::new(&config, config.lr, index as u64 + 1, 0.5);
                update.update(&mut p, &vec![2.0 * *g as f32; PIECE + 3], &mut moments, dimensions);
            }
            let expected = reference(&config, 0.7, &gradients, dimensions);
            assert!(p.iter().all(|p| (f64::from(*p) - expected).abs() < 1e-6), "{} {expected}", p[0]);
        }
    }
}
