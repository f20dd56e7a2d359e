//! PostgreSQL and RabbitMQ in the cluster, for trying. Operators are for keeping: docs/clusters.md names them.

use serde_json::{Value, json};
use topology::Part;

use super::super::{POSTGRES, POSTGRES_SETTINGS, RABBITMQ};
use super::{labels, objects, owner_of_database};

pub const BROKER: &str = "broker";
pub const BROKER_PORT: u16 = 5672;
pub const DATABASE_PORT: u16 = 5432;
/// The user of both public images.
const USER: u32 = 999;
/// For trying alone.
const PASSWORD: &str = "change-me";

pub fn database_name(part: &Part) -> String {
    format!("{}-database", part.name)
}

pub fn database_url(part: &Part) -> String {
    format!("postgres://cleave:{PASSWORD}@{}:{DATABASE_PORT}/{}", database_name(part), part.name)
}

pub fn amqp_url() -> String {
    format!("amqp://cleave:{PASSWORD}@{BROKER}:{BROKER_PORT}/%2f")
}

/// The database of a program, which nothing else reaches.
pub fn database(part: &Part) -> Vec<Value> {
    let name = database_name(part);
    let ready = format!("pg_isready -h 127.0.0.1 -U cleave -d {}", part.name);
    let container = json!({
        "args": POSTGRES_SETTINGS,
        "env": [{ "name": "PGDATA", "value": "/var/lib/postgresql/data/pgdata" }],
        "envFrom": [{ "secretRef": { "name": name } }],
        "image": POSTGRES,
        "livenessProbe": exec(&ready, 10, 6),
        "name": "postgres",
        "ports": [{ "containerPort": DATABASE_PORT, "name": "postgres" }],
        "readinessProbe": exec(&ready, 5, 3),
        "resources": objects::resources(250, 256, 512),
        "securityContext": objects::container_security(true),
        "volumeMounts": [
            { "name": "data", "mountPath": "/var/lib/postgresql/data" },
            { "name": "run", "mountPath": "/var/run/postgresql" },
            { "name": "tmp", "mountPath": "/tmp" },
        ],
    });
    let volumes = json!([{ "name": "run", "emptyDir": {} }, { "name": "tmp", "emptyDir": {} }]);
    let (key, value) = owner_of_database(part);
    let owner = json!({
        "from": [{ "podSelector": { "matchLabels": { key: value } } }],
        "ports": [{ "port": DATABASE_PORT }],
    });
    let rules = json!({ "policyTypes": ["Ingress"], "ingress": [owner] });
    vec![
        objects::secret(
            &name,
            json!({ "POSTGRES_DB": part.name, "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_USER": "cleave" }),
        ),
        stateful_set(&name, container, volumes),
        objects::service(&name, ("postgres", DATABASE_PORT), true),
        objects::policy(&name, json!({ "app.kubernetes.io/name": name }), rules),
    ]
}

/// The broker, which only these programs reach.
pub fn broker(users: &[Part]) -> Vec<Value> {
    let container = json!({
        "envFrom": [{ "secretRef": { "name": BROKER } }],
        "image": RABBITMQ,
        // Each check starts an Erlang node.
        "livenessProbe": exec("rabbitmq-diagnostics -q check_running", 60, 3),
        "name": "rabbitmq",
        "ports": [{ "containerPort": BROKER_PORT, "name": "amqp" }],
        "readinessProbe": { "failureThreshold": 3, "periodSeconds": 5, "tcpSocket": { "port": "amqp" } },
        "resources": objects::resources(250, 256, 640),
        // The image's entry point writes the user into /etc/rabbitmq.
        "securityContext": objects::container_security(false),
        "startupProbe": { "failureThreshold": 60, "periodSeconds": 5, "tcpSocket": { "port": "amqp" } },
        "volumeMounts": [{ "name": "data", "mountPath": "/var/lib/rabbitmq" }],
    });
    let from =
        |part: &Part| json!({ "podSelector": { "matchLabels": { "app.kubernetes.io/name": part.name } } });
    let from: Vec<Value> = users.iter().map(from).collect();
    let rules = json!({ "policyTypes": ["Ingress"], "ingress": [{ "from": from, "ports": [{ "port": BROKER_PORT }] }] });
    vec![
        objects::secret(
            BROKER,
            json!({ "RABBITMQ_DEFAULT_PASS": PASSWORD, "RABBITMQ_DEFAULT_USER": "cleave" }),
        ),
        stateful_set(BROKER, container, json!([])),
        objects::service(BROKER, ("amqp", BROKER_PORT), true),
        objects::policy(BROKER, json!({ "app.kubernetes.io/name": BROKER }), rules),
    ]
}

fn stateful_set(name: &str, container: Value, volumes: Value) -> Value {
    let mut pod = json!({
        "automountServiceAccountToken": false,
        "containers": [container],
        "enableServiceLinks": false,
        "securityContext": objects::pod_security(USER),
        "terminationGracePeriodSeconds": 60,
    });
    if volumes != json!([]) {
        pod["volumes"] = volumes;
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": { "name": name, "labels": labels(name) },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": { "app.kubernetes.io/name": name } },
            "serviceName": name,
            "template": { "metadata": { "labels": labels(name) }, "spec": pod },
            "volumeClaimTemplates": [{
                "metadata": { "name": "data" },
                "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
            }],
        },
    })
}

fn exec(command: &str, period: u32, failures: u32) -> Value {
    json!({
        "exec": { "command": command.split(' ').collect::<Vec<_>>() },
        "failureThreshold": failures,
        "periodSeconds": period,
        "timeoutSeconds": 20,
    })
}
