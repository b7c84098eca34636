//! The floor: a `lambda_http` function that does nothing.

use lambda_http::{Body, Error, Request, Response, run, service_fn};

async fn nothing(_: Request) -> Result<Response<Body>, Error> {
    Ok(Response::new(Body::Empty))
}

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(service_fn(nothing)))
}
