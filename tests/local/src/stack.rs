//! The whole stack as a library, for `cargo local` and for end-to-end tests.

use crate::{
    Clock, Error,
    archive::Archive,
    authority::{self, Authority},
    binaries::{self, Programs},
    bus::Bus,
    delivery::{Delivery, reason},
    dns::Dns,
    endpoint::Services,
    engine::{self, Engine},
    environment, gateway,
    http::{self, Method, Reply},
    identity_provider::IdentityProvider,
    journal::Journal,
    lambda::{Lambda, Outcome, Refusal, Runnable},
    listen::{listen, listen_for_containers, listen_on_both, serve},
    lock::lock,
    logs::{Line, Logs, Show},
    options::Options,
    receiver::Receiver,
    sam,
    schedule::{self, Expression},
    streams::{Mapping, Positions},
    template::{Key, Route, Schedule, Template},
    wait,
};
use serde_json::Value;
use std::{collections::BTreeMap, fs::File, net::SocketAddr};
use tokio::{sync::watch, task::JoinHandle};
use trustplane_organization::{KeySpec, Organization};

/// Host name of the API, which outgoing requests must not go to.
pub const API_HOST: &str = "api.localhost";

/// A running stack. Dropping it stops it, including its function processes; [`Stack::stop`] also waits for their end.
pub struct Stack {
    address: SocketAddr,
    endpoint: String,
    dynamodb_endpoint: String,
    tables: Vec<String>,
    routes: Vec<Route>,
    organization: Organization,
    archive: Archive,
    dns: Dns,
    authority: Authority,
    identity_provider: Option<IdentityProvider>,
    receiver: Option<Receiver>,
    delivery: Delivery,
    bus: Bus,
    schedules: Vec<(Schedule, Expression)>,
    clock: Clock,
    polls: Vec<watch::Receiver<u64>>,
    engine: Option<Engine>,
    tasks: Vec<JoinHandle<()>>,
    _lock: Option<File>,
}

impl Stack {
    /// Starts a stack on the current Tokio runtime.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let lock = options.data.as_deref().map(lock).transpose()?;
        let template = match &options.template {
            Some(path) => Template::read(path)?,
            None => Template::read(&binaries::workspace().join("template.yaml"))?,
        };
        let programs = programs(&options, &template).await?;
        let mut tasks = Vec::new();

        let engine = match &options.dynamodb_endpoint {
            Some(_) => None,
            None => Some(Engine::start(options.data.as_ref().map(|data| data.join("table.sqlite")).as_deref()).await?),
        };
        let dynamodb_endpoint = match (&engine, &options.dynamodb_endpoint) {
            (Some(engine), _) => engine.endpoint().to_owned(),
            (None, endpoint) => endpoint.clone().unwrap_or_default(),
        };
        engine::create_tables(&dynamodb_endpoint, &template.tables).await?;

        let organization = Organization::demo();
        for Key { id, spec } in &template.keys {
            organization.add_key(id, key_spec(spec)?);
        }
        for (alias, key) in &template.aliases {
            organization.add_alias(alias, key);
        }
        let aws_endpoint = match &options.aws_endpoint {
            Some(endpoint) => endpoint.clone(),
            None => {
                let (listener, address) = listen(0).await?;
                let serve = organization.clone().serve(listener);
                tasks.push(tokio::spawn(async move {
                    let _ = serve.await;
                }));
                format!("http://{address}")
            }
        };

        let (bus_listener, bus_address) = listen(0).await?;
        let bus_endpoint = format!("http://{bus_address}");
        let file = |name: &str| options.data.as_ref().map(|data| data.join(name));
        let journal = |name: &str| file(name).map_or_else(|| Ok(Journal::default()), |file| Journal::in_file(&file));
        let archive = Archive::new(journal("archive.jsonl")?);
        let (archive_listener, archive_address) = listen(0).await?;
        tasks.push(serve(archive_listener, archive.clone().router()));
        let archive_endpoint = format!("http://{archive_address}");
        // A service without an entry cannot be reached: the bus refuses unknown calls.
        let mut endpoints = BTreeMap::from([
            ("AWS_ENDPOINT_URL".to_owned(), bus_endpoint.clone()),
            ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), dynamodb_endpoint.clone()),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE".to_owned(), bus_endpoint.clone()),
            ("AWS_ENDPOINT_URL_S3".to_owned(), archive_endpoint.clone()),
            ("AWS_ENDPOINT_URL_SQS".to_owned(), bus_endpoint.clone()),
        ]);
        for service in ["STS", "SSO_ADMIN", "ORGANIZATIONS", "KMS"] {
            endpoints.insert(format!("AWS_ENDPOINT_URL_{service}"), aws_endpoint.clone());
        }
        let (dns, answer) = Dns::start(options.data.as_ref().map(|data| data.join("dns.txt"))).await?;
        tasks.push(tokio::spawn(answer));
        let mut environment = options.environment.clone();
        let (listeners, address) = listen_on_both(options.port).await?;
        for (name, value) in environment::own(&dns, address) {
            environment.entry(name.to_owned()).or_insert(value);
        }
        let authority = Authority::new(options.data.as_deref())?;
        let identity_provider = match options.identity_provider {
            Some(port) => Some(IdentityProvider::start(&authority, port).await?),
            None => None,
        };
        // A function refuses to start with the root certificate if it could reach an AWS endpoint elsewhere.
        if endpoints.values().all(|endpoint| authority::is_loopback(endpoint)) {
            environment.entry(authority::VARIABLE.to_owned()).or_insert_with(|| authority.root().display().to_string());
        }
        let services = Services {
            dynamodb: dynamodb_endpoint.clone(),
            bus: bus_endpoint,
            aws: aws_endpoint,
            archive: archive_endpoint,
        };
        let (endpoint_listener, endpoint_address) = listen(0).await?;
        tasks.push(serve(endpoint_listener, services.clone().router()));
        let endpoint = format!("http://{endpoint_address}");
        if let Some(data) = &options.data {
            sam::write(&data.join(sam::FILE), &template, endpoint_address.port(), &environment)?;
            for listener in listen_for_containers(endpoint_address.port()) {
                tasks.push(serve(listener, services.clone().router()));
            }
        }
        let functions = runnables(&template, &programs, &endpoints, &environment)?;
        let logs = Logs::new(options.show);
        let (lambda, runtime_api) = Lambda::start(functions, options.limits, logs).await?;
        tasks.push(tokio::spawn(runtime_api));

        let delivery = Delivery { lambda, dead_letters: journal("dead-letters.jsonl")? };
        let bus =
            Bus::new(&template.buses, template.rules, journal("events.jsonl")?, options.observer, delivery.clone());
        tasks.push(serve(bus_listener, bus.clone().router()));

        let receiver = match options.receiver {
            true => {
                let shows = delivery.lambda.logs().shows() || options.show == Show::Warnings;
                Some(Receiver::start(&authority, journal("webhooks.jsonl")?, shows).await?)
            }
            false => None,
        };

        let mut polls = Vec::new();
        if options.streams {
            let positions = Positions::open(file("streams.json"))?;
            for source in &template.streams {
                let mapping = Mapping::open(source, &dynamodb_endpoint, &positions, &delivery).await?;
                polls.push(mapping.polls());
                tasks.push(tokio::spawn(mapping.run()));
            }
        }
        let schedules = template.schedules.into_iter().map(|schedule| {
            let expression = Expression::parse(&schedule.expression)?;
            Ok((schedule, expression))
        });
        let schedules = schedules.collect::<Result<_, Error>>()?;

        let commands = identity_provider.as_ref().map(IdentityProvider::commands).unwrap_or_default();
        for listener in listeners {
            let router = gateway::router(&template.routes, delivery.clone()).merge(commands.clone());
            tasks.push(serve(listener, router));
        }

        Ok(Self {
            address,
            endpoint,
            dynamodb_endpoint,
            tables: template.tables.into_iter().map(|table| table.name).collect(),
            routes: template.routes,
            organization,
            archive,
            dns,
            authority,
            identity_provider,
            receiver,
            delivery,
            bus,
            schedules,
            clock: options.clock,
            polls,
            engine,
            tasks,
            _lock: lock,
        })
    }

    /// Returns the URL of the HTTP API, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    /// Returns the URL of all AWS services together, for `TRUSTPLANE_ENDPOINT_URL`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the URL of DynamoDB.
    pub fn dynamodb_endpoint(&self) -> &str {
        &self.dynamodb_endpoint
    }

    /// Returns the name of the template's first table.
    pub fn table(&self) -> &str {
        self.tables.first().map_or("", String::as_str)
    }

    /// Returns true if the HTTP API has exactly this route.
    pub fn has_route(&self, method: &str, path: &str) -> bool {
        self.routes.iter().any(|route| route.method == method && route.path == path)
    }

    /// Returns the customer's AWS organization.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Returns the DNS server that functions query, unless the options name another.
    pub fn dns(&self) -> &Dns {
        &self.dns
    }

    /// Returns the authority whose certificates functions trust in outgoing requests.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Returns the demonstration identity provider, if the options start one.
    pub fn identity_provider(&self) -> Option<&IdentityProvider> {
        self.identity_provider.as_ref()
    }

    /// Returns the URL of the receiver of webhooks, if there is one.
    pub fn receiver_url(&self) -> Option<String> {
        self.receiver.as_ref().map(Receiver::url)
    }

    /// Puts an event on the bus of the template: an object with `detail-type` and `detail`, as events of the bus have.
    ///
    /// # Errors
    /// The reason why EventBridge would not take it.
    pub fn emit(&self, event: &Value) -> Result<(), Error> {
        self.bus.emit(event)
    }

    /// Sends a request to the HTTP API. `path` is percent-encoded.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<bytes::Bytes>,
    ) -> Result<Reply, Error> {
        http::send(method, &format!("http://{}{path}", self.address), headers, body).await
    }

    /// Invokes a function directly, by the name of its binary.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Outcome, Refusal> {
        self.delivery.lambda.invoke(function, event.to_string().into()).await
    }

    /// Returns the functions' output, oldest line first.
    pub fn logs(&self) -> Vec<Line> {
        self.delivery.lambda.logs().lines()
    }

    /// Searches the output from the newest line, and returns the first `Some` of `find`. It is cheaper than
    /// [`Self::logs`].
    pub fn find_log<T>(&self, find: impl Fn(&Line) -> Option<T>) -> Option<T> {
        self.delivery.lambda.logs().find(find)
    }

    /// Returns the ids of the processes that run a function now.
    pub fn processes(&self, function: &str) -> Vec<u32> {
        self.delivery.lambda.processes(function)
    }

    /// Kills a function's process, as a crash would. Returns false if there is no process with this id.
    pub fn crash(&self, process: u32) -> bool {
        self.delivery.lambda.crash(process)
    }

    /// Returns the versions and delete markers of objects in the archive of seals, oldest first.
    pub fn archived(&self) -> Vec<Value> {
        self.archive.versions()
    }

    /// Returns the events that the buses received, oldest first, in the format that a rule's target gets.
    pub fn events(&self) -> Vec<Value> {
        self.bus.received()
    }

    /// Returns the dead letters: batches of a stream, asynchronous invocations, and messages to queues.
    pub fn dead_letters(&self) -> Vec<Value> {
        self.delivery.dead_letters.entries()
    }

    /// Makes EventBridge reject the next `count` entries.
    pub fn refuse_events(&self, count: usize) {
        self.bus.refuse(count);
    }

    /// Makes EventBridge reject entries whose detail contains `text` for good; none any more with `None`.
    pub fn reject_events(&self, text: Option<&str>) {
        self.bus.reject(text.map(str::to_owned));
    }

    /// Waits until every record that is in the table's stream now is handled or given up.
    ///
    /// # Panics
    ///
    /// After [`wait::LIMIT`]: a record is retried for longer than a test waits.
    pub async fn settle_streams(&self) {
        for polls in &self.polls {
            let mut polls = polls.clone();
            // The current poll may have started before the last record was written.
            let enough = *polls.borrow() + 2;
            // An error means that the stack is stopping.
            let settled = polls.wait_for(|polls| *polls >= enough);
            let _ = wait::within("two polls of the table's stream that handle every record", settled).await;
        }
    }

    /// Runs every schedule once now, one after the other. Returns the first function's failure.
    pub async fn run_schedules(&self) -> Result<(), Error> {
        for (schedule, _) in &self.schedules {
            let event = schedule::event(schedule, self.clock.now());
            let failed = |why: String| Error::new(format!("function `{}`: {why}", schedule.function));
            let outcome = self.invoke(&schedule.function, &event).await.map_err(|refusal| failed(reason(&refusal)))?;
            if outcome.failed {
                return Err(failed(String::from_utf8_lossy(&outcome.payload).into_owned()));
            }
        }
        Ok(())
    }

    /// Runs every schedule once now, and then at each due time.
    pub fn start_schedules(&mut self) {
        for (schedule, expression) in &self.schedules {
            let run = schedule::run(schedule.clone(), expression.clone(), self.clock, self.delivery.clone());
            self.tasks.push(tokio::spawn(run));
        }
    }

    /// Stops the stack. All of it has ended when this returns.
    pub async fn stop(mut self) {
        self.abort();
        self.delivery.lambda.stop().await;
        if let Some(engine) = self.engine.take() {
            engine.stop().await;
        }
    }

    fn abort(&self) {
        for server in &self.tasks {
            server.abort();
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.abort();
        self.delivery.lambda.kill();
    }
}

fn key_spec(name: &str) -> Result<KeySpec, Error> {
    match name {
        "SYMMETRIC_DEFAULT" => Ok(KeySpec::SymmetricDefault),
        "HMAC_256" => Ok(KeySpec::Hmac256),
        "ECC_NIST_P256" => Ok(KeySpec::EccNistP256),
        other => Err(Error::new(format!("a KMS key of `{other}` cannot be had locally"))),
    }
}

async fn programs(options: &Options, template: &Template) -> Result<Programs, Error> {
    if let Some(folder) = &options.functions {
        return binaries::in_folder(folder);
    }
    let (profile, quiet) = (options.profile, options.show == Show::Nothing);
    let names = template.functions.keys().cloned().collect();
    match tokio::task::spawn_blocking(move || binaries::build(profile, names, quiet)).await {
        Ok(built) => built,
        Err(error) => Err(Error::while_doing("building the functions", error)),
    }
}

fn runnables(
    template: &Template,
    programs: &Programs,
    endpoints: &BTreeMap<String, String>,
    environment: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Runnable>, Error> {
    let mut runnables = BTreeMap::new();
    for (name, function) in &template.functions {
        let binary = programs.get(name).ok_or_else(|| {
            Error::new(format!("the template has a function `{name}`, and no package has such a binary"))
        })?;
        let mut variables = function.environment.clone();
        for more in [endpoints, environment] {
            variables.extend(more.clone());
        }
        runnables.insert(
            name.clone(),
            Runnable { function: function.clone(), binary: binary.clone(), environment: variables },
        );
    }
    Ok(runnables)
}
