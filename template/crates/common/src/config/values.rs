//! Finds each setting's value and remembers where it came from.
use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    fs,
};

use super::{ConfigError, Definition, Parse, Problem, Setting, file};

/// Where values are looked for. Both maps go by the setting's name.
#[derive(Default)]
pub struct Inputs {
    pub flags: BTreeMap<String, String>,
    pub environment: BTreeMap<String, String>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Flag(String),
    Environment,
    /// A file with one value, named by the setting's `_FILE` variable.
    SecretFile(String),
    ConfigFile {
        path: String,
        key: String,
    },
    Default,
}

pub struct Value {
    pub definition: Definition,
    pub source: Source,
    text: String,
}

pub struct Values(Vec<Value>);

impl Values {
    /// Looks up every setting of `table`; the file may also hold settings that are only `known`.
    pub fn resolve(
        table: &[Definition],
        known: &[Definition],
        inputs: &Inputs,
    ) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let config = ConfigFile::open(inputs, known).unwrap_or_else(|mut found| {
            problems.append(&mut found);
            ConfigFile::default()
        });
        let mut values = Vec::new();
        for definition in table {
            match find(definition, inputs, &config) {
                Ok(value) if (definition.accepts)(&value.text) => values.push(value),
                Ok(Value { source, text, .. }) => {
                    problems.push(Problem::not_allowed(definition, &source, &text));
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            Ok(Self(values))
        } else {
            Err(ConfigError(problems))
        }
    }

    /// The value of a setting that is in the program's table.
    pub fn get<T: Parse>(&self, setting: &Setting<T>) -> T {
        let name = setting.definition.name;
        let value = self.0.iter().find(|value| value.definition.name == name);
        let value = value.unwrap_or_else(|| panic!("{name} is not in this program's table"));
        T::parse(&value.text).expect("values are checked when they are read")
    }

    pub fn iter(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }
}

impl Value {
    /// The value as it may be shown to people.
    pub fn shown(&self) -> &str {
        match (self.definition.secret, &self.source) {
            (true, source) if *source != Source::Default => "********",
            _ if self.text.is_empty() => "(not set)",
            _ => &self.text,
        }
    }
}

#[derive(Default)]
struct ConfigFile {
    path: String,
    values: BTreeMap<String, String>,
}

impl ConfigFile {
    fn open(inputs: &Inputs, known: &[Definition]) -> Result<Self, Vec<Problem>> {
        let name = "CONFIG_FILE";
        let flag = inputs.flags.get(name).map(|path| ("--config-file", path));
        let variable = || inputs.environment.get(name).map(|path| (name, path));
        let Some((named_by, path)) = flag.or_else(variable) else {
            return Ok(Self::default());
        };
        Ok(Self {
            path: path.clone(),
            values: file::read(path, named_by, known)?,
        })
    }
}

fn find(definition: &Definition, inputs: &Inputs, config: &ConfigFile) -> Result<Value, Problem> {
    let found = |source, text: &str| Value {
        definition: *definition,
        source,
        text: text.to_owned(),
    };
    let variable = inputs.environment.get(definition.name);
    let secret_file = definition
        .file_variable()
        .and_then(|name| inputs.environment.get(&name).map(|path| (name, path)));
    if variable.is_some() && secret_file.is_some() {
        return Err(Problem::SetTwice {
            name: definition.name,
        });
    }
    if let Some(text) = inputs.flags.get(definition.name) {
        return Ok(found(Source::Flag(definition.flag()), text));
    }
    if let Some(text) = variable {
        return Ok(found(Source::Environment, text));
    }
    if let Some((variable, path)) = secret_file {
        let text = fs::read_to_string(path).map_err(|error| {
            let (path, reason) = (path.clone(), error.to_string());
            Problem::Unreadable {
                variable,
                path,
                reason,
            }
        })?;
        return Ok(found(Source::SecretFile(path.clone()), text.trim()));
    }
    if let Some(text) = config.values.get(&definition.key()) {
        let source = Source::ConfigFile {
            path: config.path.clone(),
            key: definition.key(),
        };
        return Ok(found(source, text));
    }
    Ok(found(Source::Default, definition.default))
}

impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "the flag --{flag}"),
            Self::Environment => write!(f, "the environment"),
            Self::SecretFile(path) => write!(f, "the file {path}"),
            Self::ConfigFile { path, key } => write!(f, "{path}:{key}"),
            Self::Default => write!(f, "the default"),
        }
    }
}
