//! Where Rundeck is asked, already taken apart: reading `rundeck.url` is the configuration's business.

/// `http[s]://HOST:PORT[/CONTEXT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// Whether TLS is spoken.
    pub https: bool,
    /// Name or address, an IPv6 address without its brackets.
    pub host: String,
    pub port: u16,
    /// `""`, or `/rundeck` without a slash at its end.
    pub context_path: String,
}

impl BaseUrl {
    /// The path under the context path: `/health` becomes `/rundeck/health`.
    pub(super) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.context_path)
    }

    /// What stands in the `Host` header when no other is configured: without the port where it is the scheme's own.
    pub(super) fn authority(&self) -> String {
        let host = &self.host;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        match (self.https, self.port) {
            (false, 80) | (true, 443) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_header_leaves_out_the_schemes_own_port() {
        for (https, host, port, header) in [
            (false, "127.0.0.1", 4440, "127.0.0.1:4440"),
            (false, "rd", 80, "rd"),
            (true, "rd", 443, "rd"),
            (true, "rd", 80, "rd:80"),
            (true, "::1", 4443, "[::1]:4443"),
        ] {
            let url = BaseUrl { https, host: host.to_owned(), port, context_path: "/r".to_owned() };
            assert_eq!((url.authority().as_str(), url.path("/health").as_str()), (header, "/r/health"));
        }
    }
}
