//! Checks that every program applies to each request before routing.
//!
//! Requests that only the client can fix are rejected here, before they cost anything else: too long, too slow, or with
//! an ambiguous path. Behind a gateway such a request would otherwise count as a failure of the service it was for,
//! rule 56 (client faults), or reach an endpoint that it was not routed to, rule 57 (one path).

use std::borrow::Cow;
use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::{InternalError, PayloadError};
use actix_web::http::uri::PathAndQuery;
use actix_web::http::{Method, StatusCode, Uri, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::Problem;
use crate::description::OPENAPI;

/// The maximum body size in bytes. A stock delivery for the whole shop fits.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// The maximum length of path and query together, in bytes. Far below what the gateway's client can forward.
pub const LONGEST_TARGET: usize = 8 * 1024;

/// The maximum total size of all headers, names and values, in bytes.
pub const LARGEST_HEADERS: usize = 16 * 1024;

/// How long a body may take to arrive. Without this limit a client that sends one byte now and then would occupy the
/// server forever (*slowloris*).
const BODY_TIME: Duration = Duration::from_secs(30);

/// The middleware that runs before routing.
pub async fn check<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    bounded(&request)?;
    if let Some(uri) = normal_uri(request.uri())? {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
    if let Some(allowed) = methods_of(request.path()) {
        allows(allowed, request.method())?;
    }
    // A HEAD is handled as a GET. The server remembers the original method and omits the body.
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    // A GET has no body to wait for. After `Upgrade: websocket` the server would treat everything that follows as one.
    let body = match request.take_payload() {
        _ if request.method() == Method::GET => Payload::None,
        body => in_time(body, Instant::now() + BODY_TIME),
    };
    request.set_payload(body);
    next.call(request).await
}

fn bounded(request: &ServiceRequest) -> Result<(), Problem> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > LONGEST_TARGET {
        let detail = format!("the path and query have {target} bytes; at most {LONGEST_TARGET} are allowed");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "uri_too_long", detail));
    }
    let length =
        |(name, value): (&header::HeaderName, &header::HeaderValue)| name.as_str().len() + value.len();
    let headers: usize = request.headers().iter().map(length).sum();
    if headers > LARGEST_HEADERS {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        let detail = format!("the headers have {headers} bytes; at most {LARGEST_HEADERS} are allowed");
        return Err(Problem::new(status, "headers_too_large", detail));
    }
    Ok(())
}

/// The URI with a normalised path, or `None` if the path is normal already.
fn normal_uri(uri: &Uri) -> Result<Option<Uri>, Problem> {
    let refused = |why| {
        let detail = format!("the path is not valid: {why}");
        Problem::bad_request("invalid_path", detail)
    };
    let path = normal_form(uri.path()).map_err(refused)?;
    if matches!(path, Cow::Borrowed(_)) {
        return Ok(None);
    }
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.into_owned(),
    };
    let target = PathAndQuery::try_from(target)
        .map_err(|_| refused("it contains a character that no path may have"))?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target);
    Ok(Some(Uri::from_parts(parts).map_err(|_| refused("it does not belong to any address"))?))
}

/// The normal form of a path (RFC 3986, 6.2.2): letters, digits and `-._~` are not percent-encoded. Fails for a path
/// that can be read in more than one way, since the component that routes it and the one that serves it could disagree.
fn normal_form(path: &str) -> Result<Cow<'_, str>, &'static str> {
    let mut normal = Cow::Borrowed(path);
    if let Some(first) = path.find('%') {
        let mut decoded = String::with_capacity(path.len());
        let mut rest = path;
        let mut next = Some(first);
        while let Some(at) = next {
            let digits =
                rest.get(at + 1..at + 3).filter(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let code = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
            decoded.push_str(&rest[..at]);
            match code.ok_or("a % is not followed by two hexadecimal digits")? {
                b'/' | b'\\' => return Err("it contains a percent-encoded slash"),
                0 => return Err("it contains a NUL"),
                byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => decoded.push(byte.into()),
                _ => decoded.push_str(&rest[at..at + 3]),
            }
            rest = &rest[at + 3..];
            next = rest.find('%');
        }
        decoded.push_str(rest);
        if decoded != path {
            normal = Cow::Owned(decoded);
        }
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/".contains(&byte);
    if !normal.bytes().all(allowed) {
        return Err("it contains a character that must be percent-encoded");
    }
    let segments = normal.strip_prefix('/').ok_or("it does not begin with a slash")?;
    let mut segments = segments.split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." | ".." => return Err("it contains a dot segment"),
            "" if segments.peek().is_some() => return Err("it contains two slashes in a row"),
            _ => {}
        }
    }
    Ok(normal)
}

/// A path of the API description, and its methods.
type Described = (String, Vec<Method>);

/// All paths of the description. Those without parameters come first, since OpenAPI gives them precedence.
static DESCRIBED: LazyLock<Vec<Described>> = LazyLock::new(|| {
    let description: serde_json::Value = serde_json::from_str(OPENAPI).expect("a test reads it too");
    let method = |name: &String| Method::from_bytes(name.to_uppercase().as_bytes()).ok();
    let paths = description["paths"].as_object().into_iter().flatten();
    let mut described: Vec<Described> = paths
        .map(|(path, operations)| {
            let operations = operations.as_object().into_iter().flatten();
            (path.clone(), operations.filter_map(|(name, _)| method(name)).collect())
        })
        .collect();
    described.sort_by_key(|(path, _)| path.contains('{'));
    described
});

/// The methods of a path in the description; `None` for any other path.
fn methods_of(path: &str) -> Option<&'static [Method]> {
    let found = DESCRIBED.iter().find(|(described, _)| fits(described, path));
    found.map(|(_, methods)| methods.as_slice())
}

/// 405 for a method that the path does not support. Every path that supports GET supports HEAD.
fn allows(allowed: &[Method], method: &Method) -> Result<(), Error> {
    let asked = if *method == Method::HEAD { &Method::GET } else { method };
    if allowed.contains(asked) {
        return Ok(());
    }
    let mut names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    let names = names.join(", ");
    let detail = format!("this path does not support {method}, only {names}");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
    let mut response = problem.error_response();
    let names = header::HeaderValue::try_from(names).expect("methods are tokens");
    response.headers_mut().insert(header::ALLOW, names);
    Err(InternalError::from_response(problem, response).into())
}

/// A body that fails if it has not arrived by this time.
fn in_time(payload: Payload, by: Instant) -> Payload {
    if matches!(payload, Payload::None) {
        return payload;
    }
    let chunks = stream::unfold(payload, move |mut payload| async move {
        let chunk = match timeout_at(by, payload.next()).await {
            Ok(chunk) => chunk?,
            Err(_) => Err(PayloadError::Io(io::ErrorKind::TimedOut.into())),
        };
        Some((chunk, payload))
    });
    Payload::from(chunks.boxed_local())
}

/// 413, naming the limit.
pub fn body_too_large() -> Problem {
    let detail = format!("the body is larger than {BODY_LIMIT} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

/// The response to a body that could not be read completely. All of these are client errors.
pub fn body_problem(error: &PayloadError) -> Problem {
    match error {
        PayloadError::Overflow => body_too_large(),
        PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
            let detail = format!(
                "the body did not arrive within {} s; send it faster, or send less",
                BODY_TIME.as_secs()
            );
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", detail)
        }
        error => Problem::bad_request("malformed_body", format!("the body ended early: {error}")),
    }
}

/// Whether a path matches a route, as `/orders/1` matches `/orders/{order_id}`.
fn fits(route: &str, path: &str) -> bool {
    let (mut wanted, mut there) = (route.split('/'), path.split('/'));
    loop {
        match (wanted.next(), there.next()) {
            (None, None) => return true,
            (Some(wanted), Some(there)) if wanted == there || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::web::Bytes;

    use super::*;

    #[test]
    fn a_path_has_one_form() {
        for same in
            ["/", "/orders", "/docs/", "/products/a-b_c.d", "/products/a%20b", "/products/x...", "/a;b=c"]
        {
            assert_eq!(normal_form(same), Ok(Cow::Borrowed(same)));
        }
        for (path, normal) in [("/pro%64ucts/%41", "/products/A"), ("/a%7E%2E%2e.", "/a~...")] {
            assert_eq!(normal_form(path).unwrap(), normal);
            assert_eq!(normal_form(normal).unwrap(), normal);
        }
    }

    #[test]
    fn a_path_with_several_readings_is_refused() {
        let dots = ["/products/../metrics", "/products/%2e%2E/metrics", "/products/.%2e", "/./orders", "/.."];
        let slashes = ["//orders", "/products//metrics", "/products/..%2fmetrics", "/products/..%5Cmetrics"];
        // Netflix/zuul#2152, morcen/passage#129, envoyproxy/envoy#6435.
        let field = ["/....//admin", "/%2e%2e%2e%2e//admin", "/..%5c..%5cetc", "/something/../admin"];
        let others =
            ["/products\\..\\metrics", "/a%00", "/a%", "/a%2", "/a%zz", "/a%+1", "/a{b}", "/\u{e9}", "", "*"];
        for path in dots.into_iter().chain(slashes).chain(field).chain(others) {
            assert!(normal_form(path).is_err(), "{path} was let in as {:?}", normal_form(path));
        }
    }

    #[test]
    fn the_query_stays_as_it_is() {
        let uri = normal_uri(&"/%6frders?customer=%61&after=..".parse().unwrap()).unwrap();
        assert_eq!(uri.unwrap(), "/orders?customer=%61&after=..");
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let never = stream::iter([Ok("{".into())]).chain(stream::pending::<Result<Bytes, PayloadError>>());
        let mut slow =
            in_time(Payload::from(never.boxed_local()), Instant::now() + Duration::from_millis(20));
        assert_eq!(slow.next().await.unwrap().unwrap(), "{");
        let problem = body_problem(&slow.next().await.unwrap().unwrap_err());
        assert_eq!(problem.status_code(), 408, "{problem}");
        let cut_off = PayloadError::Incomplete(None);
        assert_eq!(body_problem(&cut_off).status_code(), 400);
        assert_eq!(body_problem(&PayloadError::Overflow).status_code(), 413);
    }

    #[test]
    fn a_described_path_says_what_it_answers() {
        assert_eq!(methods_of("/orders/x").unwrap(), [Method::GET]);
        assert_eq!(
            methods_of("/stock/receipts").unwrap(),
            [Method::POST],
            "the path without a parameter wins"
        );
        assert_eq!(methods_of("/metrics"), None);
        assert!(allows(&[Method::GET], &Method::HEAD).is_ok());
        let refused = allows(methods_of("/products").unwrap(), &Method::DELETE).unwrap_err().error_response();
        assert_eq!(refused.status(), 405);
        let allowed = refused.headers().get("allow").unwrap().to_str().unwrap();
        assert!(["GET", "HEAD", "PUT"].iter().all(|method| allowed.contains(method)), "{allowed}");
    }
}
