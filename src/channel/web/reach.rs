//! Whether a web server is there, without a word to it: where even a look counts as a sign, none is given.

use std::net::SocketAddr;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use super::client::WebSettings;
use super::{guard, shown};
use crate::tls;

/// What was reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reached {
    /// The server itself, in TLS or in clear.
    Server {
        /// Which one.
        server: String,
        /// Whether its certificate was seen, and is believed.
        tls: bool,
    },
    /// The proxy that leads there.
    Proxy {
        /// Which one.
        proxy: String,
    },
}

/// Connects to where `url` leads, in TLS where it says so, and hangs up.
pub(super) async fn reach(url: &Url, settings: &WebSettings) -> Result<Reached, String> {
    let to = settings.proxy.as_ref().unwrap_or(url);
    let server = shown(to);
    let connecting = async {
        let stream = connect(to, settings).await?;
        match &settings.proxy {
            Some(_) => Ok(Reached::Proxy { proxy: server.clone() }),
            None if url.scheme() == "https" => {
                let name = to.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
                let name = ServerName::try_from(name).map_err(|error| error.to_string())?;
                let config = tls::client_config(&settings.trust).map_err(|error| error.to_string())?;
                let raised = TlsConnector::from(config).connect(name, stream).await;
                raised.map_err(|error| tls::explain(&error).unwrap_or_else(|| error.to_string()))?;
                Ok(Reached::Server { server: server.clone(), tls: true })
            }
            None => Ok(Reached::Server { server: server.clone(), tls: false }),
        }
    };
    let failed = |reason: String| format!("{server} can't be reached: {reason}");
    match timeout(settings.timeout, connecting).await {
        Ok(reached) => reached.map_err(failed),
        Err(_) => Err(failed(format!("nothing came of it within {} s", settings.timeout.as_secs()))),
    }
}

async fn connect(to: &Url, settings: &WebSettings) -> Result<TcpStream, String> {
    let (host, port) =
        (to.host_str().unwrap_or_default().to_owned(), to.port_or_known_default().unwrap_or(443));
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host.trim_matches(['[', ']']), port))
        .await
        .map_err(|error| error.to_string())?
        .collect();
    let guarded = !settings.allow_private && settings.proxy.is_none();
    let allowed: Vec<SocketAddr> =
        found.iter().copied().filter(|address| !guarded || !guard::is_inner(address.ip())).collect();
    if let Some(inner) = found.first().filter(|_| allowed.is_empty()) {
        return Err(guard::inner(&host, inner.ip()).to_string());
    }
    TcpStream::connect(&*allowed).await.map_err(|error| error.to_string())
}
