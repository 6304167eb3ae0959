//! The sum of two tensors of one shape on a GPU, in place.

use burn::tensor::Tensor as BurnTensor;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{Grid, from_primitive, owned, primitive, rows};

/// `total + part`, in the memory of `total` when nobody else holds it.
pub(in crate::kernels) fn apply(total: BurnTensor<1>, part: BurnTensor<1>) -> BurnTensor<1> {
    let total = owned(primitive(total));
    add_to(&total, rows(primitive(part)));
    from_primitive(total)
}

/// Adds `part` to `total`; both have no gaps between rows.
pub(super) fn add_to(total: &CubeTensor, part: CubeTensor) {
    let Grid { count, dim } = Grid::units(&part.client, part.meta.num_elements());
    let client = part.client.clone();
    add::launch(&client, count, dim, total.clone().into_tensor_arg(), part.into_tensor_arg());
}

#[cube(launch)]
fn add(total: &mut Tensor<f32>, part: &Tensor<f32>) {
    if ABSOLUTE_POS >= part.len() {
        terminate!();
    }
    total[ABSOLUTE_POS] += part[ABSOLUTE_POS];
}
