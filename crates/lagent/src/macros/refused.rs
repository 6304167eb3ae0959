//! Functions that do not become tools, as tests of the documentation: only there a compiler may fail.
//!
//! An argument without a type that can be read from JSON:
//!
//! ```compile_fail,E0277
//! struct Opaque;
//! /// Opens a file.
//! #[lagent::tool]
//! fn open(file: Opaque) -> String {
//!     String::new()
//! }
//! ```
//!
//! A result that can be neither displayed nor serialized:
//!
//! ```compile_fail,E0599
//! struct Opaque;
//! /// Opens a file.
//! #[lagent::tool]
//! fn open(file: String) -> Opaque {
//!     Opaque
//! }
//! ```
//!
//! An error that cannot be displayed, although it could be serialized:
//!
//! ```compile_fail,E0277
//! /// Opens a file.
//! #[lagent::tool]
//! fn open(file: String) -> Result<String, Vec<u8>> {
//!     Ok(file)
//! }
//! ```
//!
//! The same function with what it lacks:
//!
//! ```
//! /// Opens a file.
//! #[lagent::tool]
//! fn open(file: String) -> Result<String, String> {
//!     Ok(file)
//! }
//! # let _ = Open;
//! ```
//!
//! A borrowed argument, an argument that is a pattern, and a tool without a description:
//!
//! ```compile_fail
//! /// Opens a file.
//! #[lagent::tool]
//! fn open(file: &str) -> String {
//!     file.to_owned()
//! }
//! ```
//!
//! ```compile_fail
//! /// Opens a file.
//! #[lagent::tool]
//! fn open((file, mode): (String, u8)) -> String {
//!     file
//! }
//! ```
//!
//! ```compile_fail
//! #[lagent::tool]
//! fn open(file: String) -> String {
//!     file
//! }
//! ```
//!
//! A toolkit whose calls could change it at the same time:
//!
//! ```compile_fail
//! struct Counter(u32);
//! #[lagent::toolkit]
//! impl Counter {
//!     /// Counts on.
//!     #[tool]
//!     fn next(&mut self) -> u32 {
//!         self.0 += 1;
//!         self.0
//!     }
//! }
//! ```
