//! The objects beside a workload: services, policies, budgets, scaling.

use serde_json::{Value, json};

use super::super::PORT;
use super::labels;

/// No traffic at all, except to the name server.
pub fn closed() -> [Value; 2] {
    let deny = policy("closed", json!({}), json!({ "policyTypes": ["Ingress", "Egress"] }));
    let dns = json!([{ "port": 53, "protocol": "UDP" }, { "port": 53, "protocol": "TCP" }]);
    let names =
        policy("names", json!({}), json!({ "policyTypes": ["Egress"], "egress": [{ "ports": dns }] }));
    [deny, names]
}

/// A policy for the pods with these labels.
pub fn policy(name: &str, pods: Value, rules: Value) -> Value {
    let selector = if pods == json!({}) { json!({}) } else { json!({ "matchLabels": pods }) };
    let mut spec = rules;
    spec["podSelector"] = selector;
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": { "name": name, "labels": labels(name) },
        "spec": spec,
    })
}

/// The pods with these labels, at this port, as one side of a rule.
pub fn pods(name: &str, port: u16, side: &str) -> Value {
    json!({ side: [{ "podSelector": { "matchLabels": { "app.kubernetes.io/name": name } } }], "ports": [{ "port": port }] })
}

/// A name for pods. A *headless* one stands for the addresses of all pods, and the gateway balances over them.
pub fn service(name: &str, port: (&str, u16), is_headless: bool) -> Value {
    let mut service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": name, "labels": labels(name) },
        "spec": {
            "ports": [{ "name": port.0, "port": port.1, "targetPort": port.0 }],
            "selector": { "app.kubernetes.io/name": name },
        },
    });
    if is_headless {
        service["spec"]["clusterIP"] = "None".into();
    }
    service
}

/// At least one pod stays while nodes are drained.
pub fn budget(name: &str) -> Value {
    json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": { "name": name, "labels": labels(name) },
        "spec": { "minAvailable": 1, "selector": { "matchLabels": { "app.kubernetes.io/name": name } } },
    })
}

pub fn autoscaler(name: &str) -> Value {
    let target = json!({ "type": "Utilization", "averageUtilization": 70 });
    json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": name, "labels": labels(name) },
        "spec": {
            "maxReplicas": 6,
            "metrics": [{ "type": "Resource", "resource": { "name": "cpu", "target": target } }],
            "minReplicas": 2,
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name },
        },
    })
}

/// For trying: a cluster that keeps data gets its secrets from elsewhere.
pub fn secret(name: &str, data: Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "labels": labels(name) },
        "stringData": data,
    })
}

/// A pod of an image that needs no rights: `user` is the number that it runs as.
pub fn pod_security(user: u32) -> Value {
    json!({
        "fsGroup": user,
        "runAsGroup": user,
        "runAsNonRoot": true,
        "runAsUser": user,
        "seccompProfile": { "type": "RuntimeDefault" },
    })
}

pub fn container_security(is_read_only: bool) -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "capabilities": { "drop": ["ALL"] },
        "readOnlyRootFilesystem": is_read_only,
    })
}

/// A check by HTTP, every `period` seconds, that may fail this often.
pub fn probe(path: &str, period: u32, failures: u32) -> Value {
    json!({
        "failureThreshold": failures,
        "httpGet": { "path": path, "port": "http" },
        "periodSeconds": period,
        "timeoutSeconds": 5,
    })
}

/// What a container gets, and at most: processor time in thousandths of a core, memory in Mi.
pub fn resources(cpu: u32, memory: u32, most_memory: u32) -> Value {
    json!({
        "limits": { "memory": format!("{most_memory}Mi") },
        "requests": { "cpu": format!("{cpu}m"), "memory": format!("{memory}Mi") },
    })
}

/// The port's container side.
pub fn http_port() -> Value {
    json!([{ "containerPort": PORT, "name": "http" }])
}
