use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Good,
    /// Works, and may hurt some day.
    Warning,
    /// Does not work, or is not safe.
    Wrong,
}

/// What a look at one thing gave. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub outcome: Outcome,
    /// What was seen.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub fn good(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Good, message: message.into(), advice: None }
    }

    /// It may hurt some day.
    pub fn warning(check: &'static str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Warning, message: message.into(), advice: Some(advice.into()) }
    }

    /// It must be mended.
    pub fn wrong(check: &'static str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Wrong, message: message.into(), advice: Some(advice.into()) }
    }
}
