//! A value as it stands in a file or a link, before anybody has judged it. Reading a wiring in two
//! steps is what lets *all* mistakes be told at once: serde stops at the first.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How deep a wiring may nest; a sound one needs four.
const MAX_DEPTH: usize = 8;
/// Values that one wiring may contain.
const MAX_NODES: usize = 16_384;

/// A number, a text, a list or a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    Bool(bool),
    Integer(i64),
    Text(String),
    List(Vec<Tree>),
    /// In the order of the file; a key can stand there twice.
    Table(Vec<(String, Tree)>),
    /// What no wiring contains: fractions, dates, bytes, null, integers beyond 64 bits.
    Foreign,
}

impl Tree {
    pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut nodes = 0;
        Seed { depth: 0, nodes: &mut nodes }.deserialize(deserializer)
    }
}

struct Seed<'a> {
    depth: usize,
    nodes: &'a mut usize,
}

impl Seed<'_> {
    fn inner(&mut self) -> Seed<'_> {
        Seed { depth: self.depth + 1, nodes: self.nodes }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        *self.nodes += 1;
        if self.depth > MAX_DEPTH || *self.nodes > MAX_NODES {
            return Err(D::Error::custom("too large for a wiring"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a wiring")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(i64::try_from(value).map_or(Tree::Foreign, Tree::Integer))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Foreign)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Tree, E> {
        Ok(Tree::Foreign)
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Foreign)
    }

    fn visit_none<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Foreign)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self.inner())? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(self.inner())?;
            entries.push((key, value));
        }
        Ok(Tree::Table(entries))
    }
}
