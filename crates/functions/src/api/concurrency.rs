//! Reserved concurrency, and the account's limits.

use serde_json::json;
use stagecoach_store::Doc;

use super::documents::{ALL, Cx, Outcome, empty, reply};
use crate::errors::{self, LambdaError};
use crate::model::function::Function;
use crate::model::{Target, kinds};
use crate::package::{LARGEST_UNZIPPED, LARGEST_ZIPPED};

/// What reservations must leave to the other functions [D]; of a small limit, a tenth.
const UNRESERVED: u32 = 100;

/// What reservations must leave of the account's limit.
pub(super) fn unreserved(account: u32) -> u32 {
    UNRESERVED.min(account / 10)
}

/// PutFunctionConcurrency.
pub(super) async fn put(cx: &Cx<'_>) -> Outcome {
    let (target, body) = (unqualified(cx)?, cx.body()?);
    let asked = body["ReservedConcurrentExecutions"].as_u64().unwrap_or_default();
    let asked = u32::try_from(asked).unwrap_or(u32::MAX);
    let mut write = cx.write(&target.name).await?;
    let mut function = cx.function(&mut write, &target).await?;
    let others = reserved(&write.list(kinds::FUNCTION, "", None, ALL).await?, Some(&target.name))?;
    let account = cx.functions.parts.concurrency;
    let unreserved = unreserved(account);
    if others.saturating_add(asked) > account - unreserved && asked > 0 {
        return Err(LambdaError::invalid(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its \
             minimum value of [{unreserved}]."
        )));
    }
    function.reserved = Some(asked);
    cx.save(&mut write, &function).await?;
    write.commit().await?;
    Ok(reply(cx, &json!({ "ReservedConcurrentExecutions": asked })))
}

/// GetFunctionConcurrency.
pub(super) async fn get(cx: &Cx<'_>) -> Outcome {
    let function = cx.function(&mut cx.store(), &unqualified(cx)?).await?;
    let shape = function.reserved.map_or(json!({}), |reserved| json!({ "ReservedConcurrentExecutions": reserved }));
    Ok(reply(cx, &shape))
}

/// DeleteFunctionConcurrency.
pub(super) async fn delete(cx: &Cx<'_>) -> Outcome {
    let target = unqualified(cx)?;
    let mut write = cx.write(&target.name).await?;
    let mut function = cx.function(&mut write, &target).await?;
    function.reserved = None;
    cx.save(&mut write, &function).await?;
    write.commit().await?;
    Ok(empty(cx))
}

/// GetAccountSettings.
pub(super) async fn account(cx: &Cx<'_>) -> Outcome {
    let docs = cx.store().list(kinds::FUNCTION, "", None, ALL).await?;
    let sizes = docs.iter().map(|doc| kinds::body::<Function>(doc).map(|function| function.latest.code_size));
    let total: u64 = sizes.sum::<Result<_, _>>()?;
    let account = cx.functions.parts.concurrency;
    let unreserved = account.saturating_sub(reserved(&docs, None)?);
    Ok(reply(
        cx,
        &json!({
            "AccountLimit": {
                "TotalCodeSize": 80_530_636_800_u64, "CodeSizeUnzipped": LARGEST_UNZIPPED, "CodeSizeZipped": LARGEST_ZIPPED,
                "ConcurrentExecutions": account, "UnreservedConcurrentExecutions": unreserved,
            },
            "AccountUsage": { "TotalCodeSize": total, "FunctionCount": docs.len() },
        }),
    ))
}

/// What functions other than `beside` reserve.
fn reserved(docs: &[Doc], beside: Option<&str>) -> Result<u32, LambdaError> {
    let mut sum = 0_u32;
    for doc in docs.iter().filter(|doc| Some(doc.key.id.as_str()) != beside) {
        sum = sum.saturating_add(kinds::body::<Function>(doc)?.reserved.unwrap_or_default());
    }
    Ok(sum)
}

fn unqualified(cx: &Cx<'_>) -> Result<Target, LambdaError> {
    let target = cx.target()?;
    if target.qualifier.is_some() { Err(LambdaError::invalid(errors::FUNCTIONS_ONLY)) } else { Ok(target) }
}
