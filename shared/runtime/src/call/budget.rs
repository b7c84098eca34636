//! Budgets: most operations of a tenant in one minute, counted in the table so that they hold across processes.

use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::Grant;
use trustplane_store::Writes;

use super::attempt::{PATIENT_ATTEMPTS, stand_back};
use super::context::Context;

/// Milliseconds of a minute.
const MINUTE: i64 = 60_000;

/// Operations that have a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Operations that call the customer's AWS: 60 per minute. Each makes up to 14 calls, of the 20 per second that IAM Identity
    /// Center allows an organization.
    CustomersAws,
    /// Attempts to assume a role without its ExternalId: 10 per minute, because each leaves denied calls in the customer's
    /// CloudTrail.
    NegativeControl,
    /// Operations that send requests to addresses that the tenant chose: 60 per minute, so that nobody uses the platform
    /// to burden a third party.
    OutgoingRequests,
}

impl Budget {
    fn name(self) -> &'static str {
        match self {
            Self::CustomersAws => "AWS",
            Self::NegativeControl => "CONTROL",
            Self::OutgoingRequests => "OUTGOING",
        }
    }

    /// The budget, in a sentence for the tenant.
    fn limit(self) -> &'static str {
        match self {
            Self::CustomersAws | Self::NegativeControl => {
                "the tenant's budget is spent: 60 requests through its connection per minute, 10 while its role is not \
                 proven to demand the ExternalId"
            }
            Self::OutgoingRequests => {
                "the tenant's budget is spent: 60 requests per minute that make the platform call the tenant's addresses"
            }
        }
    }

    fn most(self) -> u64 {
        match self {
            Self::CustomersAws | Self::OutgoingRequests => 60,
            Self::NegativeControl => 10,
        }
    }
}

impl Context<'_> {
    /// Spends one operation of the tenant's budget. One write.
    ///
    /// # Errors
    /// [`Failure::RateLimited`] until the end of the minute if the budget is spent.
    pub async fn spend(&self, grant: &Grant, budget: Budget) -> Result<(), Failure> {
        if self.may_spend(grant, budget).await? {
            return Ok(());
        }
        let left = MINUTE - self.now.as_millis().rem_euclid(MINUTE);
        let retry_after = u32::try_from(left / 1_000 + 1).unwrap_or(60);
        Err(Failure::RateLimited { retry_after, limit: budget.limit() })
    }

    /// Spends one operation of the tenant's budget, if there is one left. One write.
    pub async fn may_spend(&self, grant: &Grant, budget: Budget) -> Result<bool, Failure> {
        let minute = self.now.as_millis().div_euclid(MINUTE);
        let key = self.keys.budget(budget.name(), minute);
        let end = Timestamp::from_millis((minute + 2) * MINUTE);
        for attempt in 1..=PATIENT_ATTEMPTS {
            let writes = Writes::new().one_more_until(&key, budget.most(), end);
            if self.note(grant, writes).await? {
                return Ok(true);
            }
            // The count is full, or another request counts at this moment.
            let count = self.load(key.clone().optional()).await?;
            if count.value().is_some_and(|count| count.children >= budget.most()) {
                return Ok(false);
            }
            if attempt < PATIENT_ATTEMPTS {
                stand_back(attempt).await;
            }
        }
        Err(Failure::unavailable(1, "a budget is counted by other requests again and again"))
    }
}
