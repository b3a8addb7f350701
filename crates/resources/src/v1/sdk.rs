//! The JavaScript client that GetSdk gives out (rest-admin-api §3.23): one function per method of a deployed definition, named
//! as AWS names them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stagecoach_base::Scope;

use crate::ApiTree;

/// A file of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path in the archive.
    pub name: &'static str,
    /// Contents.
    pub text: String,
}

const CLIENT: &str = include_str!("sdk/apigClient.js");
/// Stands for the table of operations.
const OPERATIONS: &str = "    \"@OPERATIONS@\": null,\n";
/// Stands for the URL that requests go to unless the caller says otherwise.
const INVOKE_URL: &str = "\"@INVOKE_URL@\"";

struct Operation<'a> {
    name: String,
    verb: &'a str,
    path: &'a str,
    query: Vec<&'a str>,
    headers: Vec<&'a str>,
}

/// The files of the client for `stage`.
pub fn javascript(tree: &ApiTree, stage: &str, scope: &Scope) -> Vec<File> {
    let operations = operations(tree);
    let url = format!("https://{}.execute-api.{}.amazonaws.com/{stage}", tree.api.id, scope.region);
    let row = |operation: &Operation<'_>| {
        let Operation { name, verb, path, query, headers } = operation;
        format!("    {}: {},\n", Value::from(name.as_str()), json!([verb, path, query, headers]))
    };
    let rows: String = operations.iter().map(row).collect();
    let client = CLIENT.replace(INVOKE_URL, &Value::from(url).to_string()).replace(OPERATIONS, &rows);
    vec![
        File { name: "apiGateway-js-sdk/apigClient.js", text: client },
        File { name: "apiGateway-js-sdk/README.md", text: readme(&tree.api.id, stage, &operations) },
    ]
}

fn operations(tree: &ApiTree) -> Vec<Operation<'_>> {
    let mut methods: Vec<(&str, &str, &crate::v1::Method)> = Vec::new();
    for at in &tree.methods {
        let path = tree.resource(&at.resource_id).map(|resource| resource.path.as_str());
        methods.extend(path.map(|path| (path, at.method.http_method.as_str(), &at.method)));
    }
    methods.sort_by_key(|(path, verb, _)| (*path, *verb));
    let mut taken = BTreeSet::new();
    let operation = |(path, verb, method)| Operation {
        name: free(&mut taken, &name(path, verb)),
        verb,
        path,
        query: parameters(method, "method.request.querystring."),
        headers: parameters(method, "method.request.header."),
    };
    methods.into_iter().map(operation).collect()
}

fn parameters<'a>(method: &'a crate::v1::Method, location: &str) -> Vec<&'a str> {
    let all = method.request_parameters.iter().flat_map(|parameters| parameters.keys());
    all.filter_map(|name| name.strip_prefix(location)).collect()
}

/// `/pets/{petId}` and GET: `petsPetIdGet`; `/` and GET: `rootGet`.
fn name(path: &str, verb: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = words.enumerate().fold(String::new(), |name, (index, word)| name + &cased(word, index > 0));
    if name.is_empty() {
        name.push_str("root");
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name + &cased(&verb.to_ascii_lowercase(), true)
}

fn cased(word: &str, upper: bool) -> String {
    let mut word = word.to_owned();
    if let Some(first) = word.get_mut(..1) {
        if upper { first.make_ascii_uppercase() } else { first.make_ascii_lowercase() }
    }
    word
}

/// Two paths may have one name (`/a-b`, `/a/b`): the later ones are numbered.
fn free(taken: &mut BTreeSet<String>, name: &str) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2u32;
    while !taken.insert(candidate.clone()) {
        candidate = format!("{name}{number}");
        number += 1;
    }
    candidate
}

fn readme(api: &str, stage: &str, operations: &[Operation<'_>]) -> String {
    let call = |operation: &Operation<'_>| {
        let Operation { name, verb, path, .. } = operation;
        format!("- `client.{name}(params, body, additionalParams)`: {verb} {path}\n")
    };
    let calls: String = operations.iter().map(call).collect();
    format!(
        "# JavaScript client for stage {stage} of API {api}

`apigClient.js` has no dependencies; it needs `fetch` (every browser, Node 18 and later).

```js
const apigClientFactory = require(\"./apigClient.js\"); // in a page: <script src=\"apigClient.js\"></script>
const client = apigClientFactory.newClient({{
  invokeUrl: \"http://127.0.0.1:8080/_aws/execute-api/{api}/{stage}\",
  apiKey: \"…\", // sent as x-api-key
}});
```

Without `invokeUrl`, requests go to the API's own host name. Every call takes path, query and header parameters by name, a
body, and `{{ headers, queryParams }}` to send beside them; it resolves to `{{ status, statusText, headers, data }}` and rejects
with an error that has `response` when the status is not 2xx. A method ANY sends GET unless `additionalParams.method` says
otherwise. Requests are not signed.

{calls}"
    )
}

#[cfg(test)]
mod tests;
