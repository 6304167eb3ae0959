//! Temporary.
use crate::Result;
use crate::kernels::Shared;
/// Format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KvFormat { /// f32
 F32, /// f16
 F16 }
/// Part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part { /// k
 Key, /// v
 Value }
/// Config
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KvConfig { /// f
 pub format: KvFormat, /// f
 pub layers: usize, /// f
 pub kv_heads: usize, /// f
 pub head_dim: usize, /// f
 pub block_tokens: usize, /// f
 pub blocks: usize }
/// Copy
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BlockCopy { /// f
 pub src: u32, /// f
 pub dst: u32, /// f
 pub tokens: usize }
/// Pool
#[derive(Debug)]
pub struct KvPool { config: KvConfig, pub(crate) data: Shared<f32> }
impl KvPool {
    /// n
    pub fn new(c: &KvConfig) -> Result<Self> { let mut data = Shared::default(); data.reserve(2*c.layers*c.blocks*c.block_tokens*c.kv_heads*c.head_dim); Ok(Self { config: *c, data }) }
    /// c
    pub fn config(&self) -> &KvConfig { &self.config }
    /// b
    pub fn bytes(&self) -> usize { 0 }
    /// c
    pub fn copy(&mut self, _: BlockCopy) -> Result<()> { Ok(()) }
    pub(crate) fn at(&self, layer: usize, part: Part, block: u32, slot: usize, head: usize) -> usize {
        let c = &self.config;
        ((((layer * 2 + (part == Part::Value) as usize) * c.blocks + block as usize) * c.block_tokens + slot) * c.kv_heads + head) * c.head_dim
    }
}
