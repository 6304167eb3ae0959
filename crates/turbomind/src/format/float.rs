//! F32, F16 and BF16 -> tiles: the numbers of 16 outputs side by side.

use half::{bf16, f16};

use super::record::Problem;
use crate::tile::GROUP;

/// Writes one column group of F32.
pub(super) fn f32(rows: &[&[u8]], out: &mut [u8]) -> Result<(), Problem> {
    transpose::<4>(rows, out, 0, |raw| [f32::from_le_bytes(raw); 2])
}

/// Writes one column group of F16.
pub(super) fn f16(rows: &[&[u8]], out: &mut [u8]) -> Result<(), Problem> {
    transpose::<2>(rows, out, 0, |raw| [f16::from_le_bytes(raw).to_f32(); 2])
}

/// Writes one column group of BF16; weights 2 k and 2 k + 1 of an output stay together.
pub(super) fn bf16(rows: &[&[u8]], out: &mut [u8]) -> Result<(), Problem> {
    let value = |low, high| bf16::from_le_bytes([low, high]).to_f32();
    transpose::<4>(rows, out, 1, |raw| [value(raw[0], raw[1]), value(raw[2], raw[3])])?;
    for (n, row) in rows.iter().enumerate() {
        // When the length is odd, the last weight is paired with a zero.
        if let [low, high] = *row.as_chunks::<4>().1 {
            check(n, row.len() / 2 - 1, value(low, high))?;
            let place = out.len() - 4 * GROUP + 4 * n;
            out[place..place + 2].copy_from_slice(&[low, high]);
        }
    }
    Ok(())
}

/// Transposes units of `SIZE` bytes, `[n][k]` -> `[k][n]`; `values` are the numbers in a unit, `1 << doubling` of them count.
fn transpose<const SIZE: usize>(
    rows: &[&[u8]],
    out: &mut [u8],
    doubling: u32,
    values: impl Fn([u8; SIZE]) -> [f32; 2],
) -> Result<(), Problem> {
    let (units, _) = out.as_chunks_mut::<SIZE>();
    for (n, row) in rows.iter().enumerate() {
        for (k, (raw, place)) in
            row.as_chunks::<SIZE>().0.iter().zip(units[n..].iter_mut().step_by(GROUP)).enumerate()
        {
            let [first, second] = values(*raw);
            check(n, k << doubling, first)?;
            check(n, (k << doubling) + doubling as usize, second)?;
            *place = *raw;
        }
    }
    Ok(())
}

fn check(row: usize, k: usize, found: f32) -> Result<(), Problem> {
    if found.is_finite() {
        return Ok(());
    }
    Err(Problem { row, place: format!("weight {k}"), found })
}
