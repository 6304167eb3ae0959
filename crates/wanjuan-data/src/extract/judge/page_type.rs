//! [`PageType`]: the kind of a page, which decides what counts as its content.

use super::columns::page_features;
use super::trees::Trees;

/// Kinds of pages, as the Web Content Extraction Benchmark distinguishes them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageType {
    /// News, blog posts, essays: one text.
    Article,
    /// Manuals and reference pages.
    Documentation,
    /// What a company or office offers.
    Service,
    /// Threads, questions and answers: the posts are the content.
    Forum,
    /// One thing for sale.
    Product,
    /// Teasers of many texts.
    Listing,
    /// Many things for sale, or a category of them.
    Collection,
}

/// All types, in the order in which the model has one sum of trees for each.
pub(crate) const PAGE_TYPES: [PageType; 7] = [
    PageType::Article,
    PageType::Documentation,
    PageType::Service,
    PageType::Forum,
    PageType::Product,
    PageType::Listing,
    PageType::Collection,
];

impl PageType {
    /// The name in lower case, as in reports: `article`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Documentation => "documentation",
            Self::Service => "service",
            Self::Forum => "forum",
            Self::Product => "product",
            Self::Listing => "listing",
            Self::Collection => "collection",
        }
    }
}

/// Probability of each type, in the order of [`PAGE_TYPES`]; they sum to 1.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TypeShares(pub(crate) [f32; PAGE_TYPES.len()]);

impl TypeShares {
    /// Asks one model per type. `row` is a whole row of features, of which only the page's are used.
    pub(crate) fn of(models: &[Trees], row: &[f32]) -> Self {
        let page = &row[page_features()];
        let mut shares = [0.0; PAGE_TYPES.len()];
        for (share, model) in shares.iter_mut().zip(models) {
            *share = model.probabilities(page).first().copied().unwrap_or(0.0);
        }
        let sum: f32 = shares.iter().sum();
        Self(shares.map(|share| share / sum.max(1e-9)))
    }

    /// The most probable type.
    pub(crate) fn most_probable(self) -> PageType {
        let shares = self.0.iter().zip(PAGE_TYPES);
        shares.max_by(|a, b| a.0.total_cmp(b.0)).map_or(PageType::Article, |(_, kind)| kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_reports() {
        let names: Vec<&str> = PAGE_TYPES.iter().map(|kind| kind.name()).collect();
        assert_eq!(
            names,
            ["article", "documentation", "service", "forum", "product", "listing", "collection"]
        );
        for kind in PAGE_TYPES {
            assert_eq!(serde_json::to_value(kind).expect("is plain"), kind.name());
        }
    }

    #[test]
    fn the_most_probable_type_wins() {
        for (place, kind) in PAGE_TYPES.into_iter().enumerate() {
            let mut shares = [0.1; PAGE_TYPES.len()];
            shares[place] = 0.4;
            assert_eq!(TypeShares(shares).most_probable(), kind);
        }
    }

    #[test]
    fn shares_sum_to_one_whatever_the_models_say() {
        let none = TypeShares::of(&[], &vec![0.0; *super::super::columns::WIDTH]);
        assert_eq!(none.0, [0.0; PAGE_TYPES.len()], "without models there is nothing to share");
    }
}
