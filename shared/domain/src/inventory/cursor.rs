//! Places in a list of AWS: page tokens, with a guard against lists that do not end.

use serde::{Deserialize, Serialize};

use super::Fault;

/// The next page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// The token of the page; `None` for the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// A token that was seen before: a list that has it again is a circle (Brent's algorithm).
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<String>,
    /// Pages that were turned.
    pages: u32,
    /// True after the list was begun again because AWS did not accept a token.
    is_restarted: bool,
}

impl Cursor {
    /// The place after a page whose next token is `next`; `None` after the last page.
    pub fn turned(&self, next: Option<String>) -> Result<Option<Self>, Fault> {
        // An empty token is the end of some lists.
        let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok(None) };
        if self.token.as_ref() == Some(&next) || self.mark.as_ref() == Some(&next) {
            return Err(Fault::TokenRepeats);
        }
        let pages = self.pages.saturating_add(1);
        let mark = if pages.is_power_of_two() { Some(next.clone()) } else { self.mark.clone() };
        Ok(Some(Self { token: Some(next), mark, pages, is_restarted: self.is_restarted }))
    }

    /// The first page again, once.
    pub fn restarted(&self) -> Result<Self, Fault> {
        if self.is_restarted {
            return Err(Fault::TokenRefused);
        }
        Ok(Self { is_restarted: true, ..Self::default() })
    }
}
