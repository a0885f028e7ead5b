//! One HTTP/1.1 exchange with Rundeck, bounded in time and size.
//!
//! It follows no redirect and keeps no cookie: each call that returned one would make parallel calls fail at random
//! before Rundeck 6.0 (a call ends its session). It starts no task: the connection is driven by the call that uses it,
//! so a call that is given up takes its connection with it.

use super::answer::{Answer, Failure};
use super::lane::{Connectors, Lane, Unverified, Verified};
use super::link::{Era, Kept, Link, Stream};
use super::names::Names;
use super::options::{Options, SetupError};
use super::tls::{Fingerprint, TlsError, Trust, client_config};
use super::url::BaseUrl;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::header::{ACCEPT, HOST, HeaderName, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Method, Request};
use rustls::pki_types::ServerName;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The only place where the token goes.
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-rundeck-auth-token");

/// One request. None has a body: Rundeck's switches take none.
pub(super) struct Ask<L> {
    pub method: Method,
    /// Without the context path.
    pub path: String,
    /// Over what it goes, and with a verified lane whether the token goes along.
    pub lane: L,
    /// From the first byte of the connection to the last of the body.
    pub timeout: Duration,
}

impl Ask<Verified> {
    /// The same over a connection whose certificate is not looked at: a token stays here.
    pub fn unverified(self) -> Ask<Unverified> {
        let Self { method, path, lane: _, timeout } = self;
        Ask { method, path, lane: Unverified, timeout }
    }
}

/// The way to one Rundeck.
pub(super) struct Wire {
    url: BaseUrl,
    host: HeaderValue,
    names: Names,
    connect_timeout: Duration,
    leaves_by: fn(IpAddr, IpAddr) -> Option<String>,
    tls: Option<Tls>,
    kept: Kept<Verified>,
    monotonic: fn() -> Duration,
}

struct Tls {
    name: ServerName<'static>,
    connectors: Connectors,
}

/// How far an exchange came before it failed.
enum Broken {
    /// No byte of an answer: on a kept connection the server may just have closed it.
    BeforeAnswer(Failure),
    Later(Failure),
}

impl Wire {
    pub fn new(options: &Options) -> Result<Self, SetupError> {
        let url = options.url.clone();
        let host = options.host_header.clone().unwrap_or_else(|| url.authority());
        let tls = url.https.then(|| Tls::new(options)).transpose()?;
        Ok(Self {
            host: HeaderValue::from_str(&host).map_err(|_| SetupError::HostHeader(host))?,
            names: Names::default(),
            connect_timeout: options.connect_timeout,
            leaves_by: options.leaves_by,
            url,
            tls,
            kept: Kept::default(),
            monotonic: options.monotonic,
        })
    }

    /// Asks once; over a kept connection that turns out to be closed, once more over a new one.
    pub async fn send<L: Lane>(&self, ask: &Ask<L>) -> Result<Answer, Failure> {
        let answer = timeout(ask.timeout, self.exchange(ask)).await.unwrap_or(Err(Failure::Timeout));
        if answer.is_err() {
            self.kept.failed();
        }
        answer
    }

    async fn exchange<L: Lane>(&self, ask: &Ask<L>) -> Result<Answer, Failure> {
        let (link, era) = ask.lane.take(&self.kept, (self.monotonic)());
        if let Some(link) = link {
            match self.over(link, ask, era).await {
                Err(Broken::BeforeAnswer(_)) => {}
                Err(Broken::Later(failure)) => return Err(failure),
                Ok(answer) => return Ok(answer),
            }
        }
        let link = self.open::<L>().await?;
        self.over(link, ask, era).await.map_err(|broken| match broken {
            Broken::BeforeAnswer(failure) | Broken::Later(failure) => failure,
        })
    }

    async fn over<L: Lane>(&self, mut link: Link<L>, ask: &Ask<L>, era: Era) -> Result<Answer, Broken> {
        let request = self.request(ask).map_err(Broken::Later)?;
        let response = link.request(request).await.map_err(Broken::BeforeAnswer)?;
        let status = response.status().as_u16();
        let location = response.headers().get(LOCATION);
        let location = location.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let body = link.body(response.into_body()).await.map_err(Broken::Later)?;
        ask.lane.put(&self.kept, link, era, (self.monotonic)());
        Ok(Answer { status, location, body })
    }

    fn request<L: Lane>(&self, ask: &Ask<L>) -> Result<Request<Empty<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(self.url.path(&ask.path))
            .header(HOST, self.host.clone())
            // Without it 3.4 answers errors as XML, and every version some of them as HTML.
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static("rundeck-alb-agent"));
        if let Some(token) = ask.lane.token() {
            request = request.header(TOKEN_HEADER, token.clone());
        }
        request.body(Empty::new()).map_err(|e| Failure::CannotConnect(e.to_string()))
    }

    async fn open<L: Lane>(&self) -> Result<Link<L>, Failure> {
        // A name service that hangs says nothing about Rundeck.
        let addresses = timeout(self.connect_timeout, self.names.addresses(&self.url.host, self.url.port))
            .await
            .map_err(|_| Failure::Name("the name service does not answer".into()))?
            .map_err(|e| Failure::Name(e.to_string()))?;
        let tcp = timeout(self.connect_timeout, TcpStream::connect(&addresses[..]))
            .await
            .map_err(|_| Failure::Timeout)?
            .map_err(|e| Failure::from_connect(&e))?;
        self.stays_here(&tcp)?;
        // Requests are one small write: waiting for more of it would only delay them. A failure costs milliseconds.
        let _ = tcp.set_nodelay(true);
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(tcp),
            Some(tls) => tls.handshake::<L>(tcp).await?,
        };
        Link::over(stream, (self.monotonic)()).await
    }

    /// A connection that leaves the machine leads to another one: nothing is sent over it.
    fn stays_here(&self, tcp: &TcpStream) -> Result<(), Failure> {
        let (Ok(ours), Ok(theirs)) = (tcp.local_addr(), tcp.peer_addr()) else {
            // It has ended already: what is sent over it will say so.
            return Ok(());
        };
        let address = theirs.ip().to_canonical();
        let card = (self.leaves_by)(ours.ip().to_canonical(), address);
        card.map_or(Ok(()), |card| Err(Failure::Elsewhere { address, card }))
    }
}

impl Tls {
    fn new(options: &Options) -> Result<Self, TlsError> {
        let name = options.tls_server_name.as_deref().unwrap_or(&options.url.host);
        let trust = match (&options.pin_sha256, &options.ca_file) {
            (Some(pin), _) => Trust::Pin(Fingerprint(*pin)),
            (None, Some(path)) => Trust::CaFile(path),
            (None, None) => Trust::System,
        };
        Ok(Self {
            name: ServerName::try_from(name.to_owned()).map_err(|_| TlsError::ServerName(name.to_owned()))?,
            connectors: Connectors {
                verified: TlsConnector::from(Arc::new(client_config(&trust)?)),
                unverified: TlsConnector::from(Arc::new(client_config(&Trust::Nothing)?)),
            },
        })
    }

    async fn handshake<L: Lane>(&self, tcp: TcpStream) -> Result<Box<dyn Stream>, Failure> {
        match L::connector(&self.connectors).connect(self.name.clone(), tcp).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(e) => Err(Failure::from_handshake(&e, &self.name.to_str())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_service_that_hangs_says_nothing_about_rundeck() {
        let url = BaseUrl { https: false, host: "localhost".into(), port: 9, context_path: String::new() };
        let options = Options {
            url,
            host_header: None,
            ca_file: None,
            pin_sha256: None,
            tls_server_name: None,
            connect_timeout: Duration::from_millis(50),
            timeout: Duration::from_secs(20),
            token: None,
            leaves_by: |_, _| None,
            monotonic: || Duration::ZERO,
        };
        let wire = Wire::new(&options).expect("a wire");
        let _hanging = wire.names.hang().await;
        let ask = Ask { method: Method::GET, path: "/health".into(), lane: Unverified, timeout: options.timeout };
        assert!(matches!(wire.send(&ask).await, Err(Failure::Name(_))));
    }
}
