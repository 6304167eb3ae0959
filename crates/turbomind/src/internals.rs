//! The parts that the benches, tests and fuzz targets of this crate reach into.
//!
//! Nothing here is part of the public interface: any version may change or remove it.

pub use crate::arena::{Arena, Bytes};
pub use crate::format::{SourceRows, int4, repack};
pub use crate::kernels::attention::{AttentionStep, KvPlace, PagedAttention};
pub use crate::kv::KvPool;
pub use crate::panel::{BlockScale, Panel};
pub use crate::pool::{Member, Pool, default_threads};
pub use crate::simd::{Blocks, BlocksFn, Floats, FloatsFn, peak_gmac_s, quantize_row, scalar};
pub use crate::tile::{BLOCK, GROUP, Matrix, TileFormat, column_groups};
