//! Reading a JSON array item by item, however long it is.

use std::fmt;
use std::io::{BufReader, Read};
use std::marker::PhantomData;

use serde::Deserializer as _;
use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};

/// Hands the items of an array on, one at a time, until one is not wanted.
///
/// # Errors
/// It is no array of such items, or one was not wanted.
pub(super) fn each<T: DeserializeOwned>(
    file: impl Read,
    take: impl FnMut(T) -> bool,
) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(file));
    json.deserialize_seq(Items(take, PhantomData))?;
    json.end()
}

struct Items<T, F>(F, PhantomData<fn() -> T>);

impl<'de, T: DeserializeOwned, F: FnMut(T) -> bool> Visitor<'de> for Items<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            if !(self.0)(item) {
                return Err(A::Error::custom("not wanted"));
            }
        }
        Ok(())
    }
}
