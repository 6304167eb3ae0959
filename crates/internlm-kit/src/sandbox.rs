//! Untrusted code under limits. Placeholder until the first real version lands beside it.
