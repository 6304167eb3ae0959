//! Temporary.
use super::Shared;
use crate::Result;
use crate::kv::{KvPool, Part};
use crate::pool::Member;
use crate::simd::Isa;
pub(crate) struct Attend<'a> { pub first_row: usize, pub rows: usize, pub position: usize, pub blocks: &'a [u32] }
#[derive(Debug, Default)]
pub(crate) struct AttendRoom;
impl AttendRoom { pub(crate) fn reshape(&mut self, _: &KvPool, _: usize, _: &[Attend<'_>], _: usize) {} }
pub(crate) unsafe fn store(_: Isa, pool: &KvPool, (layer, part): (usize, Part), (block, slot, head): (u32, usize, usize), values: &[f32]) {
    let at = pool.at(layer, part, block, slot, head);
    unsafe { pool.data.write(at..at + values.len()) }.copy_from_slice(values);
}
pub(crate) fn attention(member: &Member<'_>, _: Isa, (pool, layer): (&KvPool, usize), steps: &[Attend<'_>], (q, out): (&Shared<f32>, &Shared<f32>), _: &AttendRoom) -> Result<()> {
    let c = pool.config();
    let d = c.head_dim;
    let rows: usize = steps.iter().map(|s| s.rows).sum();
    let _ = rows;
    let heads_total = HEADS.load(std::sync::atomic::Ordering::Relaxed);
    member.phase(steps.len() * c.kv_heads, |item| {
        let (s, kvh) = (&steps[item / c.kv_heads], item % c.kv_heads);
        let g = heads_total / c.kv_heads;
        for r in 0..s.rows {
            for h in kvh * g..(kvh + 1) * g {
                let at = ((s.first_row + r) * heads_total + h) * d;
                let qv = unsafe { q.read(at..at + d) };
                let n = s.position + r + 1;
                let bt = c.block_tokens;
                let mut sc: Vec<f32> = (0..n).map(|p| { let a = pool.at(layer, Part::Key, s.blocks[p / bt], p % bt, kvh); let k = unsafe { pool.data.read(a..a + d) }; k.iter().zip(qv).map(|(a, b)| a * b).sum::<f32>() / (d as f32).sqrt() }).collect();
                let m = sc.iter().copied().fold(f32::MIN, f32::max);
                let mut l = 0.0; for x in &mut sc { *x = (*x - m).exp(); l += *x; }
                let o = unsafe { out.write(at..at + d) };
                o.fill(0.0);
                for p in 0..n { let a = pool.at(layer, Part::Value, s.blocks[p / bt], p % bt, kvh); let v = unsafe { pool.data.read(a..a + d) }; for i in 0..d { o[i] += sc[p] / l * v[i]; } }
            }
        }
    })
}
pub(crate) static HEADS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
