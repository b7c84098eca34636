//! TLS in front of the local table, so that the functions make the connections that they make to AWS.

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::Error;

/// An HTTPS endpoint and the file that says whom to trust for it.
pub(crate) struct Endpoint {
    /// `https://localhost:…`.
    pub(crate) url: String,
    /// A PEM file.
    pub(crate) bundle: String,
}

/// Serves TLS and hands the bytes on to `target`.
pub(crate) async fn proxy(target: String) -> Result<Endpoint, Error> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    let bundle = std::env::temp_dir().join(format!("trustplane-benchmark-{}.pem", std::process::id()));
    std::fs::write(&bundle, made.cert.pem())?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("https://localhost:{}", listener.local_addr()?.port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, target) = (acceptor.clone(), target.clone());
            tokio::spawn(async move {
                let (Ok(mut inside), Ok(mut outside)) =
                    tokio::join!(acceptor.accept(stream), TcpStream::connect(target))
                else {
                    return;
                };
                // Otherwise a response in two pieces waits for the client's delayed acknowledgement of the first.
                if inside.get_ref().0.set_nodelay(true).and(outside.set_nodelay(true)).is_err() {
                    return;
                }
                let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
            });
        }
    });
    Ok(Endpoint { url, bundle: bundle.to_string_lossy().into_owned() })
}
