//! Which part of the list of resources comes next?
//!
//! # Invariants
//!
//! 1. Whoever follows the cursors to the end gets each resource once, as long as none comes or goes.
//! 2. A page ends with a cursor only if there is more.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::resources::ResourceError;
use crate::tools::{InvalidCursor, cursor_after, entry_before};

/// Whose cursors they are.
const LIST: &str = "resources";

/// A resource in a list, with its place among those of its family.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// What the next portion begins after.
    pub place: String,
    /// The resource, as the protocol describes one.
    pub resource: Value,
}

/// The last place that was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The family, by its number.
    family: usize,
    /// How many of the family were listed.
    listed: usize,
    /// The place within the family.
    after: String,
}

impl Place {
    /// The cursor that stands for it. Clients are not told what is in it, and may make it up all the
    /// same: it names no more than where a list that they may see goes on.
    pub(super) fn cursor(&self) -> String {
        let place = serde_json::to_string(self).expect("a place is text and numbers");
        cursor_after(LIST, &place)
    }

    /// The place that a cursor stands for.
    pub(super) fn behind(cursor: &str) -> Result<Self, ResourceError> {
        let place =
            entry_before(LIST, cursor).map_err(|InvalidCursor| ResourceError::InvalidCursor)?;
        serde_json::from_str(&place).map_err(|_no_place| ResourceError::InvalidCursor)
    }
}

/// How much is listed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// On a page; at least one.
    pub(super) page: usize,
    /// Of one family, on all pages together.
    pub(super) family: usize,
}

/// Families of resources that can be listed, each in an order of its own.
#[async_trait]
pub(super) trait Families: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// At most `most` of a family, after a place or from the beginning; fewer only at its end.
    async fn list(
        &self,
        family: usize,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Listed>, ResourceError>;
}

/// The page after a place, and the place of its last resource if there is more.
pub(super) async fn page(
    families: &dyn Families,
    bounds: Bounds,
    from: Option<Place>,
) -> Result<(Vec<Value>, Option<Place>), ResourceError> {
    let (mut family, mut listed, mut after) = match from {
        Some(place) => (place.family, place.listed, Some(place.after)),
        None => (0, 0, None),
    };
    // One more than is shown tells whether there is another page.
    let wanted = bounds.page + 1;
    let mut found: Vec<(Place, Value)> = Vec::new();
    while family < families.count() && found.len() < wanted {
        let most = (wanted - found.len()).min(bounds.family.saturating_sub(listed));
        if 0 < most {
            let portion = families.list(family, after.as_deref(), most).await?;
            for Listed { place, resource } in portion.into_iter().take(most) {
                listed += 1;
                found.push((Place { family, listed, after: place }, resource));
            }
        }
        family += 1;
        (listed, after) = (0, None);
    }
    let more = bounds.page < found.len();
    found.truncate(bounds.page);
    let last = found.last().filter(|_| more).map(|(place, _)| place.clone());
    Ok((found.into_iter().map(|(_, resource)| resource).collect(), last))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Families that are numbers.
    struct Numbers(Vec<usize>);

    #[async_trait]
    impl Families for Numbers {
        fn count(&self) -> usize {
            self.0.len()
        }

        async fn list(
            &self,
            family: usize,
            after: Option<&str>,
            most: usize,
        ) -> Result<Vec<Listed>, ResourceError> {
            let first = after.map_or(0, |after| after.parse::<usize>().unwrap() + 1);
            let those = (first..self.0[family]).take(most);
            let listed = |n: usize| Listed { place: n.to_string(), resource: json!([family, n]) };
            Ok(those.map(listed).collect())
        }
    }

    fn all(families: &Numbers, bounds: Bounds) -> Vec<Vec<Value>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (mut pages, mut from) = (Vec::new(), None);
        loop {
            let (items, next) = runtime.block_on(page(families, bounds, from)).unwrap();
            pages.push(items);
            if next.is_none() {
                return pages;
            }
            from = next;
        }
    }

    proptest! {
        #[test]
        fn each_resource_is_listed_once_and_no_page_is_for_nothing(
            sizes in prop::collection::vec(0_usize..12, 0..5),
            page in 1_usize..9,
            family in 0_usize..14,
        ) {
            let expected: Vec<Value> = sizes
                .iter()
                .enumerate()
                .flat_map(|(of, &size)| (0..size.min(family)).map(move |n| json!([of, n])))
                .collect();
            let pages = all(&Numbers(sizes), Bounds { page, family });
            prop_assert_eq!(pages.concat(), expected);
            let (last, others) = pages.split_last().unwrap();
            prop_assert!(others.iter().all(|items| items.len() == page));
            prop_assert!(last.len() <= page && (others.is_empty() || !last.is_empty()));
        }
    }
}
