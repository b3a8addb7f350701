// A client for one stage of an API, without dependencies: it needs `fetch` (every browser, Node 18 and later).
//
//   const client = apigClientFactory.newClient({ apiKey: "…" });
//   client.petsPetIdGet({ petId: "7" }, null, { headers: { "x-trace": "1" } }).then((answer) => answer.data);
//
// Requests are not signed: methods with AWS_IAM authorization need a client that signs.
(function (root, factory) {
  const made = factory();
  if (typeof module === "object" && module.exports) module.exports = made;
  else root.apigClientFactory = made;
})(typeof self === "undefined" ? this : self, function () {
  "use strict";

  const INVOKE_URL = "@INVOKE_URL@";
  // name: [verb, path, query parameters, headers]
  const OPERATIONS = {
    "@OPERATIONS@": null,
  };

  function segment(name, params, path) {
    const value = params[name];
    if (value === undefined || value === null) throw new Error("parameter " + name + " of " + path + " is missing");
    return value;
  }

  // A greedy variable keeps its slashes.
  function fill(path, params) {
    return path.replace(/\{([^{}+]+)(\+?)\}/g, function (_, name, greedy) {
      const text = String(segment(name, params, path));
      return greedy ? text.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(text);
    });
  }

  function pick(names, params) {
    const picked = {};
    for (const name of names) if (params[name] !== undefined && params[name] !== null) picked[name] = params[name];
    return picked;
  }

  function search(values) {
    const pairs = new URLSearchParams();
    for (const name of Object.keys(values)) for (const value of [].concat(values[name])) pairs.append(name, value);
    const text = pairs.toString();
    return text && "?" + text;
  }

  function isRaw(body) {
    return typeof body === "string" || body instanceof ArrayBuffer || ArrayBuffer.isView(body) ||
      (typeof Blob !== "undefined" && body instanceof Blob);
  }

  function has(headers, wanted) {
    return Object.keys(headers).some((name) => name.toLowerCase() === wanted);
  }

  async function read(response) {
    const text = await response.text();
    const headers = Object.fromEntries(response.headers.entries());
    const json = /[/+]json\b/.test(headers["content-type"] || "");
    let data = text;
    if (json && text) {
      try { data = JSON.parse(text); } catch (_) { /* not JSON after all: the text stands */ }
    }
    return { status: response.status, statusText: response.statusText, headers: headers, data: data };
  }

  async function call(config, operation, params, body, additional) {
    const [verb, path, query, names] = operation;
    params = params || {};
    additional = additional || {};
    const headers = Object.assign({}, config.headers, pick(names, params), additional.headers);
    if (config.apiKey && !has(headers, "x-api-key")) headers["x-api-key"] = config.apiKey;
    const method = verb === "ANY" ? additional.method || "GET" : verb;
    const request = { method: method, headers: headers };
    const empty = body === undefined || body === null || body === "" || method === "GET" || method === "HEAD";
    if (!empty) {
      request.body = isRaw(body) ? body : JSON.stringify(body);
      if (!has(headers, "content-type")) headers["content-type"] = config.defaultContentType || "application/json";
    }
    if (!has(headers, "accept")) headers["accept"] = config.defaultAcceptType || "application/json";
    const base = String(config.invokeUrl || INVOKE_URL).replace(/\/+$/, "");
    const url = base + fill(path, params) + search(Object.assign(pick(query, params), additional.queryParams));
    const answer = await read(await (config.fetch || fetch)(url, request));
    if (answer.status >= 200 && answer.status < 300) return answer;
    const error = new Error("Request failed with status code " + answer.status);
    error.response = answer;
    throw error;
  }

  return {
    newClient: function (config) {
      const client = {};
      for (const name of Object.keys(OPERATIONS)) {
        client[name] = (params, body, additionalParams) => call(config || {}, OPERATIONS[name], params, body, additionalParams);
      }
      return client;
    },
  };
});
