//! The images: their names, and pulling them within bounds.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use terminal::language::seconds;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::CreateImageOptionsBuilder;
use tokio::time::{Instant, timeout, timeout_at};

use crate::words;

/// How long the engine may take to look for an image that it may have.
const LOOK: Duration = Duration::from_secs(20);

/// The name of an image, from this variable of the environment if it is set. `compose.yaml` uses the same ones.
pub fn name(variable: &str, usual: &str) -> String {
    std::env::var(variable).ok().filter(|name| !name.is_empty()).unwrap_or_else(|| usual.to_owned())
}

/// A name without its tag, and the tag: `localhost:5000/postgres:17`.
pub fn parts(name: &str) -> (&str, &str) {
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (name, "latest"),
    }
}

/// Pulls an image that the engine does not have, for as long as the pull goes on.
///
/// An engine without a way out waits for minutes, and one that is refused tries again for ever. Neither counts as
/// progress.
pub async fn ensure(docker: &Docker, image: &str, patience: Duration) -> Result<()> {
    match timeout(LOOK, docker.inspect_image(image)).await.with_context(|| words::silent(seconds(LOOK)))? {
        Ok(_) => return Ok(()),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let options = CreateImageOptionsBuilder::default().from_image(image).build();
    let mut pulling = docker.create_image(Some(options), None, None);
    let mut deadline = Instant::now() + patience;
    loop {
        let Ok(next) = timeout_at(deadline, pulling.next()).await else {
            bail!(words::pull_stalled(image, seconds(patience)))
        };
        match next {
            None => return Ok(()),
            Some(Err(error)) => bail!(words::cannot_pull(image, one_line(&error))),
            Some(Ok(step)) if step.status.as_deref().is_some_and(|status| status.starts_with("Retrying")) => {
            }
            Some(Ok(_)) => deadline = Instant::now() + patience,
        }
    }
}

/// The engine's reason, in one line.
fn one_line(error: &Error) -> String {
    let text = match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        error => error.to_string(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use testcontainers::bollard::API_DEFAULT_VERSION;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{UnixListener, UnixStream};

    use super::*;

    const IMAGE: &str = "postgres:17";
    /// The start of a response that goes on in chunks.
    const STREAM: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";

    /// What an engine does when it is asked to pull.
    #[derive(Clone, Copy)]
    enum Pull {
        Stalls,
        RetriesForEver,
        Refuses,
        IsSlow,
    }

    /// An engine that has no image.
    fn engine(folder: &Path, pull: Pull) -> Docker {
        let socket = folder.join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, pull));
            }
        });
        Docker::connect_with_unix(socket.to_str().unwrap(), 120, API_DEFAULT_VERSION).unwrap()
    }

    async fn serve(mut stream: UnixStream, pull: Pull) {
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        if !request[..length].starts_with(b"POST ") {
            let body = r#"{"message": "No such image"}"#;
            let _ = stream.write_all(refusal(404, body).as_bytes()).await;
            return;
        }
        let steps: Vec<String> = match pull {
            Pull::Refuses => {
                let body = r#"{"message": "toomanyrequests: You have reached\n  your pull rate limit"}"#;
                let _ = stream.write_all(refusal(500, body).as_bytes()).await;
                return;
            }
            Pull::Stalls => vec!["Pulling from library/postgres".into()],
            Pull::RetriesForEver => (1..200).rev().map(|n| format!("Retrying in {n} seconds")).collect(),
            Pull::IsSlow => (1..6).map(|n| format!("Downloading layer {n}")).collect(),
        };
        let _ = stream.write_all(STREAM.as_bytes()).await;
        for step in steps {
            let line = format!("{{\"status\": \"{step}\"}}\r\n");
            let chunk = format!("{:x}\r\n{line}\r\n", line.len());
            if stream.write_all(chunk.as_bytes()).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        match pull {
            Pull::IsSlow => _ = stream.write_all(b"0\r\n\r\n").await,
            _ => std::future::pending().await,
        }
    }

    fn refusal(status: u16, body: &str) -> String {
        format!(
            "HTTP/1.1 {status} No\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    async fn pulled(pull: Pull) -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        ensure(&engine(folder.path(), pull), IMAGE, Duration::from_secs(1)).await
    }

    #[tokio::test]
    async fn a_pull_that_does_not_go_on_is_given_up() {
        for pull in [Pull::Stalls, Pull::RetriesForEver] {
            let why = pulled(pull).await.unwrap_err().to_string();
            assert_eq!(why, "cannot pull the image postgres:17: no progress for 1 s");
        }
    }

    #[tokio::test]
    async fn a_refused_pull_says_why_in_one_line() {
        let why = pulled(Pull::Refuses).await.unwrap_err().to_string();
        let expected =
            "cannot pull the image postgres:17: toomanyrequests: You have reached your pull rate limit";
        assert_eq!(why, expected);
    }

    #[tokio::test]
    async fn a_slow_pull_may_take_longer_than_the_patience() {
        pulled(Pull::IsSlow).await.unwrap();
    }

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(parts("postgres:17"), ("postgres", "17"));
        assert_eq!(parts("postgres"), ("postgres", "latest"));
        assert_eq!(parts("localhost:5000/a/postgres"), ("localhost:5000/a/postgres", "latest"));
        assert_eq!(parts("localhost:5000/postgres:17"), ("localhost:5000/postgres", "17"));
    }
}
