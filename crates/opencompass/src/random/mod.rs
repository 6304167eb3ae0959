//! Random numbers of Python and NumPy, for what OpenCompass draws with a seed. Everything of our own uses counter-based
//! numbers.

mod mersenne;
mod pcg64;
mod python_random;

pub(crate) use mersenne::Mersenne;
pub(crate) use pcg64::Pcg64;
pub(crate) use python_random::PythonRandom;
