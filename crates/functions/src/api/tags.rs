//! Tags of functions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::documents::{Cx, Outcome, empty, reply};
use crate::errors::{self, LambdaError};
use crate::model::Target;

/// Tags of one function at most [D].
const MOST: usize = 50;

/// TagResource.
pub(super) async fn tag(cx: &Cx<'_>) -> Outcome {
    let (target, body) = (target(cx)?, cx.body()?);
    let added = read(&body["Tags"])?;
    change(cx, &target, |tags| tags.extend(added)).await
}

/// UntagResource.
pub(super) async fn untag(cx: &Cx<'_>) -> Outcome {
    let target = target(cx)?;
    change(cx, &target, |tags| tags.retain(|key, _| !cx.call.query_all("tagKeys").any(|gone| gone == key))).await
}

/// ListTags.
pub(super) async fn list(cx: &Cx<'_>) -> Outcome {
    let function = cx.function(&mut cx.store(), &target(cx)?).await?;
    Ok(reply(cx, &json!({ "Tags": function.tags })))
}

async fn change(cx: &Cx<'_>, target: &Target, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Outcome {
    let mut write = cx.write(&target.name).await?;
    let mut function = cx.function(&mut write, target).await?;
    change(&mut function.tags);
    within(&function.tags)?;
    cx.save(&mut write, &function).await?;
    write.commit().await?;
    Ok(empty(cx))
}

/// `Tags` of a body: nothing, or a map of texts.
pub(super) fn read(value: &Value) -> Result<BTreeMap<String, String>, LambdaError> {
    let pairs = value.as_object().into_iter().flatten();
    let pairs = pairs.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()));
    let tags: BTreeMap<String, String> = pairs.collect();
    within(&tags)?;
    Ok(tags)
}

fn within(tags: &BTreeMap<String, String>) -> Result<(), LambdaError> {
    if tags.len() > MOST {
        return Err(LambdaError::invalid("Number of tags exceeds resource tag limit."));
    }
    Ok(())
}

fn target(cx: &Cx<'_>) -> Result<Target, LambdaError> {
    let target = Target::parse(cx.call.label("Resource"), None, cx.scope())?;
    if target.qualifier.is_some() { Err(LambdaError::invalid(errors::TAGS_ON_FUNCTIONS)) } else { Ok(target) }
}
