//! Rundeck's base URL, taken apart once. Does not connect and resolves no name.

use std::fmt;

use hyper::Uri;

/// `rundeck.url`: http or https, a host, perhaps a port and a context path; never a user, a
/// query or a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RundeckUrl {
    https: bool,
    host: String,
    port: Option<u16>,
    context_path: String,
    api_path: Option<String>,
}

/// Why a text is no URL of a Rundeck. The texts never repeat the URL: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL at all.
    #[error("is no URL")]
    Malformed,
    /// Neither http nor https, or none.
    #[error("does not begin with http:// or https://")]
    Scheme,
    /// Nothing where the host stands.
    #[error("has no host")]
    NoHost,
    /// A port beyond 1..=65535, or a colon without one.
    #[error("has no valid port after the colon")]
    Port,
    /// `user:password@`.
    #[error("holds a user name or password")]
    UserInfo,
    /// `?` or `#`.
    #[error("holds a query or a fragment")]
    Query,
}

impl UrlError {
    /// What to write instead.
    pub(super) fn cure(self) -> &'static str {
        match self {
            UrlError::UserInfo => "remove it: the agent signs in with the token of `rundeck.token_file` only",
            UrlError::Query => "end the URL after Rundeck's context path",
            UrlError::Port => "write a port from 1 to 65535, as in \"http://127.0.0.1:4440\"",
            UrlError::Malformed | UrlError::Scheme | UrlError::NoHost => {
                "write it as in \"http://127.0.0.1:4440\" or \"https://rundeck.internal/rundeck\""
            }
        }
    }
}

impl RundeckUrl {
    /// Takes a URL apart; slashes at the end are dropped, and so is the path of the API (`/api`, `/api/41`), which many
    /// have in `RUNDECK_URL` for Rundeck's own command line tool: whoever asks finds the version by himself.
    pub fn parse(text: &str) -> Result<RundeckUrl, UrlError> {
        if text.contains(['?', '#']) {
            return Err(UrlError::Query);
        }
        let uri: Uri = text.parse().map_err(|_| UrlError::Malformed)?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(UrlError::Scheme),
        };
        let authority = uri.authority().ok_or(UrlError::NoHost)?;
        if authority.as_str().contains('@') {
            return Err(UrlError::UserInfo);
        }
        let host = authority.host();
        let port = authority.port_u16();
        if port == Some(0) || (port.is_none() && authority.as_str() != host) {
            return Err(UrlError::Port);
        }
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if bare.is_empty() {
            return Err(UrlError::NoHost);
        }
        let path = uri.path().trim_end_matches('/');
        let api_path = api_path(path);
        let context_path = path[..path.len() - api_path.map_or(0, str::len)].trim_end_matches('/').to_owned();
        Ok(RundeckUrl {
            https,
            host: bare.to_ascii_lowercase(),
            port,
            context_path,
            api_path: api_path.map(str::to_owned),
        })
    }

    /// Whether TLS is spoken.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Host name or address, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own (80, 443) where none is written.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.https { 443 } else { 80 })
    }

    /// Host and, where one is written, port: what a `Host` header holds.
    pub fn authority(&self) -> String {
        let host = &self.host;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    /// The context path without a slash at its end: `""` or `/rundeck`.
    pub fn context_path(&self) -> &str {
        &self.context_path
    }

    /// What was cut off its end, as in `/api/41`.
    pub fn api_path(&self) -> Option<&str> {
        self.api_path.as_deref()
    }
}

/// The end of this path that is Rundeck's API and no context path.
fn api_path(path: &str) -> Option<&str> {
    let version = path.rfind('/').filter(|at| {
        let digits = &path[at + 1..];
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let whole = &path[..version.unwrap_or(path.len())];
    let from = whole.strip_suffix("/api")?.len();
    Some(&path[from..])
}

impl Default for RundeckUrl {
    /// `http://127.0.0.1:4440`: where Rundeck listens when nobody changed it.
    fn default() -> RundeckUrl {
        RundeckUrl {
            https: false,
            host: "127.0.0.1".to_owned(),
            port: Some(4440),
            context_path: String::new(),
            api_path: None,
        }
    }
}

impl fmt::Display for RundeckUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.context_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_urls_apart() {
        for (text, host, port, path, shown) in [
            ("http://127.0.0.1:4440", "127.0.0.1", 4440, "", "http://127.0.0.1:4440"),
            ("https://rd.internal/rundeck/", "rd.internal", 443, "/rundeck", "https://rd.internal/rundeck"),
            ("HTTP://RD:80//", "rd", 80, "", "http://rd:80"),
            ("http://[::1]:4440/r/x", "::1", 4440, "/r/x", "http://[::1]:4440/r/x"),
            ("http://[::1]", "::1", 80, "", "http://[::1]"),
        ] {
            let url = RundeckUrl::parse(text).unwrap_or_default();
            assert_eq!((url.host(), url.port(), url.context_path()), (host, port, path), "{text}");
            assert_eq!(url.to_string(), shown);
            assert_eq!(RundeckUrl::parse(shown), Ok(url));
        }
    }

    #[test]
    fn the_path_of_the_api_is_no_context_path() {
        for (text, shown, cut) in [
            ("http://rd:4440/api/41", "http://rd:4440", Some("/api/41")),
            ("http://rd:4440/rundeck/api/41/", "http://rd:4440/rundeck", Some("/api/41")),
            ("http://rd/api", "http://rd", Some("/api")),
            ("http://rd/41", "http://rd/41", None),
            ("http://rd/api/rundeck", "http://rd/api/rundeck", None),
            ("http://rd/myapi/4", "http://rd/myapi/4", None),
        ] {
            let url = RundeckUrl::parse(text).unwrap_or_default();
            assert_eq!((url.to_string().as_str(), url.api_path()), (shown, cut), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_with_a_reason() {
        for (text, why) in [
            ("", UrlError::Malformed),
            ("http://h x", UrlError::Malformed),
            ("http://[::1", UrlError::Malformed),
            ("http:///x", UrlError::Malformed),
            ("127.0.0.1:4440", UrlError::Scheme),
            ("/rundeck", UrlError::Scheme),
            ("ftp://h", UrlError::Scheme),
            ("http://:4440", UrlError::NoHost),
            ("http://h:", UrlError::Port),
            ("http://h:0", UrlError::Port),
            ("http://h:99999", UrlError::Port),
            ("http://u:p@h", UrlError::UserInfo),
            ("http://u@h", UrlError::UserInfo),
            ("http://h?authtoken=x", UrlError::Query),
            ("http://h/#x", UrlError::Query),
        ] {
            assert_eq!(RundeckUrl::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn the_default_is_what_its_text_says() {
        assert_eq!(RundeckUrl::parse("http://127.0.0.1:4440"), Ok(RundeckUrl::default()));
    }
}
