//! Shares as people write them: `"10%"`, `"0.5%"`. Does not know which key allows which share.

use rundeck_alb_core::Share;

use super::codec::{Codec, text};
use super::fault::{Fault, quoted};
use super::raw::Value;

/// A share below one whole.
pub(super) const SHARE: Codec<Share> = Codec { read: read_share, show: |share| toml::Value::String(share.to_string()) };

/// Thousandths in a whole.
const WHOLE: u16 = 1_000;

/// Why a text is no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum ShareError {
    /// A number alone.
    #[error("has no percent sign")]
    NoPercent,
    /// More than one digit after the dot.
    #[error("is finer than a tenth of a percent")]
    TooFine,
    /// 100% or more.
    #[error("is not below 100%")]
    TooLarge,
    /// Some other text.
    #[error("is no share")]
    Malformed,
}

/// Reads a number with at most one digit after the dot and a percent sign, no spaces.
fn parse(text: &str) -> Result<Share, ShareError> {
    let number = text.strip_suffix('%').ok_or(match text.parse::<f64>() {
        Ok(_) => ShareError::NoPercent,
        Err(_) => ShareError::Malformed,
    })?;
    let (percent, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(percent) || !is_number(tenths) {
        return Err(ShareError::Malformed);
    }
    if tenths.len() > 1 {
        return Err(ShareError::TooFine);
    }
    let percent: u16 = percent.parse().map_err(|_| ShareError::TooLarge)?;
    let tenths: u16 = tenths.parse().map_err(|_| ShareError::Malformed)?;
    let share = percent.checked_mul(10).and_then(|whole| whole.checked_add(tenths));
    share.filter(|share| *share < WHOLE).map(Share).ok_or(ShareError::TooLarge)
}

fn read_share(value: &Value) -> Result<Share, Fault> {
    let text = text(value, "a share in quotes, as in \"5%\"")?;
    parse(text).map_err(|error| {
        let cure = "write a percentage below 100, as in \"5%\" or \"0.5%\"";
        Fault::value(format!("is {}, which {error}", quoted(text)), cure)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_writes_it_again() {
        for (text, thousandths, again) in [
            ("10%", 100, "10%"),
            ("1%", 10, "1%"),
            ("0.5%", 5, "0.5%"),
            ("0%", 0, "0%"),
            ("5.0%", 50, "5%"),
            ("099.9%", 999, "99.9%"),
        ] {
            let share = parse(text);
            assert_eq!(share.map(|share| share.0), Ok(thousandths), "{text}");
            assert_eq!(share.map(|share| share.to_string()), Ok(again.to_owned()), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_with_a_reason() {
        for (text, why) in [
            ("5", ShareError::NoPercent),
            ("0.05", ShareError::NoPercent),
            ("0.05%", ShareError::TooFine),
            ("100%", ShareError::TooLarge),
            ("6554%", ShareError::TooLarge),
            ("99999999%", ShareError::TooLarge),
            ("", ShareError::Malformed),
            ("%", ShareError::Malformed),
            ("5 %", ShareError::Malformed),
            ("-5%", ShareError::Malformed),
            (".5%", ShareError::Malformed),
            ("5.%", ShareError::Malformed),
            ("1.+5%", ShareError::Malformed),
            ("5GiB", ShareError::Malformed),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
    }
}
