//! The floor with Cedar: the built-in policies, compiled before the first event, decide each request. Every function
//! with a credential has this cost.

mod question;

use std::sync::Arc;

use lambda_http::{Body, Error, Request, Response, run, service_fn};
use trustplane_policy::Policies;

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let policies = Arc::new(Policies::built_in()?);
    let decide = move |_: Request| {
        let policies = Arc::clone(&policies);
        async move { question::decided(&policies).map(|()| Response::new(Body::Empty)) }
    };
    runtime.block_on(run(service_fn(decide)))
}
