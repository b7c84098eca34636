//! Rotation of an ExternalId in two phases: a second ExternalId is created, the customer makes the role trust both, and
//! only after the second one works does it replace the first. A customer who follows that order never loses access. The
//! first one is still tried last, until the end of the next rotation.

use super::Connection;
use crate::ids::ExternalId;
use crate::{Conflict, Failure};

impl Connection {
    /// Adds `new` as the pending ExternalId. Returns [`Conflict::RotationInProgress`] if one is pending.
    pub fn rotation_begun(&self, new: ExternalId) -> Result<Self, Failure> {
        if self.external_id_pending.is_some() {
            return Err(Failure::conflict(
                Conflict::RotationInProgress,
                "an ExternalId is pending already: commit it or cancel it first",
            ));
        }
        Ok(self.with_external_ids(self.external_id, Some(new)))
    }

    /// Makes the pending ExternalId the current one. It must equal `proven`, with which AssumeRole succeeded. Returns
    /// [`Conflict::NoRotation`] if none is pending, [`Conflict::LostRace`] if another one is.
    pub fn rotation_committed(&self, proven: ExternalId) -> Result<Self, Failure> {
        let pending = self.pending()?;
        if pending != proven {
            return Err(Failure::conflict(
                Conflict::LostRace,
                "another rotation was begun meanwhile: nothing was changed",
            ));
        }
        Ok(Self { external_id_retired: Some(self.external_id), ..self.with_external_ids(pending, None) })
    }

    /// Removes the pending ExternalId. Changes nothing if none is pending.
    #[must_use]
    pub fn rotation_cancelled(&self) -> Self {
        match self.external_id_pending {
            Some(_) => self.with_external_ids(self.external_id, None),
            None => self.clone(),
        }
    }

    /// Returns the pending ExternalId, or [`Conflict::NoRotation`].
    pub fn pending(&self) -> Result<ExternalId, Failure> {
        self.external_id_pending
            .ok_or_else(|| Failure::conflict(Conflict::NoRotation, "no ExternalId is pending: begin a rotation first"))
    }

    /// Iterates over the ExternalIds that the role has to trust, the current one first.
    pub fn external_ids(&self) -> impl Iterator<Item = ExternalId> {
        [Some(self.external_id), self.external_id_pending].into_iter().flatten()
    }

    /// Iterates over the ExternalIds to try after the current one, in this order.
    pub fn other_external_ids(&self) -> impl Iterator<Item = ExternalId> {
        [self.external_id_pending, self.external_id_retired].into_iter().flatten()
    }

    fn with_external_ids(&self, current: ExternalId, pending: Option<ExternalId>) -> Self {
        Self {
            external_id: current,
            external_id_pending: pending,
            external_id_version: self.external_id_version + 1,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn id(n: u8) -> ExternalId {
        ExternalId::from_random([n; 16])
    }

    #[test]
    fn a_rotation_goes_through_its_two_phases() {
        let at_rest = Connection::new(id(1));
        assert!(matches!(at_rest.pending(), Err(Failure::Conflict(Conflict::NoRotation, _))));
        let rotating = at_rest.rotation_begun(id(2)).unwrap();
        assert_eq!(rotating.external_ids().collect::<Vec<_>>(), [id(1), id(2)]);
        assert!(matches!(rotating.rotation_begun(id(3)), Err(Failure::Conflict(Conflict::RotationInProgress, _))));
        assert!(matches!(rotating.rotation_committed(id(3)), Err(Failure::Conflict(Conflict::LostRace, _))));
        let done = rotating.rotation_committed(id(2)).unwrap();
        assert_eq!(done.external_ids().collect::<Vec<_>>(), [id(2)]);
        assert_eq!(done.other_external_ids().collect::<Vec<_>>(), [id(1)]);
        let again = done.rotation_begun(id(3)).unwrap();
        assert_eq!(again.other_external_ids().collect::<Vec<_>>(), [id(3), id(1)]);
        assert_eq!(rotating.rotation_cancelled().external_ids().collect::<Vec<_>>(), [id(1)]);
        assert_eq!(at_rest.rotation_cancelled(), at_rest);
    }

    /// Next step of the platform, or of a customer who follows the instructions, in any order.
    #[derive(Clone, Debug)]
    enum Step {
        Rotate,
        Commit,
        Cancel,
        /// The customer makes the role trust every ExternalId that is shown now.
        TrustShown,
        /// The customer deploys the ExternalIds that were shown some time ago, from a template that was downloaded
        /// then.
        TrustShownBefore(usize),
        /// A function calls with a connection that it read before the last change.
        ComeInLate,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            Just(Step::Rotate),
            Just(Step::Commit),
            Just(Step::Cancel),
            Just(Step::TrustShown),
            (0..8_usize).prop_map(Step::TrustShownBefore),
            Just(Step::ComeInLate),
        ];
        proptest::collection::vec(step, 0..60)
    }

    /// Returns true if a connection, as it was read, has access with the current ExternalId or one of the others.
    fn gets_in(read: &Connection, trusted: &BTreeSet<ExternalId>) -> bool {
        std::iter::once(read.external_id).chain(read.other_external_ids()).any(|id| trusted.contains(&id))
    }

    proptest! {
        /// Tests that the service never loses access, not even with the previous state of the connection. The customer
        /// sets the trust policy only to the output of GET `/external-id`, current or from any time since the last
        /// commit but one. The service commits only an ExternalId that the role trusts.
        #[test]
        fn a_correct_customer_is_never_locked_out(steps in steps()) {
            let mut connection = Connection::new(id(0));
            let mut before = connection.clone();
            let mut trusted = BTreeSet::from([id(0)]);
            let mut made = 0;
            // The sets shown since the last commit, and between that and the commit before it.
            let mut shown: [Vec<BTreeSet<ExternalId>>; 2] = [vec![trusted.clone()], Vec::new()];
            for step in steps {
                let next = match step {
                    Step::Rotate => {
                        made += 1;
                        connection.rotation_begun(id(made)).ok()
                    }
                    Step::Commit => connection
                        .pending()
                        .ok()
                        .filter(|pending| trusted.contains(pending))
                        .and_then(|pending| connection.rotation_committed(pending).ok()),
                    Step::Cancel => Some(connection.rotation_cancelled()),
                    Step::TrustShown => {
                        trusted = connection.external_ids().collect();
                        None
                    }
                    Step::TrustShownBefore(ago) => {
                        let ever: Vec<_> = shown.iter().flat_map(|era| era.iter().rev()).collect();
                        trusted = ever[ago % ever.len()].clone();
                        None
                    }
                    Step::ComeInLate => {
                        prop_assert!(gets_in(&before, &trusted), "{before:?} {trusted:?}");
                        None
                    }
                };
                if let Some(next) = next {
                    if next.external_id != connection.external_id {
                        shown = [Vec::new(), std::mem::take(&mut shown[0])];
                    }
                    before = std::mem::replace(&mut connection, next);
                    shown[0].push(connection.external_ids().collect());
                }
                prop_assert!(gets_in(&connection, &trusted), "{connection:?} {trusted:?}");
            }
        }
    }
}
