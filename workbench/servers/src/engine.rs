//! Finds a Docker engine, in the places where the `docker` command and the usual engines have it.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Deserialize;

use crate::words;

/// A Docker engine, or what behaves like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// Where it is, as `DOCKER_HOST` has it: `unix:///var/run/docker.sock`.
    pub host: String,
    /// What led to it: `DOCKER_HOST`, a context, or its socket.
    pub found_by: String,
}

/// Finds an engine by `DOCKER_HOST`, then by the current context, then at the usual sockets. Fails with what to do.
pub fn find() -> Result<Engine> {
    Places::of_this_process().find()
}

/// Where to look.
#[derive(Debug, Default)]
struct Places {
    host: Option<String>,
    context: Option<String>,
    /// The folder of the `docker` command's settings.
    config: Option<PathBuf>,
    sockets: Vec<PathBuf>,
}

/// The part of a context's file that says where its engine is.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    name: String,
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Endpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    host: String,
}

impl Places {
    fn of_this_process() -> Places {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = text("HOME").map(PathBuf::from);
        let runtime = text("XDG_RUNTIME_DIR").map(PathBuf::from);
        let in_home = |path: &str| home.as_ref().map(|home| home.join(path));
        let in_runtime = |path: &str| runtime.as_ref().map(|runtime| runtime.join(path));
        let sockets = [
            Some("/var/run/docker.sock".into()),
            in_runtime("docker.sock"),
            in_home(".docker/run/docker.sock"),
            in_home(".docker/desktop/docker.sock"),
            in_home(".colima/default/docker.sock"),
            in_home(".colima/docker.sock"),
            in_runtime("podman/podman.sock"),
            Some("/run/podman/podman.sock".into()),
            in_home(".local/share/containers/podman/machine/podman.sock"),
        ];
        Places {
            host: text("DOCKER_HOST"),
            context: text("DOCKER_CONTEXT"),
            config: text("DOCKER_CONFIG").map(PathBuf::from).or_else(|| in_home(".docker")),
            sockets: sockets.into_iter().flatten().collect(),
        }
    }

    fn find(&self) -> Result<Engine> {
        let found = match (&self.host, self.current_context()) {
            (Some(host), _) => Engine { host: host.clone(), found_by: "DOCKER_HOST".to_owned() },
            (None, Some(name)) => Engine { host: self.host_of(&name)?, found_by: words::by_context(name) },
            (None, None) => return self.at_a_socket(),
        };
        if !["unix://", "tcp://", "http://"].iter().any(|scheme| found.host.starts_with(scheme)) {
            bail!(words::unsupported_engine(found.host, found.found_by));
        }
        if let Some(socket) = found.host.strip_prefix("unix://")
            && let Err(error) = UnixStream::connect(socket)
        {
            bail!(not_reached(Path::new(socket), &error));
        }
        Ok(found)
    }

    /// The name of the current context; `None` if it is the default one, which is the usual socket.
    fn current_context(&self) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Config {
            current_context: Option<String>,
        }
        let configured = || {
            let text = fs::read_to_string(self.config.as_ref()?.join("config.json")).ok()?;
            serde_json::from_str::<Config>(&text).ok()?.current_context
        };
        self.context.clone().or_else(configured).filter(|name| !name.is_empty() && name != "default")
    }

    fn host_of(&self, context: &str) -> Result<String> {
        let folder = self.config.as_ref().map(|config| config.join("contexts/meta"));
        let folders = folder.into_iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        let read = |folder: fs::DirEntry| {
            let text = fs::read_to_string(folder.path().join("meta.json")).ok()?;
            serde_json::from_str::<Context>(&text).ok()
        };
        let found = folders.filter_map(read).find(|found| found.name == context);
        match found {
            Some(found) => Ok(found.endpoints.docker.host),
            None => bail!(words::no_such_context(context)),
        }
    }

    fn at_a_socket(&self) -> Result<Engine> {
        let mut refused = None;
        for socket in &self.sockets {
            match UnixStream::connect(socket) {
                Ok(_) => {
                    let host = format!("unix://{}", socket.display());
                    return Ok(Engine { host, found_by: words::by_socket() });
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => _ = refused.get_or_insert_with(|| not_reached(socket, &error)),
            }
        }
        bail!(refused.unwrap_or_else(words::no_docker))
    }
}

fn not_reached(socket: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => words::no_permission(socket.display()),
        _ => words::engine_does_not_listen(socket.display(), error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn host(places: &Places) -> String {
        places.find().map_or_else(|error| format!("error: {error}"), |engine| engine.host)
    }

    #[test]
    fn an_engine_is_found_where_the_docker_command_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let socket = |name: &str| folder.path().join(name);
        let url = |name: &str| format!("unix://{}", socket(name).display());
        let _open: Vec<_> =
            ["a", "b", "c"].map(|name| UnixListener::bind(socket(name)).unwrap()).into_iter().collect();
        // A socket file that an engine has left behind.
        drop(UnixListener::bind(socket("left")).unwrap());
        let meta = folder.path().join("contexts/meta/1f");
        fs::create_dir_all(&meta).unwrap();
        let context = format!(
            r#"{{"Name": "mine", "Metadata": {{}}, "Endpoints": {{"docker": {{"Host": "{}"}}}}}}"#,
            url("b")
        );
        fs::write(meta.join("meta.json"), context).unwrap();
        let mut places = Places { config: Some(folder.path().to_owned()), ..Places::default() };
        assert!(host(&places).contains("DOCKER_HOST"), "{}", host(&places));
        places.sockets = vec![socket("absent"), socket("left"), socket("c")];
        assert_eq!(host(&places), url("c"));
        fs::write(folder.path().join("config.json"), r#"{"currentContext": "mine"}"#).unwrap();
        assert_eq!(host(&places), url("b"));
        places.context = Some("default".into());
        assert_eq!(host(&places), url("c"));
        places.context = Some("other".into());
        assert!(host(&places).contains("other"));
        places.host = Some(url("a"));
        assert_eq!(host(&places), url("a"));
        for bad in [url("left"), url("absent"), "ssh://there".to_owned()] {
            places.host = Some(bad);
            assert!(host(&places).starts_with("error"), "{}", host(&places));
        }
        places = Places { sockets: vec![socket("left")], ..Places::default() };
        assert!(host(&places).contains("left"), "{}", host(&places));
    }
}
