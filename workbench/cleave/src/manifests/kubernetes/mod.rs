//! `deploy/kubernetes`, for kustomize: what every shop needs in `base`, a shop in each overlay, and monitoring as a
//! component.

use serde_json::{Value, json};
use topology::{Mode, Part};

use super::{File, behind_gateway, head, yaml};

mod objects;
mod server;
mod workload;

const ROOT: &str = "deploy/kubernetes";

pub fn files() -> Vec<File> {
    let mut files = vec![
        file(
            "base/kustomization.yaml",
            "What every shop needs.",
            &[kustomization(&["settings.yaml", "policies.yaml"])],
        ),
        file(
            "base/settings.yaml",
            "Where programs listen, and the settings that the gateway follows.",
            &settings(),
        ),
        file("base/policies.yaml", "Nothing is reached unless another policy allows it.", &objects::closed()),
        file(
            "components/monitoring/kustomization.yaml",
            "Metrics and traces; needs the Prometheus operator.",
            &[monitoring()],
        ),
        file("components/monitoring/monitor.yaml", "Scrapes every program of the shop.", &monitor()),
    ];
    for mode in Mode::ALL {
        files.extend(overlay(mode));
    }
    files
}

/// A shop: a file for each program, with everything that belongs to it.
fn overlay(mode: Mode) -> Vec<File> {
    let mut files = Vec::new();
    let mut names = vec!["../../base".to_owned(), "namespace.yaml".to_owned()];
    let mut add = |name: &str, what: &str, objects: Vec<Value>| {
        names.push(format!("{name}.yaml"));
        files.push(file(&format!("overlays/{mode}/{name}.yaml"), what, &objects));
    };
    for part in mode.parts() {
        add(
            part.name,
            &format!("The program {}, and what belongs to it.", part.program),
            workload::of(mode, &part),
        );
    }
    if mode == Mode::Split {
        let what = "RabbitMQ, for trying. To keep messages, use the RabbitMQ cluster operator.";
        add("broker", what, server::broker(&behind_gateway(mode)));
    }
    let namespace = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": format!("cleave-{mode}"),
            "labels": {
                "pod-security.kubernetes.io/enforce": "baseline",
                "pod-security.kubernetes.io/warn": "restricted",
            },
        },
    });
    files.push(file(&format!("overlays/{mode}/namespace.yaml"), "The namespace of this shop.", &[namespace]));
    let mut shop = kustomization(&names.iter().map(String::as_str).collect::<Vec<_>>());
    shop["namespace"] = format!("cleave-{mode}").into();
    shop["images"] = json!([{ "name": "cleave", "newTag": env!("CARGO_PKG_VERSION") }]);
    let what = format!("The shop: `kubectl apply -k {ROOT}/overlays/{mode}`. docs/clusters.md.");
    files.push(file(&format!("overlays/{mode}/kustomization.yaml"), &what, &[shop]));
    files
}

fn file(path: &str, what: &str, objects: &[Value]) -> File {
    (format!("{ROOT}/{path}"), head(what, "kubernetes") + &yaml::documents(objects))
}

fn kustomization(resources: &[&str]) -> Value {
    json!({ "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources })
}

/// The labels of a program's objects.
fn labels(name: &str) -> Value {
    json!({ "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "cleave" })
}

fn settings() -> [Value; 2] {
    let map = |name: &str, data: Value| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "labels": labels(name) }, "data": data });
    let programs = json!({ "CLEAVE_LISTEN": "0.0.0.0", "CLEAVE_PORT": super::PORT.to_string() });
    [map("programs", programs), map("settings", json!({ "settings.json": "{}\n" }))]
}

/// Traces go to a collector in the namespace `monitoring`. Every program reads its address from the same ConfigMap.
fn monitoring() -> Value {
    let patch = yaml::documents([&json!([{
        "op": "add",
        "path": "/data/OTEL_EXPORTER_OTLP_ENDPOINT",
        "value": "http://collector.monitoring:4318",
    }])]);
    let mut component = kustomization(&["monitor.yaml"]);
    component["apiVersion"] = "kustomize.config.k8s.io/v1alpha1".into();
    component["kind"] = "Component".into();
    component["patches"] = json!([{ "target": { "kind": "ConfigMap", "name": "programs" }, "patch": patch }]);
    component
}

fn monitor() -> [Value; 2] {
    let monitoring =
        json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "monitoring" } } });
    let ours = json!({ "matchLabels": { "app.kubernetes.io/part-of": "cleave" } });
    let monitor = json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": { "name": "programs", "labels": labels("programs") },
        "spec": { "endpoints": [{ "interval": "15s", "path": "/metrics", "port": "http" }], "selector": ours },
    });
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": { "name": "monitoring", "labels": labels("monitoring") },
        "spec": {
            "podSelector": ours,
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{ "from": [monitoring], "ports": [{ "port": super::PORT }] }],
            "egress": [{ "to": [monitoring], "ports": [{ "port": 4318 }] }],
        },
    });
    [monitor, policy]
}

/// The label of the pods that may reach a database: those of its owner.
fn owner_of_database(part: &Part) -> (String, String) {
    ("cleave/database".to_owned(), part.name.to_owned())
}
