//! [`SleepLevel`] and [`SleepPart`]: how deeply an engine sleeps, and what it gets back when it wakes.

/// What a sleeping executor still holds. Weights and cache are released in any case.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SleepLevel {
    /// The files of the model stay open: the same weights come back, even if other files have taken their place. (1)
    #[default]
    KeepFiles,
    /// Nothing: what comes back is what is at the path of the model by then. (2)
    ReleaseFiles,
}

/// What an executor releases when it falls asleep and gets back when it wakes, in the order of waking.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum SleepPart {
    /// The weights, in the layout that is computed with.
    Weights,
    /// The blocks of keys and values. They are empty after waking.
    Cache,
}

impl SleepPart {
    /// Everything, in the order of waking.
    pub const ALL: [Self; 2] = [Self::Weights, Self::Cache];

    /// Its name in requests and answers, which is upstream's.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Cache => "kv_cache",
        }
    }

    /// The part called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_by_their_names() {
        for part in SleepPart::ALL {
            assert_eq!(SleepPart::from_name(part.name()), Some(part));
        }
        assert_eq!(SleepPart::from_name("cache"), None);
        assert!(SleepPart::ALL.is_sorted(), "they wake in this order");
    }
}
