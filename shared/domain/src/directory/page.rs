//! Pages of a list, in Micronaut Data's format, which clients of Raidiam Connect parse.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::Serialize;

use crate::Faults;

/// Size of a page by default.
pub const DEFAULT_SIZE: u32 = 20;
/// Largest size of a page.
pub const MAX_SIZE: u32 = 100;

/// Number, size and order of a requested page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    number: u32,
    size: u32,
    orders: Vec<Order>,
}

/// One sort criterion; the first of a list is the primary one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DirectoryOrder"))]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Field that the list is sorted by.
    property: &'static str,
    /// Direction of the order.
    direction: Direction,
    /// True if upper and lower case are the same.
    ignore_case: bool,
    /// True if the smallest comes first.
    ascending: bool,
}

/// Sort direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DirectoryDirection"))]
#[serde(rename_all = "UPPERCASE")]
enum Direction {
    /// Ascending.
    Asc,
    /// Descending.
    Desc,
}

/// Value to sort an item by. Absent values sort first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey<'a> {
    /// The item has no value.
    Absent,
    /// A number.
    Number(i64),
    /// A text, which sorts by code points.
    Text(Cow<'a, str>),
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "{T}Page"))]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// Rows of the page.
    content: Vec<T>,
    /// The page that was requested.
    pageable: Pageable,
    /// Number of rows of all pages.
    total_size: usize,
    /// Number of pages.
    total_pages: usize,
    /// True if the page has no rows.
    empty: bool,
    /// Rows per page.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100)))]
    size: u32,
    /// Number of rows before the page.
    offset: u64,
    /// Number of the page, from 0.
    page_number: u32,
    /// Number of rows of the page.
    number_of_elements: usize,
}

/// The page that was requested.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DirectoryPageable"))]
struct Pageable {
    /// Number of the page, from 0.
    number: u32,
    /// Rows per page.
    size: u32,
    /// Number of rows before the page.
    offset: u64,
    /// Kind of paging.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["OFFSET"])))]
    mode: &'static str,
    /// Order of the rows.
    sort: Sort,
    /// True if an order was requested.
    sorted: bool,
    /// Always false.
    unpaged: bool,
}

/// The order of the rows, as it is rendered.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DirectorySort"))]
#[serde(rename_all = "camelCase")]
struct Sort {
    /// True if an order was requested.
    sorted: bool,
    /// The criteria, the primary one first.
    order_by: Vec<Order>,
}

impl PageRequest {
    /// Parses `page`, `size` and `sort` of a query, and ignores other parameters. `sort` is `field`, `field,asc` or
    /// `field,desc` with one of the `sortable` fields, and may be repeated for other fields.
    pub fn parse<'q>(
        query: impl IntoIterator<Item = (&'q str, &'q str)>,
        sortable: &[&'static str],
    ) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let (mut number, mut size, mut orders) = (None, None, Vec::<Order>::new());
        for (name, value) in query {
            match name {
                "page" => take_once(&mut faults, name, &mut number, page_number(value)),
                "size" => take_once(&mut faults, name, &mut size, page_size(value)),
                "sort" => {
                    if let Some(order) = faults.take(name, Order::parse(value, sortable)) {
                        if orders.iter().any(|other| other.property == order.property) {
                            faults.add(name, format!("names `{}` more than once", order.property));
                        }
                        orders.push(order);
                    }
                }
                _ => {}
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { number: number.unwrap_or(0), size: size.unwrap_or(DEFAULT_SIZE), orders })
    }

    /// Returns the number of the page, from 0.
    pub fn number(&self) -> usize {
        usize::try_from(self.number).unwrap_or(usize::MAX)
    }

    /// Returns the largest number of items of the page.
    pub fn size(&self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }

    /// Returns true if the requested order is the ascending order of `field`, and false if it is the descending one.
    /// `field` has unique values, and its ascending order is the default. `None` for other orders.
    pub fn order_of(&self, field: &str) -> Option<bool> {
        match self.orders.first() {
            None => Some(true),
            Some(order) => (order.property == field).then_some(order.ascending),
        }
    }

    /// Returns the requested page of `items`, the whole list in its default order. `key` returns an item's value of a
    /// field. Items with equal values keep the default order, so that pages neither repeat nor skip an item.
    pub fn page<T>(&self, mut items: Vec<T>, key: impl for<'a> Fn(&'a T, &str) -> SortKey<'a>) -> Page<T> {
        items.sort_by(|a, b| {
            let compare = |order: &Order| {
                let ordering = key(a, order.property).cmp(&key(b, order.property));
                if order.ascending { ordering } else { ordering.reverse() }
            };
            self.orders.iter().map(compare).find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
        });
        let total_size = items.len();
        let content = items.into_iter().skip(self.number().saturating_mul(self.size())).take(self.size()).collect();
        self.page_of(content, total_size)
    }

    /// Returns the page with this content, of a list of `total_size` items.
    pub fn page_of<T>(&self, content: Vec<T>, total_size: usize) -> Page<T> {
        let offset = u64::from(self.number) * u64::from(self.size);
        let sorted = !self.orders.is_empty();
        Page {
            pageable: Pageable {
                number: self.number,
                size: self.size,
                offset,
                mode: "OFFSET",
                sort: Sort { sorted, order_by: self.orders.clone() },
                sorted,
                unpaged: false,
            },
            total_size,
            total_pages: total_size.div_ceil(self.size().max(1)),
            empty: content.is_empty(),
            size: self.size,
            offset,
            page_number: self.number,
            number_of_elements: content.len(),
            content,
        }
    }
}

impl<T> Page<T> {
    /// Returns the items of the page.
    pub fn content(&self) -> &[T] {
        &self.content
    }

    /// Converts each item with `show`. Only items of the page are converted.
    pub fn map<U>(self, show: impl FnMut(T) -> U) -> Page<U> {
        self.convert(|content| content.into_iter().map(show).collect())
    }

    /// Joins each item with the one at the same place of `others`, which has as many.
    pub fn zip<U>(self, others: Vec<U>) -> Page<(T, U)> {
        self.convert(|content| content.into_iter().zip(others).collect())
    }

    fn convert<U>(self, convert: impl FnOnce(Vec<T>) -> Vec<U>) -> Page<U> {
        Page {
            content: convert(self.content),
            pageable: self.pageable,
            total_size: self.total_size,
            total_pages: self.total_pages,
            empty: self.empty,
            size: self.size,
            offset: self.offset,
            page_number: self.page_number,
            number_of_elements: self.number_of_elements,
        }
    }
}

impl Order {
    fn parse(text: &str, sortable: &[&'static str]) -> Result<Self, String> {
        let (field, direction) = text.split_once(',').unwrap_or((text, "asc"));
        let property = sortable.iter().copied().find(|name| *name == field).ok_or_else(|| {
            let fields: Vec<String> = sortable.iter().map(|name| format!("`{name}`")).collect();
            format!("must name one of {}", fields.join(", "))
        })?;
        let ascending = match direction {
            _ if direction.eq_ignore_ascii_case("asc") => true,
            _ if direction.eq_ignore_ascii_case("desc") => false,
            _ => return Err("must end in `,asc` or `,desc`".to_owned()),
        };
        let direction = if ascending { Direction::Asc } else { Direction::Desc };
        Ok(Self { property, direction, ignore_case: false, ascending })
    }
}

fn take_once(faults: &mut Faults, name: &str, slot: &mut Option<u32>, value: Result<u32, &'static str>) {
    if slot.is_some() {
        faults.add(name, "must not be repeated");
    }
    *slot = faults.take(name, value);
}

/// Parses a page number. Clients use signed 32-bit integers for the numbers of a page.
fn page_number(text: &str) -> Result<u32, &'static str> {
    number(text).filter(|number| i32::try_from(*number).is_ok()).ok_or("must be a whole number from 0")
}

fn page_size(text: &str) -> Result<u32, &'static str> {
    number(text).filter(|size| (1..=MAX_SIZE).contains(size)).ok_or("must be a whole number from 1 to 100")
}

fn number(text: &str) -> Option<u32> {
    let has_one_spelling = text == "0" || !text.starts_with('0');
    (has_one_spelling && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

impl<'a> From<&'a str> for SortKey<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for SortKey<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const SORTABLE: &[&str] = &["Name", "Age"];

    type Person = (&'static str, i64);

    fn key<'a>(person: &'a Person, field: &str) -> SortKey<'a> {
        match field {
            "Name" => person.0.into(),
            "Age" => SortKey::Number(person.1),
            _ => SortKey::Absent,
        }
    }

    fn request(query: &[(&'static str, &'static str)]) -> Result<PageRequest, Faults> {
        PageRequest::parse(query.iter().copied(), SORTABLE)
    }

    fn by_age<'a>(item: &'a (usize, i64), _: &str) -> SortKey<'a> {
        SortKey::Number(item.1)
    }

    fn people() -> Vec<Person> {
        vec![("b", 2), ("a", 2), ("C", 1), ("a", 1)]
    }

    #[test]
    fn the_envelope_is_micronauts() {
        let page = request(&[("page", "1"), ("size", "3"), ("sort", "Name,desc"), ("other", "x")]).unwrap();
        let page = page.page(people(), key).map(|person| person.0);
        assert_eq!(
            serde_json::to_value(page).unwrap(),
            json!({
                "content": ["C"],
                "pageable": {
                    "number": 1, "size": 3, "offset": 3, "mode": "OFFSET", "sorted": true, "unpaged": false,
                    "sort": {
                        "sorted": true,
                        "orderBy": [{"property": "Name", "direction": "DESC", "ignoreCase": false, "ascending": false}],
                    },
                },
                "totalSize": 4, "totalPages": 2, "empty": false, "size": 3, "offset": 3, "pageNumber": 1,
                "numberOfElements": 1,
            })
        );
    }

    #[test]
    fn an_order_is_that_of_a_field_if_nothing_comes_before_it() {
        for (query, expected) in [
            (&[][..], Some(true)),
            (&[("sort", "Name")], Some(true)),
            (&[("sort", "Name,desc"), ("sort", "Age")], Some(false)),
            (&[("sort", "Age"), ("sort", "Name")], None),
        ] {
            assert_eq!(request(query).unwrap().order_of("Name"), expected, "{query:?}");
        }
        let page = request(&[("page", "2"), ("size", "3")]).unwrap().page_of(vec![1, 2], 8);
        assert_eq!((page.total_pages, page.total_size, page.offset, page.number_of_elements), (3, 8, 6, 2));
    }

    #[test]
    fn a_number_has_one_spelling() {
        assert!(request(&[("page", "0"), ("size", "10")]).is_ok());
        for (name, text) in [("page", "01"), ("page", "00"), ("size", "020"), ("page", "+1")] {
            let faults = request(&[(name, text)]).unwrap_err();
            assert_eq!(faults.iter().map(|(field, _)| field).collect::<Vec<_>>(), [name], "{text}");
        }
    }

    #[test]
    fn the_default_is_the_first_twenty_in_the_lists_own_order() {
        let page: Page<Person> = request(&[]).unwrap().page(people(), key);
        assert_eq!(page.content, people());
        let page = serde_json::to_value(page).unwrap();
        assert_eq!(page["pageable"]["sort"], json!({"sorted": false, "orderBy": []}));
        assert_eq!([&page["size"], &page["pageNumber"], &page["offset"]], [&json!(20), &json!(0), &json!(0)]);
    }

    #[test]
    fn an_empty_list_has_no_pages() {
        let page: Page<Value> = request(&[]).unwrap().page(Vec::new(), |_, _| SortKey::Absent);
        assert_eq!((page.total_pages, page.total_size, page.empty), (0, 0, true));
    }

    #[test]
    fn a_list_is_sorted_by_several_fields() {
        let sorted = |query: &[_]| request(query).unwrap().page(people(), key).content;
        assert_eq!(sorted(&[("sort", "Name")]), [("C", 1), ("a", 2), ("a", 1), ("b", 2)]);
        let both = [("sort", "Age,DESC"), ("sort", "Name,asc")];
        assert_eq!(sorted(&both), [("a", 2), ("b", 2), ("C", 1), ("a", 1)]);
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        for (query, fields) in [
            (&[("page", "-1"), ("size", "0"), ("sort", "Height")][..], &["page", "size", "sort"][..]),
            (&[("size", "101")], &["size"]),
            (&[("size", "")], &["size"]),
            (&[("page", "+1")], &["page"]),
            (&[("page", "2147483648")], &["page"]),
            (&[("page", "99999999999999999999")], &["page"]),
            (&[("page", "1"), ("page", "2")], &["page"]),
            (&[("sort", "name")], &["sort"]),
            (&[("sort", "Name,up")], &["sort"]),
            (&[("sort", "Name,asc"), ("sort", "Name,desc")], &["sort"]),
        ] {
            let faults = request(query).unwrap_err();
            assert_eq!(faults.iter().map(|(field, _)| field).collect::<Vec<_>>(), fields, "{query:?}");
        }
        assert!(request(&[("page", "2147483647"), ("size", "100")]).unwrap().page(people(), key).empty);
    }

    proptest! {
        #[test]
        fn pages_together_are_the_sorted_list(items in proptest::collection::vec(0_i64..20, 0..60), size in 1_u32..=100, descending: bool) {
            let orders = vec![Order::parse(if descending { "Age,desc" } else { "Age" }, SORTABLE).unwrap()];
            let mut together = Vec::new();
            let list: Vec<(usize, i64)> = items.iter().copied().enumerate().collect();
            let first = PageRequest { number: 0, size, orders: orders.clone() }.page(list.clone(), by_age);
            for number in 0..u32::try_from(first.total_pages).unwrap() {
                let page = PageRequest { number, size, orders: orders.clone() }.page(list.clone(), by_age);
                prop_assert_eq!(page.total_size, items.len());
                prop_assert!(!page.empty && page.number_of_elements == page.content.len());
                prop_assert!(page.content.len() <= size as usize);
                together.extend(page.content);
            }
            let mut expected = list;
            expected.sort_by_key(|item| if descending { -item.1 } else { item.1 });
            prop_assert_eq!(together, expected);
        }

        #[test]
        fn any_query_is_read_without_a_panic(query in proptest::collection::vec(("page|size|sort|x", ".{0,20}|[0-9]{1,12}"), 0..6)) {
            let query = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            if let Ok(request) = PageRequest::parse(query, SORTABLE) {
                let page = request.page(people(), key);
                prop_assert!(page.size >= 1 && page.size <= MAX_SIZE);
            }
        }
    }
}
