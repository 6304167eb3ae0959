//! The parameters of `GoogleScholar`'s methods, in upstream's words (`google_scholar_search.py`).

use crate::action::parameter::{Kind, Parameter, optional, required};

/// Of `search_google_scholar`.
pub(super) const SEARCH: &[Parameter] = &[
    required("query", Kind::Text, "The query to search for."),
    optional("cites", Kind::Text, "The unique ID of an article for triggering \"Cited By\" searches."),
    optional(
        "as_ylo",
        Kind::Integer,
        "The starting year for results (e.g., if as_ylo=2018, results before this year will be omitted).",
    ),
    optional(
        "as_yhi",
        Kind::Integer,
        "The ending year for results (e.g., if as_yhi=2018, results after this year will be omitted).",
    ),
    optional(
        "scisbd",
        Kind::Integer,
        "Defines articles added in the last year, sorted by date. It can be set to 1 to include only abstracts, or 2 to include everything.",
    ),
    optional("cluster", Kind::Text, "The unique ID of an article for triggering \"All Versions\" searches."),
    optional("hl", Kind::Text, "The language to use for the Google Scholar search."),
    optional("lr", Kind::Text, "One or multiple languages to limit the search to."),
    optional(
        "start",
        Kind::Integer,
        "The result offset for pagination (0 is the first page of results, 10 is the 2nd page, etc.)",
    ),
    optional("num", Kind::Integer, "The maximum number of results to return, limited to 20."),
    optional("as_sdt", Kind::Text, "Can be used either as a search type or a filter."),
    optional("safe", Kind::Text, "The level of filtering for adult content."),
    optional(
        "filter",
        Kind::Text,
        "Defines if the filters for 'Similar Results' and 'Omitted Results' are on or off.",
    ),
    optional("as_vis", Kind::Text, "Defines whether to include citations or not."),
];

/// Of `get_author_information`.
pub(super) const AUTHOR: &[Parameter] = &[
    required("author_id", Kind::Text, "Required. The ID of an author."),
    optional("hl", Kind::Text, "The language to use for the Google Scholar Author search. Default is 'en'."),
    optional("view_op", Kind::Text, "Used for viewing specific parts of a page."),
    optional("sort", Kind::Text, "Used for sorting and refining articles."),
    optional("citation_id", Kind::Text, "Used for retrieving individual article citation."),
    optional("start", Kind::Integer, "Defines the result offset. Default is 0."),
    optional("num", Kind::Integer, "Defines the number of results to return. Default is 20."),
    optional(
        "no_cache",
        Kind::Boolean,
        "Forces SerpApi to fetch the results even if a cached version is already present. Default is False.",
    ),
    optional(
        "async_req",
        Kind::Boolean,
        "Defines the way you want to submit your search to SerpApi. Default is False.",
    ),
    optional("output", Kind::Text, "Defines the final output you want. Default is 'json'."),
];

/// Of `get_citation_format`.
pub(super) const CITATION: &[Parameter] = &[
    required("q", Kind::Text, "ID of an individual Google Scholar organic search result."),
    optional(
        "no_cache",
        Kind::Boolean,
        "If set to True, will force SerpApi to fetch the Google Scholar Cite results even if a cached version is already present. Defaults to None.",
    ),
    optional(
        "async_",
        Kind::Boolean,
        "If set to True, will submit search to SerpApi and retrieve results later. Defaults to None.",
    ),
    optional(
        "output",
        Kind::Text,
        "Final output format. Set to 'json' to get a structured JSON of the results, or 'html' to get the raw html retrieved. Defaults to 'json'.",
    ),
];

/// Of `get_author_id`.
pub(super) const AUTHOR_ID: &[Parameter] = &[
    required("mauthors", Kind::Text, "Defines the author you want to search for."),
    optional(
        "hl",
        Kind::Text,
        "Defines the language to use for the Google Scholar Profiles search. It's a two-letter language code. (e.g., 'en' for English, 'es' for Spanish, or 'fr' for French). Defaults to 'en'.",
    ),
    optional(
        "after_author",
        Kind::Text,
        "Defines the next page token. It is used for retrieving the next page results. The parameter has the precedence over before_author parameter. Defaults to None.",
    ),
    optional(
        "before_author",
        Kind::Text,
        "Defines the previous page token. It is used for retrieving the previous page results. Defaults to None.",
    ),
    optional(
        "no_cache",
        Kind::Boolean,
        "Will force SerpApi to fetch the Google Scholar Profiles results even if a cached version is already present. Defaults to False.",
    ),
    optional(
        "_async",
        Kind::Boolean,
        "Defines the way you want to submit your search to SerpApi. Defaults to False.",
    ),
    optional(
        "output",
        Kind::Text,
        "Defines the final output you want. It can be set to 'json' (default) to get a structured JSON of the results, or 'html' to get the raw html retrieved. Defaults to 'json'.",
    ),
];
