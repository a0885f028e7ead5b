//! The answers that Jetty 9.4 gives by itself, as recorded.

use super::{Answer, Request};

/// The servlet that Jetty names in pages of the application.
pub const SERVLET: &str = "grailsDispatcherServlet";

/// The page for a head that cannot be served.
#[must_use]
pub fn bad_message(status: u16, reason: &str) -> Answer {
    let body = format!("<h1>Bad Message {status}</h1><pre>reason: {reason}</pre>");
    Answer::jetty(status, "text/html;charset=iso-8859-1", body)
}

/// The error page of a path that nobody serves: of the application's servlet, or of no servlet (`-`).
#[must_use]
pub fn error_page(request: &Request, status: u16, servlet: &str) -> Answer {
    let title = match status {
        404 => "Not Found",
        405 => "Method Not Allowed",
        400 => "Bad Request",
        _ => "Server Error",
    };
    let path = escaped(&request.raw_path);
    let answer = if request.accepts("application/json") {
        let body = format!("{{\n\"message\":\"{title}\",\n\"url\":\"{path}\",\n\"status\":\"{status}\"\n}}");
        Answer::jetty(status, "application/json", body)
    } else {
        let body = format!(
            "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n\
             <title>Error {status} {title}</title>\n</head>\n<body><h2>HTTP ERROR {status} {title}</h2>\n<table>\n\
             <tr><th>URI:</th><td>{path}</td></tr>\n<tr><th>STATUS:</th><td>{status}</td></tr>\n\
             <tr><th>MESSAGE:</th><td>{title}</td></tr>\n<tr><th>SERVLET:</th><td>{servlet}</td></tr>\n</table>\n\n\
             </body>\n</html>\n"
        );
        Answer::jetty(status, "text/html;charset=iso-8859-1", body)
    };
    let answer = answer.with("Cache-Control", "must-revalidate,no-cache,no-store");
    if servlet == "-" { answer } else { answer.with("Content-Language", "en") }
}

/// Text that is safe in an HTML page and in a JSON string.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(['"', '\\'], "&quot;")
}
