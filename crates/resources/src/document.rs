//! Versioned documents: what the store keeps as text.

use serde::{Serialize, de::DeserializeOwned};

/// A stored document could not be read.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// No step leads from the stored version to the current one.
    #[error("a stored {kind} document has version {from}, newer than this program's {to}")]
    Newer {
        /// [`Document::KIND`].
        kind: &'static str,
        /// Stored version.
        from: u16,
        /// Version of this program.
        to: u16,
    },
    /// The body is not what its version says.
    #[error("a stored {kind} document does not parse: {source}")]
    Body {
        /// [`Document::KIND`].
        kind: &'static str,
        /// What serde said.
        #[source]
        source: serde_json::Error,
    },
}

/// A type kept in the store. Changing its shape bumps `VERSION` and adds a step to `upgrade`.
pub trait Document: Serialize + DeserializeOwned {
    /// Kind column of the store, e.g. `restapi`.
    const KIND: &'static str;
    /// Current version of the shape.
    const VERSION: u16 = 1;

    /// Turns a body of an older version into the current shape.
    ///
    /// # Errors
    /// [`UpgradeError::Newer`] when no step exists.
    fn upgrade(from: u16, body: serde_json::Value) -> Result<serde_json::Value, UpgradeError> {
        if from == Self::VERSION {
            Ok(body)
        } else {
            Err(UpgradeError::Newer { kind: Self::KIND, from, to: Self::VERSION })
        }
    }

    /// Reads a stored body of version `from`.
    ///
    /// # Errors
    /// [`UpgradeError`] when the version is unknown or the body does not parse.
    fn decode(from: u16, body: &str) -> Result<Self, UpgradeError> {
        let wrap = |source| UpgradeError::Body { kind: Self::KIND, source };
        if from == Self::VERSION {
            return serde_json::from_str(body).map_err(wrap);
        }
        let value = Self::upgrade(from, serde_json::from_str(body).map_err(wrap)?)?;
        serde_json::from_value(value).map_err(wrap)
    }
}
