//! An alias, and the draw that splits its traffic.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stagecoach_base::Digest;

/// An alias document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alias {
    /// Its name.
    pub name: String,
    /// Version that most of the traffic goes to.
    pub version: String,
    /// Free text.
    pub description: String,
    /// `AdditionalVersionWeights`: at most one version, and its share from 0 to 1.
    pub weights: BTreeMap<String, f64>,
    /// `RevisionId`.
    pub revision_id: String,
}

impl Alias {
    /// The version that serves the request `id`: the same id always gets the same version, and over many ids a version gets its
    /// share.
    pub fn pick(&self, id: &str) -> &str {
        let drawn = unit(id);
        let mut below = 0.0;
        for (version, weight) in &self.weights {
            below += weight;
            if drawn < below {
                return version;
            }
        }
        &self.version
    }
}

/// A number from 0 to below 1, uniform over ids.
fn unit(id: &str) -> f64 {
    let digest = Digest::of(id.as_bytes());
    let bytes = digest.as_bytes();
    let number = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    f64::from(number) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn alias(weight: Option<f64>) -> Alias {
        let weights = weight.map(|weight| ("2".to_owned(), weight)).into_iter().collect();
        Alias {
            name: "live".into(),
            version: "1".into(),
            description: String::new(),
            weights,
            revision_id: String::new(),
        }
    }

    #[test]
    fn without_weights_every_request_goes_to_the_version() {
        assert!((0..1000).all(|n| alias(None).pick(&n.to_string()) == "1"));
        assert!((0..1000).all(|n| alias(Some(0.0)).pick(&n.to_string()) == "1"));
        assert!((0..1000).all(|n| alias(Some(1.0)).pick(&n.to_string()) == "2"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn the_share_of_a_version_is_its_weight(weight in 0.0_f64..=1.0, seed in any::<u64>()) {
            let (alias, draws) = (alias(Some(weight)), 4000_u32);

            let taken = (0..draws).filter(|n| alias.pick(&format!("{seed}-{n}")) == "2").count();

            let (expected, spread) = (f64::from(draws) * weight, (f64::from(draws) * weight * (1.0 - weight)).sqrt());
            // Six standard deviations: one in 10^9 tries fails by chance.
            prop_assert!((taken as f64 - expected).abs() <= 6.0 * spread + 1.0, "{taken} of {draws} at {weight}");
        }
    }
}
