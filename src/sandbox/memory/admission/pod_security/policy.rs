//! What the labels of a namespace say (`PolicyToEvaluate` in `api/helpers.go`).

use std::fmt;

use crate::sandbox::memory::field::{FieldError, Path};

/// How strict, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Privileged,
    Baseline,
    Restricted,
}

impl Level {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "privileged" => Ok(Level::Privileged),
            "baseline" => Ok(Level::Baseline),
            "restricted" => Ok(Level::Restricted),
            _ => Err("must be one of privileged, baseline, restricted"),
        }
    }
}

/// Of which release of Kubernetes the checks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Of 1.N
    Minor(u64),
    Latest,
}

impl Version {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "latest" {
            return Ok(Version::Latest);
        }
        let digits = text.strip_prefix("v1.").unwrap_or_default();
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'));
        // Go reads it as a signed number.
        let minor = digits.parse().ok().filter(|_| is_plain);
        let minor = minor.and_then(|minor: i64| u64::try_from(minor).ok());
        minor
            .map(Version::Minor)
            .ok_or("must be \"latest\" or \"v1.x\"")
    }

    /// Checks since which release count.
    pub(super) fn minor(self) -> u64 {
        match self {
            Version::Minor(minor) => minor,
            Version::Latest => u64::MAX,
        }
    }
}

/// A level in a version: `restricted:latest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) level: Level,
    pub(super) version: Version,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Privileged => "privileged:",
            Level::Baseline => "baseline:",
            Level::Restricted => "restricted:",
        })?;
        match self.version {
            Version::Minor(minor) => write!(f, "v1.{minor}"),
            Version::Latest => f.write_str("latest"),
        }
    }
}

/// What pods of a namespace are held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// Pods that violate it are refused
    pub(super) enforce: Rule,
    /// Of what violates it the client is warned
    pub(super) warn: Rule,
}

impl Policy {
    /// Reads it, and what is wrong with the labels: `label` tells the value of one. What enforces and
    /// cannot be read is taken for the strictest.
    pub(super) fn read<'a>(label: impl Fn(&str) -> Option<&'a str>) -> (Policy, Vec<FieldError>) {
        let mut errors = Vec::new();
        let enforce = Said::read("enforce", &label, &mut errors);
        // Nobody sees what is audited; wrong is wrong all the same.
        Said::read("audit", &label, &mut errors);
        let warn = Said::read("warn", &label, &mut errors);
        let latest = Version::Latest;
        let mut policy = Policy {
            enforce: Rule {
                level: enforce.level(Level::Restricted),
                version: enforce.version.unwrap_or(latest),
            },
            warn: Rule {
                level: warn.level(Level::Privileged),
                version: warn.version.unwrap_or(latest),
            },
        };
        if warn.level.is_none()
            && let Some(Some(level)) = enforce.level
            && level > Level::Privileged
        {
            policy.warn.level = level;
            policy.warn.version = warn.version.unwrap_or(policy.enforce.version);
        }
        (policy, errors)
    }
}

/// The two labels of one mode.
struct Said {
    /// `None` inside where it cannot be read
    level: Option<Option<Level>>,
    version: Option<Version>,
}

impl Said {
    fn read<'a>(
        mode: &str,
        label: impl Fn(&str) -> Option<&'a str>,
        errors: &mut Vec<FieldError>,
    ) -> Said {
        let mut wrong = |key: &str, value: &str, why: &str| {
            let path = Path::new("metadata.labels").key(key);
            errors.push(FieldError::invalid(&path, value, why));
        };
        let key = format!("pod-security.kubernetes.io/{mode}");
        let level = label(&key).map(|value| {
            let parsed = Level::parse(value);
            parsed.map_err(|why| wrong(&key, value, why)).ok()
        });
        let key = format!("{key}-version");
        let version = label(&key).map(|value| {
            Version::parse(value).unwrap_or_else(|why| {
                wrong(&key, value, why);
                Version::Latest
            })
        });
        Said { level, version }
    }

    fn level(&self, if_wrong: Level) -> Level {
        self.level
            .map_or(Level::Privileged, |level| level.unwrap_or(if_wrong))
    }
}
