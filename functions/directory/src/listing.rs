//! Lists: the page that was asked for.

use trustplane_domain::Failure;
use trustplane_domain::directory::page::PageRequest;
use trustplane_runtime::Request;

/// `page`, `size` and `sort` of a request.
pub(crate) fn page(request: &Request, sortable: &[&'static str]) -> Result<PageRequest, Failure> {
    let query = request.queries();
    PageRequest::parse(query.iter().map(|(name, value)| (name.as_str(), value.as_str())), sortable)
        .map_err(Failure::Invalid)
}
