//! Which connection carries a request, as a type: a token finds room on a verified one only.
//!
//! A request is bound to its lane, and a lane to its connections: what was opened without looking at the certificate is
//! of another type than what may carry a token, and is not kept among those that may.

use super::link::{Era, Kept, Link};
use hyper::header::HeaderValue;
use std::time::Duration;
use tokio_rustls::TlsConnector;

/// A connection whose other end has proven itself by its certificate; with http there is nothing to prove.
pub(super) struct Verified {
    token: Option<HeaderValue>,
    /// Over a kept connection if there is one, and kept afterwards.
    kept: bool,
}

/// A new connection whose certificate is not looked at. It has no room for a token.
pub(super) struct Unverified;

impl Verified {
    /// Over a kept connection if there is one, else a new one; it is kept afterwards.
    pub fn kept(token: Option<HeaderValue>) -> Self {
        Self { token, kept: true }
    }

    /// Over a new one that is closed afterwards: for calls that may hang long after the others.
    pub fn fresh(self) -> Self {
        Self { kept: false, ..self }
    }
}

/// The two ways to speak TLS.
pub(super) struct Connectors {
    pub verified: TlsConnector,
    pub unverified: TlsConnector,
}

/// A kept connection, where there is one, and the era in which its request begins.
pub(super) type Taken<L> = (Option<Link<L>>, Era);

/// What differs between the lanes.
pub(super) trait Lane: Sized {
    /// The token that goes along.
    fn token(&self) -> Option<&HeaderValue>;

    /// How such a connection is opened with TLS.
    fn connector(connectors: &Connectors) -> &TlsConnector;

    /// A kept connection, if this lane uses them.
    fn take(&self, kept: &Kept<Verified>, now: Duration) -> Taken<Self>;

    /// Keeps the connection, if this lane does.
    fn put(&self, kept: &Kept<Verified>, link: Link<Self>, era: Era, now: Duration);
}

impl Lane for Verified {
    fn token(&self) -> Option<&HeaderValue> {
        self.token.as_ref()
    }

    fn connector(connectors: &Connectors) -> &TlsConnector {
        &connectors.verified
    }

    fn take(&self, kept: &Kept<Verified>, now: Duration) -> Taken<Self> {
        if self.kept { kept.take(now) } else { (None, Era::default()) }
    }

    fn put(&self, kept: &Kept<Verified>, link: Link<Self>, era: Era, now: Duration) {
        if self.kept {
            kept.put(link, era, now);
        }
    }
}

impl Lane for Unverified {
    fn token(&self) -> Option<&HeaderValue> {
        None
    }

    fn connector(connectors: &Connectors) -> &TlsConnector {
        &connectors.unverified
    }

    fn take(&self, _: &Kept<Verified>, _: Duration) -> Taken<Self> {
        (None, Era::default())
    }

    fn put(&self, _: &Kept<Verified>, _: Link<Self>, _: Era, _: Duration) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unverified_lane_has_no_room_for_a_token() {
        assert_eq!(size_of::<Unverified>(), 0);
        assert_eq!(Unverified.token(), None);
    }

    #[test]
    fn the_lanes_of_connections_are_told_apart_by_type() {
        // Each line is a signature that the compiler compares: with one lane in the other's place it does not compile.
        let _: fn(&Kept<Verified>, Link<Verified>, Era, Duration) = Kept::put;
        let _: fn(&Verified, &Kept<Verified>, Duration) -> Taken<Verified> = Lane::take;
        let _: fn(&Unverified, &Kept<Verified>, Duration) -> Taken<Unverified> = Lane::take;
    }
}
