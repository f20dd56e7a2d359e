//! `compose.yaml`: each process a container. It works with docker-compose 1.29 and with `docker compose`.

use serde_json::{Map, Value, json};
use topology::{Mode, Part, SERVICES};

use super::{File, PORT, POSTGRES, POSTGRES_SETTINGS, RABBITMQ, behind_gateway, head, upstreams, yaml};

/// For the databases and the broker, which are reached only in their shop's network.
const PASSWORD: &str = "${CLEAVE_PASSWORD:-cleave}";
/// The script that creates the databases of the services.
const SCRIPT: &str = "deploy/compose/databases.sql";

pub fn files() -> Vec<File> {
    let mut services = Map::new();
    for mode in Mode::ALL {
        for part in mode.parts() {
            services.insert(part.name.to_owned(), program(mode, &part));
        }
        services.insert(format!("{mode}-database"), database(mode));
        services.insert(format!("{mode}-goods"), goods(mode));
        services.insert(format!("{mode}-audit"), audit(mode));
    }
    services.insert("split-broker".to_owned(), broker());
    let compose = json!({
        "networks": { "monolith": {}, "split": {} },
        "services": services,
        "volumes": { "monolith-database": {}, "split-broker": {}, "split-database": {} },
    });
    let what = "The shop in containers: `docker compose --profile split up`, or monolith, or both. docs/clusters.md.";
    let create = |part: &Part| format!("CREATE DATABASE {};\n", part.name);
    let databases: String = behind_gateway(Mode::Split).iter().map(create).collect();
    let script =
        format!("{}{databases}", head("The databases of the split shop.", "compose").replace('#', "--"));
    vec![
        ("compose.yaml".to_owned(), head(what, "compose") + &yaml::documents([&compose])),
        (SCRIPT.to_owned(), script),
        // The gateway follows it: docs/clusters.md.
        ("deploy/compose/settings/settings.json".to_owned(), "{}\n".to_owned()),
    ]
}

/// What all containers of a shop have in common.
fn container(mode: Mode, image: &str, memory: &str, own: Value) -> Value {
    let mut all = json!({
        "image": image,
        "mem_limit": memory,
        "networks": [mode.to_string()],
        "profiles": [mode.to_string(), "both"],
        "restart": "on-failure",
        "security_opt": ["no-new-privileges:true"],
    });
    let fields = all.as_object_mut().expect("it is written as an object");
    fields.extend(own.as_object().cloned().unwrap_or_default());
    all
}

/// A container of Cleave's image.
fn own_image(mode: Mode, memory: &str, own: Value) -> Value {
    let mut own = own;
    own["build"] = ".".into();
    own["cap_drop"] = json!(["ALL"]);
    own["read_only"] = true.into();
    own["tmpfs"] = json!(["/tmp", "/work"]);
    container(mode, "${CLEAVE_IMAGE:-cleave}", memory, own)
}

fn program(mode: Mode, part: &Part) -> Value {
    let mut environment = json!({
        "CLEAVE_LISTEN": "0.0.0.0",
        "CLEAVE_PORT": PORT.to_string(),
        "OTEL_EXPORTER_OTLP_ENDPOINT": "${OTEL_EXPORTER_OTLP_ENDPOINT:-}",
    });
    let mut waits_for = Vec::new();
    if part.has_database {
        environment["DATABASE_URL"] = database_url(mode, part.name).into();
        waits_for.push(format!("{mode}-database"));
    }
    if part.has_broker {
        environment["AMQP_URL"] = amqp_url().into();
        environment["CLEAVE_SAGA"] = "${CLEAVE_SAGA:-orchestrated}".into();
        waits_for.push("split-broker".to_owned());
    }
    let mut own = json!({});
    if part.is_entrance {
        let port = if mode == Mode::Monolith { "${MONOLITH_PORT:-8081}" } else { "${SPLIT_PORT:-8082}" };
        own["ports"] = json!([format!("127.0.0.1:{port}:{PORT}")]);
    }
    if part.is_entrance && mode == Mode::Split {
        environment["CLEAVE_UPSTREAM"] = upstreams(mode).into();
        environment["CLEAVE_SETTINGS"] = "/etc/cleave/settings.json".into();
        // The folder, not the file: an editor replaces a file, and a mount would keep the old one.
        own["volumes"] = json!(["./deploy/compose/settings:/etc/cleave:ro"]);
        waits_for.extend(behind_gateway(mode).iter().map(|part| part.name.to_owned()));
    }
    own["command"] = json!([part.program]);
    own["depends_on"] = healthy(waits_for);
    own["environment"] = environment;
    let address = format!("http://127.0.0.1:{PORT}");
    own["healthcheck"] = check(json!(["CMD", "cleave", "health", address]), "5s");
    own["stop_grace_period"] = "30s".into();
    own_image(mode, if mode == Mode::Monolith { "256m" } else { "128m" }, own)
}

/// Puts products, stock and money into the shop, and ends.
fn goods(mode: Mode) -> Value {
    let entrance = entrance(mode);
    let own = json!({
        "command": ["fill", format!("http://{}:{PORT}", entrance.name)],
        "depends_on": healthy(vec![entrance.name.to_owned()]),
        "healthcheck": { "disable": true },
    });
    own_image(mode, "128m", own)
}

/// Checks the invariants of the shop: `docker compose run --rm split-audit`. Nothing else starts it.
fn audit(mode: Mode) -> Value {
    let url = |module: &str| {
        let database = if mode == Mode::Split { module } else { "monolith" };
        (module.to_owned(), database_url(mode, database).into())
    };
    let shop = json!({
        "address": format!("http://{}:{PORT}", entrance(mode).name),
        "amqp_url": (mode == Mode::Split).then(amqp_url),
        "databases": Value::Object(SERVICES.map(url).into_iter().collect()),
        "driver": if mode == Mode::Split { "split:${CLEAVE_SAGA:-orchestrated}" } else { "monolith:local" },
        "namespace": (mode == Mode::Split).then_some("cleave"),
        "processes": [],
    });
    let own = json!({
        "command": ["audit"],
        "environment": { "AUDIT_SHOP": shop.to_string() },
        "healthcheck": { "disable": true },
        "profiles": ["audit"],
        "restart": "no",
    });
    own_image(mode, "256m", own)
}

fn entrance(mode: Mode) -> Part {
    mode.parts().into_iter().find(|part| part.is_entrance).expect("a shop has an entrance")
}

fn database_url(mode: Mode, database: &str) -> String {
    format!("postgres://cleave:{PASSWORD}@{mode}-database:5432/{database}")
}

fn amqp_url() -> String {
    format!("amqp://cleave:{PASSWORD}@split-broker:5672/%2f")
}

fn database(mode: Mode) -> Value {
    let command: Vec<&str> = std::iter::once("postgres").chain(POSTGRES_SETTINGS).collect();
    let mut volumes = vec![format!("{mode}-database:/var/lib/postgresql/data")];
    if mode == Mode::Split {
        volumes.push(format!("./{SCRIPT}:/docker-entrypoint-initdb.d/databases.sql:ro"));
    }
    // The temporary server that runs the script does not listen on TCP.
    let ready = format!("pg_isready -h 127.0.0.1 -U cleave -d {mode}");
    let own = json!({
        "command": command,
        "environment": { "POSTGRES_DB": mode.to_string(), "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_USER": "cleave" },
        "healthcheck": check(json!(["CMD-SHELL", ready]), "5s"),
        "shm_size": "128m",
        "stop_grace_period": "30s",
        "volumes": volumes,
    });
    container(mode, &format!("${{POSTGRES_IMAGE:-{POSTGRES}}}"), "512m", own)
}

fn broker() -> Value {
    let own = json!({
        "environment": { "RABBITMQ_DEFAULT_PASS": PASSWORD, "RABBITMQ_DEFAULT_USER": "cleave" },
        // Each check starts an Erlang node, so it is rare.
        "healthcheck": check(json!(["CMD", "rabbitmq-diagnostics", "-q", "check_port_connectivity"]), "15s"),
        // The data belongs to the node of this name.
        "hostname": "split-broker",
        "stop_grace_period": "30s",
        "volumes": ["split-broker:/var/lib/rabbitmq"],
    });
    container(Mode::Split, &format!("${{RABBITMQ_IMAGE:-{RABBITMQ}}}"), "640m", own)
}

fn healthy(names: Vec<String>) -> Value {
    let condition = |name| (name, json!({ "condition": "service_healthy" }));
    Value::Object(names.into_iter().map(condition).collect())
}

fn check(test: Value, every: &str) -> Value {
    json!({ "interval": every, "retries": 12, "start_period": "60s", "test": test, "timeout": "10s" })
}
