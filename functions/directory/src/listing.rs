//! Lists: the page and the filters that a request asks for.

use trustplane_domain::Failure;
use trustplane_domain::directory::filter::Filter;
use trustplane_domain::directory::page::PageRequest;
use trustplane_runtime::Request;

/// Parses `page`, `size` and `sort`.
pub(crate) fn page(request: &Request, sortable: &[&'static str]) -> Result<PageRequest, Failure> {
    let query = request.queries();
    PageRequest::parse(query.iter().map(|(name, value)| (name.as_str(), value.as_str())), sortable)
        .map_err(Failure::Invalid)
}

/// Parses the filters of a list.
pub(crate) fn filter(
    request: &Request,
    parse_status: impl Fn(&str) -> Result<&'static str, String>,
) -> Result<Filter, Failure> {
    let query = request.queries();
    Filter::parse(query.iter().map(|(name, value)| (name.as_str(), value.as_str())), parse_status)
        .map_err(Failure::Invalid)
}
