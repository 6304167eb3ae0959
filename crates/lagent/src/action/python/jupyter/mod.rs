//! A Jupyter kernel in the sandbox: ZeroMQ over Unix sockets in its work folder, Jupyter's messages on top.

mod kernel;
mod wire;
mod zmtp;

pub(super) use kernel::JupyterKernel;
