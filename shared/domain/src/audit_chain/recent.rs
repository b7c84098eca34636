//! Seals that are read newest first, to find the hash before a record in the chain.

use std::collections::BTreeMap;

use super::{ChainSeal, DISORDER, GENESIS};

/// Consecutive seals of a chain, newest first.
#[derive(Clone, Debug, Default)]
pub struct RecentSeals<'a> {
    /// The hash before each record; `None` if the seal before was not read.
    previous: BTreeMap<&'a str, Option<&'a str>>,
    /// Ids above this one are in these seals or in no earlier one. `None` if that is true of no id.
    above: Option<&'a str>,
}

impl<'a> RecentSeals<'a> {
    /// Indexes these seals, newest first. `is_whole` means that no earlier seal exists.
    pub fn new(seals: &'a [ChainSeal], is_whole: bool) -> Self {
        let mut previous = BTreeMap::new();
        for (place, seal) in seals.iter().enumerate() {
            let earlier = seals.get(place + 1).filter(|earlier| earlier.number + 1 == seal.number);
            let genesis = (seal.number == 1).then_some(GENESIS);
            let before = earlier.and_then(|earlier| Some(earlier.records.last()?.hash.as_str())).or(genesis);
            let befores = std::iter::once(before).chain(seal.records.iter().map(|entry| Some(entry.hash.as_str())));
            previous.extend(seal.records.iter().map(|entry| entry.id.as_str()).zip(befores));
        }
        // The newest id as of the earliest of these seals is the position of the seal that is `DISORDER` after it. All
        // records of seals without a position are linked, so that nothing has to be found before the first of them.
        let earliest = seals.len().checked_sub(1 + DISORDER).and_then(|place| seals.get(place));
        let reaches_linked = seals.last().is_some_and(|seal| seal.position.is_none());
        let above =
            if is_whole || reaches_linked { Some("") } else { earliest.and_then(|seal| seal.position.as_deref()) };
        Self { previous, above }
    }

    /// Returns the hash before the record of this id, if one of these seals holds it and the hash is known.
    pub fn previous_hash(&self, id: &str) -> Option<&'a str> {
        self.previous.get(id).copied().flatten()
    }

    /// Returns true if one of these seals holds the record of this id.
    pub fn holds(&self, id: &str) -> bool {
        self.previous.contains_key(id)
    }

    /// Returns true if no earlier seal holds the record of this id, unless the record is linked.
    pub fn reaches(&self, id: &str) -> bool {
        self.above.is_some_and(|above| above < id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Batch, ChainHead, Entry, ids_at};
    use super::*;
    use crate::Timestamp;

    const START: i64 = 1_767_323_045_678;

    fn entry(millis: i64) -> Entry {
        Entry { id: ids_at(Timestamp::from_millis(START + millis)).0, hash: format!("hash of {millis}") }
    }

    proptest! {
        /// However records are ordered, batched and paged: a record that is not linked is found in the seals from its id
        /// downwards, with the hash before it, as soon as they reach it.
        #[test]
        fn each_record_is_found_or_linked(
            times in proptest::collection::hash_set(0_i64..400, 1..60),
            batches in proptest::collection::vec(1..4_usize, 60),
            read in 1..60_usize,
        ) {
            // The order of the set is random.
            let mut times = times.into_iter();
            let mut head = ChainHead::default();
            let mut seals = Vec::new();
            let mut expected = Vec::new();
            for size in batches {
                let records: Vec<Entry> = times.by_ref().take(size).map(entry).collect();
                let now = Timestamp::from_millis(START + 1_000);
                let linked: Vec<bool> = records.iter().map(|entry| head.links(&entry.id, now)).collect();
                let Some((seal, next)) = head.seal(Batch { records, ..Batch::default() }, now) else { break };
                for ((entry, previous), linked) in seal.links(&head.record).zip(linked) {
                    expected.push((entry.id.clone(), previous.to_owned(), linked));
                }
                prop_assert!(seals.last().is_none_or(|last: &ChainSeal| last.position <= seal.position));
                prop_assert!(head.continues_at(&seal));
                seals.push(seal);
                head = next;
            }
            for (id, previous, linked) in expected {
                // The same rows as of a listing that ends at this id.
                let rows = seals.iter().rev().filter(|seal| seal.position.as_deref() <= Some(&id));
                let rows: Vec<ChainSeal> = rows.cloned().collect();
                let part = &rows[..read.min(rows.len())];
                let found = RecentSeals::new(part, part.len() == rows.len());
                if !linked && found.reaches(&id) {
                    prop_assert_eq!(found.previous_hash(&id), Some(previous.as_str()));
                }
                prop_assert!(linked || RecentSeals::new(&rows, true).reaches(&id));
            }
        }
    }

    fn sealed(head: &ChainHead, millis: i64, now: i64) -> (ChainSeal, ChainHead) {
        let batch = Batch { records: vec![entry(millis)], ..Batch::default() };
        head.seal(batch, Timestamp::from_millis(START + now)).unwrap()
    }

    #[test]
    fn records_in_order_are_not_linked_and_late_or_early_ones_and_the_first_are() {
        let mut head = ChainHead::default();
        let now = |millis| Timestamp::from_millis(START + millis);
        for number in 0..20 {
            let millis = number * 10;
            assert_eq!(head.links(&entry(millis).id, now(millis)), number == 0, "{number}");
            head = sealed(&head, millis, millis).1;
        }
        assert_eq!(head.newest.len(), DISORDER);
        let oldest = i64::try_from(20 - DISORDER).unwrap() * 10;
        assert!(head.links(&entry(oldest - 1).id, now(200)));
        assert!(!head.links(&entry(oldest).id, now(200)));
        assert!(!head.links(&entry(200).id, now(200)));
        assert!(head.links(&entry(201).id, now(200)));
        assert!(head.links("no id", now(200)));
    }

    #[test]
    fn a_chain_without_positions_goes_on_with_the_records_up_to_now_linked() {
        let old = ChainHead { seals: 7, records: 9, ..ChainHead::default() };
        let now = Timestamp::from_millis(START + 50);
        assert!(old.links(&entry(49).id, now));
        let (seal, next) = sealed(&old, 49, 50);
        assert_eq!(seal.position, Some(ids_at(now).1));
        assert_eq!(next.newest, vec![ids_at(now).1; DISORDER]);
        assert!(next.links(&entry(49).id, now) && !next.links(&entry(51).id, now.plus_millis(5)));
    }
}
