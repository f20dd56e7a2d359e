//! The API description, as a check for every response.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use jsonschema::Validator;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// A parsed `openapi.json`.
#[derive(Debug)]
pub struct Description {
    document: Value,
    /// Compiled schemas, because compiling one takes longer than a request.
    validators: Mutex<HashMap<String, Validator>>,
}

impl Description {
    /// Takes the document that a shop serves.
    pub fn new(document: Value) -> Self {
        Self { document, validators: Mutex::default() }
    }

    /// Every described method and path.
    pub fn operations(&self) -> Vec<(String, String)> {
        let paths = self.document["paths"].as_object().into_iter().flatten();
        paths
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().into_iter().flatten();
                methods.map(|(method, _)| (method.clone(), path.clone()))
            })
            .collect()
    }

    /// Fails if the description does not allow this response to a request for `path` (without its query).
    pub fn check(&self, method: &str, path: &str, status: u16, media_type: &str, body: &Value) -> Result<()> {
        let Some(template) = self.template(method, path) else {
            ensure!(
                body["code"] == "no_such_route" || body["code"] == "method_not_allowed",
                "{method} {path} is not described, and responded with {status}: {body}"
            );
            return Ok(());
        };
        let responses = &self.document["paths"][&template][method]["responses"];
        let response = self.resolve(&responses[status.to_string()]);
        if response.is_null() {
            bail!("{method} {template} responded with {status}, which is not described: {body}");
        }
        let Some(content) = response["content"].as_object() else {
            ensure!(
                body.is_null(),
                "{method} {template} responded with {status} and a body, and none is described: {body}"
            );
            return Ok(());
        };
        let schema = content.get(media_type).with_context(|| {
            format!("{method} {template} responded with {status} as {media_type:?}, which is not described")
        })?;
        let key = format!("{method} {template} {status} {media_type}");
        self.validate(key.clone(), &schema["schema"], body)
            .with_context(|| format!("{key} responded with {body}"))
    }

    fn validate(&self, key: String, schema: &Value, body: &Value) -> Result<()> {
        let mut validators = self.validators.lock();
        let validator = match validators.entry(key) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => {
                // Its references point into the whole document.
                let whole = json!({ "allOf": [schema], "components": self.document["components"] });
                new.insert(jsonschema::validator_for(&whole)?)
            }
        };
        match validator.iter_errors(body).next() {
            None => Ok(()),
            Some(error) => {
                bail!("does not match the description: {error} at {:?}", error.instance_path().to_string())
            }
        }
    }

    /// The described path that matches this one. The path with the fewest parameters wins.
    fn template(&self, method: &str, path: &str) -> Option<String> {
        let fits = |template: &str| {
            let (of_template, of_path): (Vec<&str>, Vec<&str>) =
                (template.split('/').collect(), path.split('/').collect());
            of_template.len() == of_path.len()
                && of_template
                    .iter()
                    .zip(of_path)
                    .all(|(t, p)| t.starts_with('{') && !p.is_empty() || *t == p)
        };
        let mut templates: Vec<String> = self
            .operations()
            .into_iter()
            .filter(|(known, template)| known == method && fits(template))
            .map(|(_, template)| template)
            .collect();
        templates.sort_by_key(|template| template.matches('{').count());
        templates.into_iter().next()
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.document.pointer(pointer).unwrap_or(&Value::Null),
            None => value,
        }
    }
}
