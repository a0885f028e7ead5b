//! The client for the Rundeck of these settings, and where its token comes from. Asks nothing, reads no token's file.

use super::api::TokenSource;
use crate::clock::since_boot;
use crate::config::Settings;
use crate::host::leaves_by;
use crate::rundeck::{BaseUrl, Client, Options, SetupError, Token, TokenError};
use std::path::PathBuf;

/// Why there is no client. Each names the setting to change.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// `RUNDECK_TOKEN`.
    #[error("RUNDECK_TOKEN: {0}")]
    Token(#[from] TokenError),
    /// The rest.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// Where the token comes from: `rundeck.token_file`, else the systemd credential, else `RUNDECK_TOKEN`.
#[derive(Debug)]
pub enum Tokens {
    /// A file, read at use and again when it changes.
    File(PathBuf),
    /// A token that no file holds.
    Fixed(Token),
    None,
}

impl Tokens {
    /// Looks for it; reads no file. `credential` is the systemd credential's file, where there is one.
    ///
    /// # Errors
    /// `RUNDECK_TOKEN` is no token.
    pub fn find(settings: &Settings, credential: Option<PathBuf>) -> Result<Tokens, ClientError> {
        if let Some(file) = settings.rundeck.token_file.clone().or(credential) {
            return Ok(Tokens::File(file));
        }
        match &settings.rundeck.environment_token {
            Some(secret) => Ok(Tokens::Fixed(Token::parse(secret.expose())?)),
            None => Ok(Tokens::None),
        }
    }

    /// There is one at all.
    pub fn any(&self) -> bool {
        !matches!(self, Tokens::None)
    }

    /// The client, and what keeps its token fresh. Blocks for about 10 ms where the system's CA store is read
    /// ([`Client::new`]).
    ///
    /// # Errors
    /// A setting that cannot be.
    pub fn client(self, settings: &Settings) -> Result<(Client, TokenSource), ClientError> {
        let (file, fixed) = match self {
            Tokens::File(path) => (Some(path), None),
            Tokens::Fixed(token) => (None, Some(token)),
            Tokens::None => (None, None),
        };
        Ok((Client::new(options(settings, fixed))?, TokenSource::new(file)))
    }
}

fn options(settings: &Settings, token: Option<Token>) -> Options {
    let rundeck = &settings.rundeck;
    Options {
        url: BaseUrl {
            https: rundeck.url.is_https(),
            host: rundeck.url.host().to_string(),
            port: rundeck.url.port(),
            context_path: rundeck.url.context_path().to_string(),
        },
        host_header: rundeck.host_header.clone(),
        ca_file: rundeck.ca_file.clone(),
        pin_sha256: rundeck.pin_sha256,
        tls_server_name: rundeck.tls_server_name.clone(),
        connect_timeout: settings.looks.connect_timeout.into(),
        timeout: settings.health.timeout.into(),
        token,
        leaves_by,
        monotonic: since_boot,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn found(file: bool, credential: bool, variable: Option<&str>) -> Result<Tokens, ClientError> {
        let mut settings = Settings::default();
        settings.rundeck.token_file = file.then(|| "/file".into());
        settings.rundeck.environment_token = variable.map(|token| Secret::new(token.into()));
        Tokens::find(&settings, credential.then(|| "/credential".into()))
    }

    #[test]
    fn a_token_is_taken_from_the_file_then_the_credential_then_the_environment() {
        for (file, credential, variable, wanted) in [
            (true, true, Some("word"), "File(\"/file\")"),
            (false, true, Some("word"), "File(\"/credential\")"),
            (false, false, Some("word"), "Fixed(Token(redacted))"),
            (false, false, None, "None"),
        ] {
            let tokens = found(file, credential, variable).expect("tokens");
            assert_eq!(format!("{tokens:?}"), wanted);
            assert_eq!(tokens.any(), wanted != "None");
        }
    }

    #[test]
    fn a_bad_variable_is_named_and_only_where_it_counts() {
        let error = found(false, false, Some("two words")).expect_err("no token").to_string();
        assert!(error.starts_with("RUNDECK_TOKEN: "), "{error}");
        assert!(!error.contains("two"), "{error}");
        assert!(found(true, false, Some("two words")).is_ok());
    }
}
