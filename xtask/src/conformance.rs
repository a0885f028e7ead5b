//! `cargo xtask conformance`: holds the stand-in's answer table against a Rundeck that somebody has.
//!
//! Only the command line is here; the asking and comparing is the lab's.

use std::path::PathBuf;

use rundeck_alb_lab::conformance::{Address, Options, Trust, run as ask};

const USAGE: &str = "usage: cargo xtask conformance --url URL --token-file FILE [--context-path /PATH]
    [--ca-file FILE | --insecure] [--switch-mode]

Asks a ready Rundeck what the stand-in would answer, and prints the differences as a report that can
be sent in: versions, statuses, content types and keys; no token, no host name, no value. Some
thirty requests; wrong ones among them make a session each and a few lines in Rundeck's log. Nothing
is changed, unless --switch-mode allows the node to be passive for a moment (no job starts meanwhile).

  --url URL            http://HOST:PORT or https://HOST:PORT, the context path may follow
  --token-file FILE    a file with one token that may read the system (config/ has the ACL policy)
  --context-path P     where the URL does not hold it
  --ca-file FILE       PEM: whom to believe over https
  --insecure           believe anybody over https (a certificate without names, as keytool makes it)

Exit: 0 no differences, 1 differences, 2 it could not be asked.";

/// A token is one word.
const MAX_TOKEN_BYTES: u64 = 4096;

/// Asks and prints. True: no differences.
///
/// # Errors
/// A wrong command line, or why it could not be asked.
pub async fn run(arguments: &[String]) -> Result<bool, String> {
    if arguments.iter().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return Ok(true);
    }
    let options = parse(arguments)?;
    let report = ask(&options).await.map_err(|problem| problem.to_string())?;
    print!("{report}");
    Ok(report.different().next().is_none())
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let (mut url, mut token, mut context, mut trust, mut switch_mode) = (None, None, None, Trust::Nothing, false);
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let mut value = || rest.next().cloned().ok_or_else(|| format!("{flag}: a value is missing\n{USAGE}"));
        match flag.as_str() {
            "--url" => url = Some(value()?),
            "--token-file" => token = Some(read_token(&PathBuf::from(value()?))?),
            "--context-path" => context = Some(value()?),
            "--ca-file" => {
                let file = value()?;
                trust = Trust::Roots(std::fs::read(&file).map_err(|error| format!("{file}: {error}"))?);
            }
            "--insecure" => trust = Trust::Anybody,
            "--switch-mode" => switch_mode = true,
            _ => return Err(format!("{flag}: unknown\n{USAGE}")),
        }
    }
    let (Some(url), Some(token)) = (url, token) else {
        return Err(format!("--url and --token-file are needed\n{USAGE}"));
    };
    let address = Address::parse(&url, context.as_deref(), trust).map_err(|error| error.to_string())?;
    Ok(Options { address, token, switch_mode })
}

fn read_token(file: &PathBuf) -> Result<String, String> {
    let told = |why: &str| format!("{}: {why}", file.display());
    let length = std::fs::metadata(file).map_err(|error| told(&error.to_string()))?.len();
    if length > MAX_TOKEN_BYTES {
        return Err(told("too long for one token"));
    }
    let text = std::fs::read_to_string(file).map_err(|error| told(&error.to_string()))?;
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        [token] => Ok((*token).to_owned()),
        _ => Err(told("one token is wanted, and nothing else")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn a_wrong_line_is_named() {
        for (line, wanted) in [
            ("--url http://127.0.0.1:1", "--token-file"),
            ("--nosuch", "--nosuch: unknown"),
            ("--token-file", "a value is missing"),
            ("--token-file /nosuch", "/nosuch"),
        ] {
            let problem = run(&words(line)).await.expect_err(line);
            assert!(problem.contains(wanted), "{problem}");
        }
    }
}
