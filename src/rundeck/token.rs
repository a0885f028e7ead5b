//! The API token, held so that it cannot be shown by accident.
//!
//! It does not read files or watch them; whoever does calls [`Token::parse`] with what was read.

use hyper::header::HeaderValue;
use std::fmt;

/// A Rundeck API token. `Debug` is redacted and there is no `Display`: it leaves the process in one request header
/// only.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(HeaderValue);

impl Token {
    /// Takes the token as it stands in a file: white space around it (the newline that editors add) is dropped.
    ///
    /// # Errors
    /// [`TokenError`] when nothing is left, or when it holds characters that no HTTP header can carry.
    pub fn parse(raw: &str) -> Result<Self, TokenError> {
        let text = raw.trim();
        if text.is_empty() {
            return Err(TokenError::Empty);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(TokenError::Characters);
        }
        let mut value = HeaderValue::from_str(text).map_err(|_| TokenError::Characters)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// Why a text is no token. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nothing but white space.
    #[error("the Rundeck token is empty; put an API token into it or remove it")]
    Empty,
    /// White space inside, control or non-ASCII characters.
    #[error("the Rundeck token holds characters that no HTTP header can carry (it must be one word of ASCII)")]
    Characters,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_trimmed_and_never_shown() -> Result<(), TokenError> {
        let token = Token::parse("  s3cret-token\n")?;
        assert_eq!(token.header(), "s3cret-token");
        assert!(!format!("{token:?} {:?}", token.header()).contains("s3cret"));
        Ok(())
    }

    #[test]
    fn refuses_what_no_header_can_carry() {
        for (text, error) in [
            (" \n", TokenError::Empty),
            ("a b", TokenError::Characters),
            ("a\r\nHost: x", TokenError::Characters),
            ("tökn", TokenError::Characters),
        ] {
            assert_eq!(Token::parse(text), Err(error));
        }
    }
}
