//! What a template sees of a request (rest-data-plane §5.1).

use std::borrow::Cow;
use std::collections::BTreeMap;

use stagecoach_vtl::gateway::{Facts, Place};

use crate::exchange::Exchange;

/// The client's request, with the body of whichever side is being mapped.
pub(crate) struct Message<'a> {
    pub(crate) exchange: &'a Exchange,
    pub(crate) body: &'a [u8],
}

impl Facts for Message<'_> {
    fn body(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.body)
    }

    fn parameter(&self, place: Place, name: &str) -> Option<Cow<'_, str>> {
        match place {
            Place::Path => self.exchange.variable(name).map(Cow::Borrowed),
            Place::Query => self.exchange.query().last(name).map(|value| Cow::Owned(value.to_owned())),
            Place::Header => {
                let value = self.exchange.headers.get_all(name).iter().next_back()?;
                Some(String::from_utf8_lossy(value.as_bytes()))
            }
        }
    }

    fn parameters(&self, place: Place) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        match place {
            Place::Path => {
                let pair = |(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value));
                self.exchange.variables().map(pair).collect()
            }
            // Later values of a name replace earlier ones where they are read.
            Place::Query => {
                let query = self.exchange.query();
                let pair = |(name, value): (&str, &str)| (Cow::Owned(name.to_owned()), Cow::Owned(value.to_owned()));
                query.pairs().map(pair).collect()
            }
            Place::Header => {
                let names = self.exchange.names.current();
                let headers = self.exchange.headers.iter();
                headers
                    .map(|(name, value)| {
                        let spelled = names.spelled(name.as_str()).to_owned();
                        (spelled.into(), String::from_utf8_lossy(value.as_bytes()))
                    })
                    .collect()
            }
        }
    }

    fn context(&self, name: &str) -> Option<Cow<'_, str>> {
        self.exchange.context(name)
    }

    fn stage_variables(&self) -> &BTreeMap<String, String> {
        self.exchange.stage_variables()
    }
}
