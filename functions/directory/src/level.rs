//! Levels of the directory: the children of one parent, their number, and the pages of their list.
//!
//! A list in the order of its keys reads a page, in the round trip of the credential, and takes the total from the level's
//! count. Where a page begins is known for the first one, and for one whose predecessor was served by the same process
//! while the level has not changed since: the process remembers where that page ended. For other pages the rows before
//! are read too. So the first page costs the same whatever the level holds, and a client that requests page after page
//! reads each row about once. Other orders read the whole level: one unit per 4 KB of it.

use std::cell::RefCell;
use std::collections::HashMap;

use trustplane_domain::directory::page::{Page, PageRequest, SortKey};
use trustplane_domain::{Conflict, Failure};
use trustplane_store::{Count, Item, Key, Listing, Query, Reads, Slot, Writes};

/// Ends of pages that a process remembers.
const REMEMBERED: usize = 1_000;

/// The children of one parent.
#[derive(Clone, Debug)]
pub(crate) struct Level<T> {
    children: Query<T>,
    count: Key<Count>,
    /// The field whose order is that of the keys.
    field: &'static str,
}

/// Rows and count that were read for a page.
#[derive(Debug)]
pub(crate) struct Found<T> {
    level: Level<T>,
    request: PageRequest,
    place: Place,
    /// The version of the count that the listing begins at the page for; `None` if it begins with the level.
    begins_at_page: Option<u64>,
    children: Listing<T>,
    count: Slot<Count>,
}

/// A page whose rows were found, or have to be read again.
#[derive(Debug)]
pub(crate) struct Plan<T> {
    found: Found<T>,
    again: Option<Query<T>>,
}

/// Place of a page among those of a level.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    /// The key of the level's count. It names the tenant.
    level: String,
    /// `None` for an order that is not that of the keys, and for a filtered list.
    is_ascending: Option<bool>,
    size: usize,
    number: usize,
}

/// The end of a page: the version of the level's count, and the key of the page's last row.
type End = (u64, String);

thread_local! {
    /// The ends of pages that this process served, by the place of the next page. They are used for a permitted request
    /// only, and only if the level has not changed.
    static ENDS: RefCell<HashMap<Place, End>> = RefCell::default();
}

impl<T: Item> Level<T> {
    /// Describes a level whose keys are in the order of `field`.
    pub(crate) fn new(children: Query<T>, count: Key<Count>, field: &'static str) -> Self {
        Self { children, count, field }
    }

    /// Reads what a page needs: all of the level if the list is filtered.
    pub(crate) fn page(self, request: &PageRequest, is_filtered: bool) -> impl Reads<Loaded = Found<T>> + use<T> {
        let request = request.clone();
        let place = Place {
            level: self.count.to_string(),
            is_ascending: request.order_of(self.field).filter(|_| !is_filtered),
            size: request.size(),
            number: request.number(),
        };
        let (begins_at_page, after) = place.begin().unzip();
        let children = match after {
            Some(after) => place.directed(self.children.clone()).page(place.size, Some(after)),
            None => place.up_to_page(self.children.clone()),
        };
        let reads = (children, self.count.clone().optional());
        reads.map(move |(children, count)| Found { level: self, request, place, begins_at_page, children, count })
    }

    /// Reads the children if they are not counted, for a change of their number.
    pub(crate) fn uncounted(self, count: &Slot<Count>) -> Option<Query<T>> {
        count.item.is_none().then_some(self.children)
    }
}

impl<T: Item> Found<T> {
    /// Plans the page.
    pub(crate) fn plan(self) -> Plan<T> {
        let is_part = self.begins_at_page.is_some() || self.children.next.is_some();
        let again = if self.count.item.is_none() && is_part {
            // A level that was filled before levels had counts, and not changed since.
            Some(self.level.children.clone())
        } else if self.begins_at_page.is_some() && self.begins_at_page != self.count.version() {
            Some(self.place.up_to_page(self.level.children.clone()))
        } else {
            None
        };
        Plan { found: self, again }
    }
}

impl<T: Item> Plan<T> {
    /// Reads the rows again, if those that were found do not make the page.
    pub(crate) fn again(&self) -> Option<Query<T>> {
        self.again.clone()
    }

    /// Builds the page of the items that `is_listed`. `key` returns the value of a field to sort by.
    pub(crate) fn page(
        self,
        again: Option<Listing<T>>,
        is_listed: impl Fn(&T) -> bool,
        key: impl for<'a> Fn(&'a T, &str) -> SortKey<'a>,
    ) -> Page<T> {
        let Found { request, place, begins_at_page, children, count, .. } = self.found;
        let skipped = if begins_at_page.is_some() && again.is_none() { 0 } else { place.skipped() };
        let Listing { rows, next } = again.unwrap_or(children);
        let rows = rows.into_iter().map(|row| row.value);
        let Some(count) = count.item.filter(|_| place.is_ascending.is_some()) else {
            return request.page(rows.filter(is_listed).collect(), key);
        };
        let size = place.size;
        let total = usize::try_from(count.value.children).unwrap_or(usize::MAX);
        // The count and the rows are read at the same time, not at the same moment: the rows of this page are right.
        let end = if skipped == 0 { place.skipped() + rows.len() } else { rows.len() };
        let total = match next {
            Some(_) => total.max(end + 1),
            None if rows.len() == 0 && skipped == 0 && end > 0 => total,
            None => end,
        };
        if let Some(end) = next {
            place.remember((count.version, end));
        }
        request.page_of(rows.skip(skipped).take(size).collect(), total)
    }
}

impl Place {
    fn skipped(&self) -> usize {
        self.number.saturating_mul(self.size)
    }

    fn directed<T>(&self, children: Query<T>) -> Query<T> {
        if self.is_ascending == Some(false) { children.newest_first() } else { children.oldest_first() }
    }

    /// Queries the rows from the first of the level to the last of the page, or all of them in another order.
    fn up_to_page<T>(&self, children: Query<T>) -> Query<T> {
        if self.is_ascending.is_none() {
            return children;
        }
        self.directed(children).page(self.skipped().saturating_add(self.size), None)
    }

    /// Returns the end of the page before, if it is remembered.
    fn begin(&self) -> Option<End> {
        ENDS.with_borrow(|ends| ends.get(self).cloned())
    }

    /// Remembers the end of this page.
    fn remember(mut self, end: End) {
        self.number += 1;
        ENDS.with_borrow_mut(|ends| {
            if ends.len() >= REMEMBERED {
                ends.clear();
            }
            ends.insert(self, end);
        });
    }
}

/// Counts one more child, of at most `max`. `children` are those of a level without a count: it gets one. `rule` is the
/// message of the refusal.
pub(crate) fn one_more<T>(
    count: &Slot<Count>,
    children: Option<&Listing<T>>,
    max: u64,
    rule: impl FnOnce() -> String,
) -> Result<Writes, Failure> {
    let counted = counted(count, children);
    if counted >= max {
        return Err(Failure::conflict(Conflict::Limit, rule()));
    }
    Ok(match count.item {
        Some(_) => Writes::new().one_more(&count.key, max),
        None => Writes::new().create(&count.key, &Count { children: counted + 1 }),
    })
}

/// Counts one child less.
pub(crate) fn one_less<T>(count: &Slot<Count>, children: Option<&Listing<T>>) -> Writes {
    match count.item {
        Some(_) => Writes::new().one_less(&count.key),
        None => Writes::new().create(&count.key, &Count { children: counted(count, children).saturating_sub(1) }),
    }
}

fn counted<T>(count: &Slot<Count>, children: Option<&Listing<T>>) -> u64 {
    let rows = children.map_or(0, |children| u64::try_from(children.rows.len()).unwrap_or(u64::MAX));
    count.value().map_or(rows, |count| count.children)
}
