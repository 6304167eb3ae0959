//! [`Post`]: one post-processor, ready to run.

use std::fmt;

use serde_json::Value;

use super::post_entry::Apply;
use super::registry::make;
use crate::Result;
use crate::dataset::Named;
use crate::prompt::python_str;
use crate::score::Reading;

/// A post-processor that is ready to run.
///
/// ```
/// use opencompass::score::post::Post;
/// let post = Post::named("last_number")?;
/// assert_eq!(post.apply("12 x 34 = 408."), "408");
/// # Ok::<(), opencompass::Error>(())
/// ```
pub struct Post {
    name: String,
    apply: Apply,
}

impl fmt::Debug for Post {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Post").field(&self.name).finish()
    }
}

impl Post {
    /// Creates the post-processor that a dataset file names.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) when the name is unknown or its arguments do not fit.
    pub fn new(named: &Named, reading: Reading) -> Result<Self> {
        Ok(Self { name: named.name().to_owned(), apply: make(named, reading)? })
    }

    /// Creates a post-processor without arguments that repeats OpenCompass 0.5.4.
    ///
    /// # Errors
    /// The same as [`Post::new`].
    pub fn named(name: &str) -> Result<Self> {
        Self::new(&Named::new(name), Reading::Compat)
    }

    /// Runs the post-processor on one text.
    #[must_use]
    pub fn apply(&self, text: &str) -> Value {
        (self.apply)(text)
    }

    /// Runs several post-processors, each on the result of the one before. A list is processed element by element,
    /// null stays null, and other values are taken as Python prints them.
    #[must_use]
    pub fn chain(posts: &[Self], value: Value) -> Value {
        posts.iter().fold(value, |value, post| match value {
            Value::Null => Value::Null,
            Value::Array(items) => items.iter().map(|item| post.apply(&python_str(item))).collect(),
            other => post.apply(&python_str(&other)),
        })
    }
}
