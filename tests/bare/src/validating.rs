//! The floor with all of Cedar: each request also validates a policy against the schema. Two functions, which accept
//! policies, have this cost.

mod question;

use std::sync::Arc;

use lambda_http::{Body, Error, Request, Response, run, service_fn};
use trustplane_policy::{Policies, Schema};

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let policies = Arc::new(Policies::built_in()?);
    let validate = move |_: Request| {
        let policies = Arc::clone(&policies);
        async move {
            let schema = Schema::of([question::ACTION].into_iter())?;
            let text = "permit (principal, action, resource) when { principal.name == \"network team\" };";
            schema.validate("mine", text).map_err(|_| "the policy is not valid")?;
            question::decided(&policies).map(|()| Response::new(Body::Empty))
        }
    };
    runtime.block_on(run(service_fn(validate)))
}
