//! Lays the sources over each other and reads the result, finding as much as is wrong in one go.

use std::path::Path;

use figment::{
    Figment, Metadata, Profile, Provider,
    error::{Actual, Kind},
    value::{Dict, Map, Value},
};
use serde::Deserialize;

use crate::{
    Settings,
    file::ConfigFile,
    problem::{ConfigError, Problem},
    provenance::{self, Provenance},
    repair::{self, key_of},
    source::{self, Origin, Sources},
};

/// Settings, and where each came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What is in force.
    pub settings: Settings,
    /// Where it came from.
    pub provenance: Provenance,
}

/// After so many problems the rest is probably a consequence.
const MOST_PROBLEMS: usize = 50;

pub(crate) fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let layers = Layers::read(sources)?;
    let stack = layers.stack();
    let merged = stack.find_value("").unwrap_or_else(|_| Value::from(Dict::new()));
    let entries = provenance::list(&merged, &|value, path| layers.origin(&stack, value, path));
    let provenance = Provenance { entries, file: sources.file.clone() };
    let (settings, mut problems) = layers.extract(&stack, merged);
    let invalid = settings.as_ref().map(Settings::invalid).unwrap_or_default();
    problems.extend(invalid.into_iter().map(|invalid| {
        let origin = provenance.origin(&invalid.key).cloned().unwrap_or(Origin::Default);
        let allowed = format!("allowed: {}", invalid.allowed);
        Problem { key: invalid.key, origin, problem: invalid.problem, allowed }
    }));
    match settings {
        Some(settings) if problems.is_empty() => Ok(Loaded { settings, provenance }),
        _ => Err(ConfigError::Invalid(problems)),
    }
}

/// The values of one source.
struct Layer {
    origin: Origin,
    values: Dict,
    /// What a variable or flag says to the letter: a number may have been meant as text.
    text: Option<String>,
}

impl Layer {
    fn one(origin: Origin, key: &str, text: &str) -> Self {
        let value: Value = text.parse().unwrap_or_else(|_| Value::from(text));
        let nested =
            key.rsplit('.').fold(value, |value, part| Value::from(Map::from([(part.to_owned(), value)])));
        Self { origin, values: nested.into_dict().unwrap_or_default(), text: Some(text.to_owned()) }
    }
}

impl Provider for &Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.to_string())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// The sources, the weakest first.
struct Layers {
    layers: Vec<Layer>,
    file: Option<ConfigFile>,
    reference: Value,
    /// Every key of the reference.
    known: Vec<String>,
}

impl Layers {
    fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let reference = ConfigFile::parse(Path::new("default.toml"), crate::REFERENCE.to_owned())?.values;
        let file = sources.file.as_deref().map(ConfigFile::read).transpose()?;
        let mut layers = vec![Layer { origin: Origin::Default, values: reference.clone(), text: None }];
        if let Some(file) = &file {
            let origin = Origin::File { path: file.path.clone(), line: None };
            layers.push(Layer { origin, values: file.values.clone(), text: None });
        }
        for (name, value) in &sources.environment {
            if let Some(key) = source::key_of_variable(name) {
                layers.push(Layer::one(Origin::Environment(name.clone()), &key, value));
            }
        }
        for flag in &sources.flags {
            layers.push(Layer::one(Origin::Flag(flag.name.to_owned()), flag.key, &flag.value));
        }
        let reference = Value::from(reference);
        let known = provenance::list(&reference, &|_, _| Origin::Default);
        let known = known.into_iter().map(|entry| entry.key).collect();
        Ok(Self { layers, file, reference, known })
    }

    fn stack(&self) -> Figment {
        self.layers.iter().fold(Figment::new(), Figment::merge)
    }

    fn layer(&self, stack: &Figment, value: &Value) -> Option<&Layer> {
        let name = &stack.get_metadata(value.tag())?.name;
        self.layers.iter().find(|layer| layer.origin.to_string() == **name)
    }

    fn origin(&self, stack: &Figment, value: &Value, path: &[String]) -> Origin {
        match (self.layer(stack, value).map(|layer| &layer.origin), &self.file) {
            (Some(Origin::File { path: name, .. }), Some(file)) => {
                Origin::File { path: name.clone(), line: file.line_of(path) }
            }
            (Some(origin), _) => origin.clone(),
            (None, _) => Origin::Default,
        }
    }

    /// Reads the merged value. At a problem it is noted and mended as well as may be, so that the next one is found.
    fn extract(&self, stack: &Figment, mut value: Value) -> (Option<Settings>, Vec<Problem>) {
        let mut problems = Vec::new();
        loop {
            let error = match Settings::deserialize(&value) {
                Ok(settings) => return (Some(settings), problems),
                Err(error) => error,
            };
            let at = repair::find(&value, &error.path);
            if let Some(text) = at.and_then(|at| self.meant_as_text(stack, at, &error.kind)) {
                repair::replace(&mut value, &error.path, text);
                continue;
            }
            let nearest = at.unwrap_or(&value);
            let origin = self.origin(stack, nearest, &error.path);
            let key = key_of(&error.path);
            problems.push(Problem::of_kind(&error.kind, key, origin, at, &self.known));
            let unknown = matches!(error.kind, Kind::UnknownField(..));
            if problems.len() == MOST_PROBLEMS
                || !repair::repair(&mut value, &error.path, unknown, &self.reference)
            {
                return (None, problems);
            }
        }
    }

    /// `CAUSEWAY_AUTH__SERVICE_TOKEN=1234` looks like a number and is text.
    fn meant_as_text(&self, stack: &Figment, value: &Value, kind: &Kind) -> Option<Value> {
        let Kind::InvalidType(actual, expected) = kind else { return None };
        let wants_text = expected.contains("string") && !matches!(actual, Actual::Str(_));
        let text = self.layer(stack, value)?.text.clone();
        if wants_text { Some(Value::String(value.tag(), text?)) } else { None }
    }
}

#[cfg(test)]
mod tests;
