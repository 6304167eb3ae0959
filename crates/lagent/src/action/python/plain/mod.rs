//! A Python process without Jupyter: pieces of code and their results as frames on its standard streams.

mod kernel;

pub(super) use kernel::PlainKernel;
