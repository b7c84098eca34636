//! AWS Organizations: an account's organization, and its administrators.
//!
//! Source: the API reference of AWS Organizations. Any account of an organization can describe the organization. Only
//! its management account, and accounts that administer a service for it, can list or describe accounts.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Service;
use crate::fixture::{Account, CREATED, Customer};
use crate::page::page;
use crate::role::Caller;
use crate::state::State;
use crate::wire::{Failure, input};

/// Largest size of a page, which is also the default.
const PAGE: i64 = 20;

pub(crate) fn call(
    state: &State,
    caller: &Caller,
    region: &str,
    operation: &str,
    body: &[u8],
) -> Result<Value, Failure> {
    let request: Input = input(body)?;
    let customer = || {
        state.customer_of(caller).ok_or_else(|| {
            Failure::new("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
        })
    };
    let authorize =
        |resource: &str| state.authorize(caller, region, &format!("organizations:{operation}"), &[resource]);
    match operation {
        "DescribeOrganization" => {
            authorize("*")?;
            let customer = customer()?;
            describe_organization(&customer)
        }
        "ListAccounts" => {
            authorize("*")?;
            let customer = asked_by_administrator(customer()?, caller)?;
            let accounts: Vec<_> = customer.accounts.iter().collect();
            paged("Accounts", &accounts, &request, operation, |one| account(&customer, one))
        }
        "DescribeAccount" => {
            let id = account_id(&request)?;
            let owner = customer()?;
            authorize(&account_arn(&owner, id))?;
            let customer = asked_by_administrator(owner, caller)?;
            let found = customer.account(id).ok_or_else(|| {
                Failure::new("AccountNotFoundException", "You specified an account that doesn't exist.")
            })?;
            Ok(json!({ "Account": account(&customer, found) }))
        }
        "ListDelegatedAdministrators" => {
            authorize("*")?;
            let customer = asked_by_administrator(customer()?, caller)?;
            let service = request.service_principal.as_deref();
            let delegated: Vec<_> = customer
                .accounts
                .iter()
                .filter(|one| match service {
                    None => !one.delegated_services.is_empty(),
                    Some(service) => one.delegated_services.contains(&service),
                })
                .map(|one| {
                    let mut facts = account(&customer, one);
                    if let Some(facts) = facts.as_object_mut() {
                        facts.insert("DelegationEnabledDate".into(), CREATED.into());
                        facts.remove("Paths");
                    }
                    facts
                })
                .collect();
            paged("DelegatedAdministrators", &delegated, &request, &format!("{operation} {service:?}"), Value::clone)
        }
        "ListDelegatedServicesForAccount" => {
            let id = account_id(&request)?;
            let owner = customer()?;
            authorize(&account_arn(&owner, id))?;
            let customer = asked_by_administrator(owner, caller)?;
            let found = customer.account(id).ok_or_else(|| {
                Failure::new("AccountNotFoundException", "You specified an account that doesn't exist.")
            })?;
            if found.delegated_services.is_empty() {
                return Err(Failure::new(
                    "AccountNotRegisteredException",
                    "The account specified is not a registered delegated administrator.",
                ));
            }
            let services: Vec<_> = found
                .delegated_services
                .iter()
                .map(|service| json!({ "ServicePrincipal": service, "DelegationEnabledDate": CREATED }))
                .collect();
            paged("DelegatedServices", &services, &request, &format!("{operation} {id}"), Value::clone)
        }
        _ => Err(Failure::unknown_operation(Service::Organizations, operation)),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    account_id: Option<String>,
    service_principal: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

fn describe_organization(customer: &Customer) -> Result<Value, Failure> {
    let management = customer.management_account().ok_or_else(|| Failure::internal(Service::Organizations))?;
    Ok(json!({ "Organization": {
        "Id": customer.organization_id,
        "Arn": format!("arn:aws:organizations::{}:organization/{}", management.id, customer.organization_id),
        "FeatureSet": "ALL",
        "MasterAccountArn": account_arn(customer, management.id),
        "MasterAccountId": management.id,
        "MasterAccountEmail": management.email,
        "AvailablePolicyTypes": [{ "Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED" }],
    }}))
}

fn account(customer: &Customer, account: &Account) -> Value {
    let status = if account.is_suspended { "SUSPENDED" } else { "ACTIVE" };
    json!({
        "Id": account.id,
        "Arn": account_arn(customer, account.id),
        "Email": account.email,
        "Name": account.name,
        "Status": status,
        "State": status,
        "Paths": [format!("{}/r-ab12/{}/", customer.organization_id, account.id)],
        "JoinedMethod": if account.is_management { "INVITED" } else { "CREATED" },
        "JoinedTimestamp": CREATED,
    })
}

/// Returns the customer, if the caller's account is its management account or administers a service for it.
fn asked_by_administrator(customer: Arc<Customer>, caller: &Caller) -> Result<Arc<Customer>, Failure> {
    let may = customer
        .account(&caller.account)
        .is_some_and(|account| account.is_management || !account.delegated_services.is_empty());
    if may {
        return Ok(customer);
    }
    Err(Failure::new("AccessDeniedException", "You don't have permissions to access this resource."))
}

fn account_arn(customer: &Customer, account: &str) -> String {
    let management = customer.management_account().map(|account| account.id).unwrap_or_default();
    format!("arn:aws:organizations::{management}:account/{}/{account}", customer.organization_id)
}

fn account_id(request: &Input) -> Result<&str, Failure> {
    let id = request
        .account_id
        .as_deref()
        .ok_or_else(|| invalid("You must provide a value for the AccountId.", "INPUT_REQUIRED"))?;
    if id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(id);
    }
    Err(invalid("You specified an invalid value.", "INVALID_PATTERN"))
}

fn invalid(message: &str, reason: &'static str) -> Failure {
    Failure::new("InvalidInputException", message).with_reason(reason)
}

fn paged<T: Clone>(
    member: &str,
    items: &[T],
    request: &Input,
    query: &str,
    shown: impl Fn(&T) -> Value,
) -> Result<Value, Failure> {
    let size = match request.max_results.unwrap_or(PAGE) {
        n if n < 1 => {
            return Err(invalid("You specified an invalid value.", "MIN_VALUE_EXCEEDED"));
        }
        n if n > PAGE => {
            return Err(invalid("You specified an invalid value.", "MAX_VALUE_EXCEEDED"));
        }
        n => usize::try_from(n).unwrap_or(1),
    };
    let (items, next) = page(items, size, request.next_token.as_deref(), query)
        .ok_or_else(|| invalid("You specified an invalid value.", "INVALID_NEXT_TOKEN"))?;
    let items: Vec<Value> = items.iter().map(shown).collect();
    let mut body = json!({ member: items });
    if let (Some(next), Some(body)) = (next, body.as_object_mut()) {
        body.insert("NextToken".into(), next.into());
    }
    Ok(body)
}
