//! Whether a request looks signed by SigV4 for the service that is called. Any key and any Region will do; the
//! signature is not checked.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use super::failure::Failure;

/// Length of a SHA-256 in hex digits.
const SIGNATURE_DIGITS: usize = 64;

/// Refuses a request without a SigV4 `Authorization` header, or with one that was made for another service.
pub(super) fn check(headers: &HeaderMap, service: &str) -> Result<(), Failure> {
    let Some(header) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return Err(Failure::forbidden("MissingAuthenticationToken", "Missing Authentication Token"));
    };
    let incomplete = || Failure::bad("IncompleteSignature", format!("'{header}' is not a valid SigV4 header"));
    let fields = header.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(incomplete)?;
    let field = |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
    let scope: Vec<&str> = field("Credential").ok_or_else(incomplete)?.rsplitn(5, '/').collect();
    let signature = field("Signature").ok_or_else(incomplete)?;
    let hex = signature.len() == SIGNATURE_DIGITS && signature.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !hex || field("SignedHeaders").is_none() {
        return Err(incomplete());
    }
    match scope.as_slice() {
        ["aws4_request", scoped, _region, _day, _key] if *scoped == service => Ok(()),
        ["aws4_request", _, _, _, _] => Err(Failure::forbidden(
            "SignatureDoesNotMatch",
            format!("Credential should be scoped to correct service: '{service}'."),
        )),
        _ => Err(incomplete()),
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn code(header: Option<&str>) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(header).expect("a header"));
        }
        check(&headers, "elasticloadbalancing").err().map(|failure| failure.code)
    }

    #[test]
    fn only_a_header_in_the_shape_of_sigv4_for_this_service_passes() {
        let signature = "0".repeat(64);
        let header = |service: &str, signature: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIA/20261122/eu-west-1/{service}/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature={signature}"
            )
        };
        assert_eq!(code(None), Some("MissingAuthenticationToken"));
        assert_eq!(code(Some("Basic eDp5")), Some("IncompleteSignature"));
        assert_eq!(code(Some(&header("elasticloadbalancing", "short"))), Some("IncompleteSignature"));
        assert_eq!(code(Some(&header("sts", &signature))), Some("SignatureDoesNotMatch"));
        assert_eq!(code(Some(&header("elasticloadbalancing", &signature))), None);
    }
}
