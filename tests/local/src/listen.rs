//! Listening on this machine's own addresses, of IPv4 and of IPv6.

use crate::Error;
use axum::Router;
use socket2::{Domain, Socket, Type};
use std::{
    io::ErrorKind,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Attempts to find a port that is free in both families.
const ATTEMPTS: usize = 20;

/// Listens on a port of 127.0.0.1; 0 selects a free one.
pub(crate) async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AddrInUse => {
            Error::new(format!("port {port} is in use: end what listens there, or choose another with --port"))
        }
        _ => Error::while_doing(format!("listening on port {port}"), error),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Listens on the same port of 127.0.0.1 and of ::1, because clients take either for `localhost`. On a machine without
/// IPv6, on 127.0.0.1 alone.
pub(crate) async fn listen_on_both(port: u16) -> Result<(Vec<TcpListener>, SocketAddr), Error> {
    for _ in 0..ATTEMPTS {
        let (listener, address) = listen(port).await?;
        match TcpListener::bind((Ipv6Addr::LOCALHOST, address.port())).await {
            Ok(other) => return Ok((vec![listener, other], address)),
            // A port that was selected for IPv4 may be another program's in IPv6.
            Err(error) if error.kind() == ErrorKind::AddrInUse && port == 0 => {}
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                let message = "is in use on ::1: end what listens there, or choose another with --port";
                return Err(Error::new(format!("port {port} {message}")));
            }
            Err(_) => return Ok((vec![listener], address)),
        }
    }
    Err(Error::new("no port is free in both IPv4 and IPv6: choose one with --port"))
}

/// Addresses at which containers reach this machine: the gateways of the default networks of Docker and of podman. On a
/// Mac, Docker's name for the machine leads to 127.0.0.1.
const GATEWAYS: [Ipv4Addr; 2] = [Ipv4Addr::new(172, 17, 0, 1), Ipv4Addr::new(10, 88, 0, 1)];

/// Listens on a port of the gateways of containers. A gateway without a network is left out.
pub(crate) fn listen_for_containers(port: u16) -> Vec<TcpListener> {
    GATEWAYS.iter().filter_map(|gateway| bind_early((*gateway, port).into()).ok()).collect()
}

/// Listens on an address that this machine may get later: the first container brings the network.
fn bind_early(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    #[cfg(target_os = "linux")]
    socket.set_freebind_v4(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(128)?;
    TcpListener::from_std(socket.into())
}

/// Serves a router, until the task is aborted.
pub(crate) fn serve(listener: TcpListener, router: Router) -> JoinHandle<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move {
        // It ends only with the listener, whose errors it survives.
        let _ = axum::serve(listener, service).await;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_families_have_the_same_port() {
        let (listeners, address) = listen_on_both(0).await.unwrap();
        for listener in &listeners {
            assert_eq!(listener.local_addr().unwrap().port(), address.port());
            assert!(listener.local_addr().unwrap().ip().is_loopback());
        }
        let in_use = listen_on_both(address.port()).await.unwrap_err().to_string();
        assert!(in_use.contains("in use"), "{in_use}");
    }
}
