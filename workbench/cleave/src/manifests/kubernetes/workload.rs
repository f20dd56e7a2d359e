//! A program of the shop: Deployment, migrations, Service, scaling, budget and policy.

use serde_json::{Value, json};
use topology::{Mode, Part};

use super::super::{PORT, behind_gateway, upstreams};
use super::{labels, objects, owner_of_database, server};

/// The user of the image.
const USER: u32 = 10_001;
/// The programs with the most work per order: they scale by themselves.
const HOT: [&str; 4] = ["gateway", "inventory", "monolith", "orders"];

pub fn of(mode: Mode, part: &Part) -> Vec<Value> {
    let mut objects = Vec::new();
    if part.has_database {
        objects.push(objects::secret(&urls(part), secrets(part)));
        objects.extend(server::database(part));
        objects.push(migrations(part));
    }
    objects.push(deployment(mode, part));
    // The gateway balances over the pods of a service. Before the entrance stands the cluster's own balancing.
    objects.push(objects::service(part.name, ("http", PORT), !part.is_entrance));
    objects.push(objects::budget(part.name));
    if HOT.contains(&part.name) {
        objects.push(objects::autoscaler(part.name));
    }
    objects.push(policy(mode, part));
    objects
}

fn urls(part: &Part) -> String {
    format!("{}-urls", part.name)
}

fn secrets(part: &Part) -> Value {
    let mut data = json!({ "DATABASE_URL": server::database_url(part) });
    if part.has_broker {
        data["AMQP_URL"] = server::amqp_url().into();
    }
    data
}

fn deployment(mode: Mode, part: &Part) -> Value {
    let mut container = container(part, json!([part.program]));
    container["lifecycle"] = json!({ "preStop": { "exec": { "command": ["sleep", "5"] } } });
    container["livenessProbe"] = objects::probe("/health/live", 5, 6);
    container["ports"] = objects::http_port();
    container["readinessProbe"] = objects::probe("/health/ready", 2, 3);
    // Migrations, and a wait for the servers, come first.
    container["startupProbe"] = objects::probe("/health/live", 2, 90);
    let mut pod = pod(part.name, part, container);
    pod["spec"]["terminationGracePeriodSeconds"] = 60.into();
    if part.is_entrance && mode == Mode::Split {
        // A mounted ConfigMap is followed: the kubelet replaces the file.
        pod["spec"]["volumes"] = json!([{ "name": "settings", "configMap": { "name": "settings" } }]);
        let container = &mut pod["spec"]["containers"][0];
        container["volumeMounts"] =
            json!([{ "name": "settings", "mountPath": "/etc/cleave", "readOnly": true }]);
        container["env"] = json!([
            { "name": "CLEAVE_SETTINGS", "value": "/etc/cleave/settings.json" },
            { "name": "CLEAVE_UPSTREAM", "value": upstreams(mode) },
        ]);
    }
    let mut spec = json!({
        "selector": { "matchLabels": { "app.kubernetes.io/name": part.name } },
        "strategy": { "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 }, "type": "RollingUpdate" },
        "template": pod,
    });
    if !HOT.contains(&part.name) {
        spec["replicas"] = 2.into();
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": part.name, "labels": labels(part.name) },
        "spec": spec,
    })
}

/// Brings the database up to date, so that a schema that cannot be changed stops a rollout before its first pod.
fn migrations(part: &Part) -> Value {
    let name = format!("{}-migrations", part.name);
    let mut pod = pod(&name, part, container(part, json!([part.program, "--migrate-only"])));
    pod["spec"]["restartPolicy"] = "OnFailure".into();
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name, "labels": labels(&name) },
        "spec": { "backoffLimit": 20, "template": pod, "ttlSecondsAfterFinished": 600 },
    })
}

fn pod(name: &str, part: &Part, container: Value) -> Value {
    let mut labels = labels(name);
    if part.has_database {
        let (key, value) = owner_of_database(part);
        labels[key] = value.into();
    }
    json!({
        "metadata": { "labels": labels },
        "spec": {
            "automountServiceAccountToken": false,
            "containers": [container],
            // Otherwise each Service adds variables, and one with a name like CLEAVE_… would be refused.
            "enableServiceLinks": false,
            "securityContext": objects::pod_security(USER),
        },
    })
}

fn container(part: &Part, command: Value) -> Value {
    let mut from = vec![json!({ "configMapRef": { "name": "programs" } })];
    if part.has_database {
        from.push(json!({ "secretRef": { "name": urls(part) } }));
    }
    // Measured at 100 orders/s: 120 MB and 0.12 cores for the monolith; at most 70 MB and 0.3 cores for a service.
    let resources = match part.name {
        "monolith" => objects::resources(250, 128, 256),
        "orders" | "inventory" => objects::resources(200, 64, 128),
        _ => objects::resources(100, 64, 128),
    };
    json!({
        "command": command,
        "envFrom": from,
        "image": "cleave",
        "name": part.name,
        "resources": resources,
        "securityContext": objects::container_security(true),
    })
}

/// Only the gateway is reached from outside, and only it reaches the services.
fn policy(mode: Mode, part: &Part) -> Value {
    let mut rules = json!({ "policyTypes": ["Ingress", "Egress"] });
    rules["ingress"] = if part.is_entrance {
        json!([{ "ports": [{ "port": PORT }] }])
    } else {
        json!([objects::pods("gateway", PORT, "from")])
    };
    let mut egress = Vec::new();
    if part.is_entrance {
        egress.extend(behind_gateway(mode).iter().map(|part| objects::pods(part.name, PORT, "to")));
    }
    if part.has_database {
        egress.push(objects::pods(&server::database_name(part), server::DATABASE_PORT, "to"));
    }
    if part.has_broker {
        egress.push(objects::pods(server::BROKER, server::BROKER_PORT, "to"));
    }
    rules["egress"] = egress.into();
    // By the owner's label, so that the Job is meant too.
    let pods = match part.has_database {
        true => Value::Object(
            [owner_of_database(part)].map(|(key, value)| (key, value.into())).into_iter().collect(),
        ),
        false => json!({ "app.kubernetes.io/name": part.name }),
    };
    objects::policy(part.name, pods, rules)
}
