//! Costs beside more and more tenants: calls and units of DynamoDB, and CPU time, of requests and of schedules.
//!
//! One tenant is set up through the API. Its rows are then copied for the other tenants, and those of an organisation for its
//! level, in the file of the stopped engine: 100,000 tenants through the API would take hours.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use trustplane_local::http::{Method, Reply};
use trustplane_local::{Options, Stack};
use trustplane_runtime::{Function, Trigger, functions};

use crate::process::cpu_ms;
use crate::{Built, Credential, Error, credential, event};

/// Tenants, and organisations of the measured tenant. It may have 10,000, and gets new ones while it is measured.
const SIZES: [(u64, u64); 3] = [(1, 1), (1_000, 1_000), (100_000, 9_970)];

/// Requests of one kind, after two. The CPU time is their mean.
const REQUESTS: u32 = 20;

/// Schedules whose work is all tenants, so that it grows with them.
const OVER_ALL_TENANTS: [&str; 1] = ["verify-audit-logs"];

/// Organisations in a page of the list.
const PAGE: u64 = 20;

/// Most units that rounding may add: an item that grows over a boundary of a kilobyte.
const ROUNDING: f64 = 1.0;

/// A request that is measured.
struct Measured {
    function: &'static str,
    method: Method,
    path: String,
    /// The body of one of the requests.
    body: fn(u32) -> Value,
}

/// The cost of one request, or of one run of a schedule.
#[derive(Clone, Copy)]
struct Cost {
    calls: f64,
    units: f64,
    cpu_ms: f64,
}

struct Row {
    name: String,
    costs: Vec<Cost>,
}

/// Prints the table. Returns true if neither calls nor units grow.
pub(crate) async fn table(built: &Built) -> Result<bool, Error> {
    let mut rows: Vec<Row> = Vec::new();
    for (tenants, organisations) in SIZES {
        let folder = std::env::temp_dir().join(format!("trustplane-growth-{}", std::process::id()));
        let measured = sized(built, &folder, tenants, organisations).await;
        std::fs::remove_dir_all(&folder)?;
        for (place, (name, cost)) in measured?.into_iter().enumerate() {
            match rows.get_mut(place) {
                Some(row) => row.costs.push(cost),
                None => rows.push(Row { name, costs: vec![cost] }),
            }
        }
    }
    let heads = SIZES.map(|(tenants, organisations)| format!("{tenants} / {organisations}"));
    println!("| tenants / organisations of one | {} |", heads.join(" | "));
    println!("|---|---|---|---|");
    let mut good = true;
    for row in &rows {
        let cells: Vec<_> = row.costs.iter().map(|cost| cost.cell()).collect();
        println!("| {} | {} |", row.name, cells.join(" | "));
        let (Some(first), Some(last)) = (row.costs.first(), row.costs.last()) else { continue };
        if last.calls > first.calls || last.units > first.units + ROUNDING {
            eprintln!("{} grows with the number of tenants", row.name);
            good = false;
        }
    }
    Ok(good)
}

impl Cost {
    fn cell(&self) -> String {
        format!("{} calls, {} units, {:.1} ms", self.calls, self.units, self.cpu_ms)
    }
}

/// Measures everything at one size.
async fn sized(built: &Built, folder: &Path, tenants: u64, organisations: u64) -> Result<Vec<(String, Cost)>, Error> {
    std::fs::create_dir_all(folder)?;
    let stack = start(built, folder).await?;
    let credential = credential(&stack).await?;
    let first = json!({"OrganisationId": organisation(0), "OrganisationName": "First"});
    let _ = send(&stack, &credential, &Method::POST, "/organisations", first).await?;
    let _ = send(&stack, &credential, &Method::PUT, CONFIG, connection(0)).await?;
    stack.stop().await;
    copy(&folder.join("table.sqlite"), &credential.tenant, tenants, organisations)?;

    let stack = start(built, folder).await?;
    let listed = send(&stack, &credential, &Method::GET, &page(0), Value::Null).await?.json();
    if listed["totalSize"] != json!(organisations) {
        return Err(format!("the level has {} organisations, not {organisations}", listed["totalSize"]).into());
    }
    let mut costs = Vec::new();
    for measured in requests(organisations) {
        costs.push((format!("`{}`", measured.function), measured.cost(&stack, &credential).await?));
    }
    let schedules =
        functions().filter(|one| matches!(one.trigger, Trigger::Schedule(_)) && !OVER_ALL_TENANTS.contains(&one.name));
    for function in schedules {
        costs.push((format!("`{}`, nothing due", function.name), scheduled(&stack, function, &credential).await?));
    }
    stack.stop().await;
    Ok(costs)
}

async fn start(built: &Built, folder: &Path) -> Result<Stack, Error> {
    let functions = built.packaged.then(|| built.target.join("lambda"));
    let options = Options { data: Some(folder.to_owned()), functions, ..Options::default() };
    Stack::start(options).await.map_err(|error| error.to_string().into())
}

const CONFIG: &str = "/v1/integrations/aws-identity-center/config";

fn connection(number: u32) -> Value {
    json!({
        "sso_instance_arn": "arn:aws:sso:::instance/ssoins-0123456789abcdef",
        "role_arn": format!("arn:aws:iam::123456789012:role/Role{number}"),
        "region": "us-east-1",
    })
}

fn page(number: u64) -> String {
    format!("/organisations?page={number}&size={PAGE}")
}

/// The requests. The list of organisations is in the order of its keys, first page.
fn requests(organisations: u64) -> Vec<Measured> {
    let last = format!("/organisations/{}", organisation(organisations - 1));
    let read =
        |function, path: &str| Measured { function, method: Method::GET, path: path.to_owned(), body: |_| Value::Null };
    vec![
        read("get-identity-center-config", CONFIG),
        Measured {
            function: "put-identity-center-config",
            method: Method::PUT,
            path: CONFIG.to_owned(),
            body: |number| connection(number + 1),
        },
        read("get-organisation", &last),
        read("list-organisations", &page(0)),
        Measured {
            function: "create-organisation",
            method: Method::POST,
            path: "/organisations".to_owned(),
            body: |number| json!({"OrganisationId": format!("new-{number}"), "OrganisationName": "New"}),
        },
        read("list-api-keys", "/v1/api-keys?limit=20"),
        read("list-audit-log", "/v1/audit-log?limit=20"),
    ]
}

fn organisation(number: u64) -> String {
    format!("org-{number:08}")
}

impl Measured {
    async fn cost(&self, stack: &Stack, credential: &Credential) -> Result<Cost, Error> {
        for number in 0..2 {
            let _ = send(stack, credential, &self.method, &self.path, (self.body)(number)).await?;
        }
        let process = stack.processes(self.function).first().copied().ok_or("no process")?;
        let before = cpu_ms(process)?;
        let mut reply = None;
        for number in 2..2 + REQUESTS {
            reply = Some(send(stack, credential, &self.method, &self.path, (self.body)(number)).await?);
        }
        let cpu = (cpu_ms(process)? - before) / f64::from(REQUESTS);
        let id = reply.as_ref().and_then(|reply| reply.header("x-request-id")).unwrap_or_default().to_owned();
        let line = line(stack, &id).await?;
        Ok(Cost { cpu_ms: cpu, ..logged(&line) })
    }
}

/// Measures the second of two runs.
async fn scheduled(stack: &Stack, function: &'static Function, credential: &Credential) -> Result<Cost, Error> {
    let event = event(function, credential)?;
    let mut outcomes = Vec::new();
    let mut cpu = 0.0;
    for _ in 0..2 {
        let before = stack.processes(function.name).first().map_or(Ok(0.0), |process| cpu_ms(*process))?;
        let outcome = stack.invoke(function.name, &event).await.map_err(|refusal| format!("{refusal:?}"))?;
        if outcome.failed {
            return Err(format!("{}: {}", function.name, String::from_utf8_lossy(&outcome.payload)).into());
        }
        cpu = cpu_ms(outcome.process)? - before;
        outcomes.push(outcome.request_id);
    }
    let id = outcomes.pop().unwrap_or_default();
    let line = line(stack, &id).await?;
    Ok(Cost { cpu_ms: cpu, ..logged(&line) })
}

fn logged(line: &Value) -> Cost {
    let number = |name: &str| line[name].as_f64().unwrap_or(f64::NAN);
    Cost { calls: number("dynamodb_calls"), units: number("dynamodb_capacity"), cpu_ms: 0.0 }
}

/// Waits for the log line of a request, which appears after its response.
async fn line(stack: &Stack, request_id: &str) -> Result<Value, Error> {
    for _ in 0..500 {
        let found = stack.find_log(|line| {
            let line: Value = serde_json::from_str(&line.text).ok()?;
            (line["message"] == "request" && line["request_id"] == request_id).then_some(line)
        });
        match found {
            Some(line) => return Ok(line),
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    Err("a function did not log its request".into())
}

pub(crate) async fn send(
    stack: &Stack,
    credential: &Credential,
    method: &Method,
    path: &str,
    body: Value,
) -> Result<Reply, Error> {
    let bearer = format!("Bearer {}", credential.token);
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-tenant-id", credential.tenant.as_str()),
        ("content-type", "application/json"),
    ];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let reply = stack.request(method.clone(), path, &headers, body).await.map_err(|error| error.to_string())?;
    if !reply.status.is_success() {
        return Err(format!("{method} {path}: {} {}", reply.status, reply.text()).into());
    }
    Ok(reply)
}

/// Copies the tenant's rows for the other tenants, and the organisation's row for its level.
fn copy(file: &Path, tenant: &str, tenants: u64, organisations: u64) -> Result<(), Error> {
    let connection = Connection::open(file)?;
    let mut named = connection.prepare("SELECT table_name FROM _tables")?;
    let tables: Vec<String> = named.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    drop(named);
    let [table] = tables.as_slice() else { return Err("not one table".into()) };
    let numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1 - 1)";
    // A UUID of version 4 per tenant.
    let id = "printf('00000000-0000-4000-8000-%012x', n)";
    let swap = |column: &str| format!("replace({column}, ?2, {id})");
    if tenants > 1 {
        let (pk, sk, item) = (swap("pk"), swap("sk"), swap("item_json"));
        let rows = format!(
            r#"{numbers} INSERT INTO "{table}" (pk, sk, item_json, item_size, hash_prefix)
               SELECT {pk}, {sk}, {item}, item_size, hash_prefix FROM numbers, "{table}" WHERE instr(pk || sk, ?2)"#
        );
        let _ = connection.execute(&rows, rusqlite::params![tenants, tenant])?;
        let mut named =
            connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%::gsi::%'")?;
        let indexes: Vec<String> = named.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for index in indexes {
            let (key, item) = (swap("gsi_sk"), swap("item_json"));
            let (pk, sk) = (swap("table_pk"), swap("table_sk"));
            let rows = format!(
                r#"{numbers} INSERT INTO "{index}" (gsi_pk, gsi_sk, table_pk, table_sk, item_json)
                   SELECT gsi_pk, {key}, {pk}, {sk}, {item} FROM numbers, "{index}" WHERE instr(table_pk, ?2)"#
            );
            let _ = connection.execute(&rows, rusqlite::params![tenants, tenant])?;
        }
    }
    if organisations > 1 {
        let id = "printf('org-%08d', n)";
        let swap = |column: &str| format!("replace({column}, 'org-00000000', {id})");
        let (sk, item) = (swap("sk"), swap("item_json"));
        let rows = format!(
            r#"{numbers} INSERT INTO "{table}" (pk, sk, item_json, item_size, hash_prefix)
               SELECT pk, {sk}, {item}, item_size, hash_prefix FROM numbers, "{table}"
               WHERE instr(pk, ?2) AND sk LIKE 'S:ORG#%'"#
        );
        let _ = connection.execute(&rows, rusqlite::params![organisations, tenant])?;
        let counted = connection.execute(
            &format!(
                r#"UPDATE "{table}" SET item_json = replace(item_json, '"children":{{"N":"1"}}', printf('"children":{{"N":"%d"}}', ?1))
                   WHERE instr(pk, ?2) AND sk = 'S:COUNT#ORG'"#
            ),
            rusqlite::params![organisations, tenant],
        )?;
        if counted != 1 {
            return Err("the level has no count".into());
        }
    }
    Ok(())
}
