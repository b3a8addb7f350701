//! The objects API Gateway gives templates.

#[path = "sources.rs"]
mod sources;

use super::*;
use crate::template::Template;

/// A request to `/pets/{petId}`.
struct Request {
    body: &'static str,
    variables: BTreeMap<String, String>,
}

const PARAMETERS: [(Place, &str, &str); 4] = [
    (Place::Path, "petId", "7"),
    (Place::Query, "petId", "8"),
    (Place::Query, "sort", "asc"),
    (Place::Header, "x-tenant", "t"),
];

impl Facts for Request {
    fn body(&self) -> Cow<'_, str> {
        self.body.into()
    }

    fn parameter(&self, place: Place, name: &str) -> Option<Cow<'_, str>> {
        let found = |known: &str| if place == Place::Header { known.eq_ignore_ascii_case(name) } else { known == name };
        PARAMETERS.iter().find(|(at, known, _)| *at == place && found(known)).map(|(_, _, value)| (*value).into())
    }

    fn parameters(&self, place: Place) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        PARAMETERS
            .iter()
            .filter(|(at, ..)| *at == place)
            .map(|(_, name, value)| ((*name).into(), (*value).into()))
            .collect()
    }

    fn context(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "stage" => Some("dev".into()),
            "identity.sourceIp" => Some("127.0.0.1".into()),
            "requestTimeEpoch" => Some("1700000000123".into()),
            _ => None,
        }
    }

    fn stage_variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }
}

fn render(body: &'static str, text: &str) -> Result<String, RenderError> {
    overriding(body, text, &mut Overrides::default())
}

fn overriding(body: &'static str, text: &str, overrides: &mut Overrides) -> Result<String, RenderError> {
    let variables = BTreeMap::from([("color".to_owned(), "blue".to_owned())]);
    let template = Template::parse(text).unwrap();
    transform(&template, &Request { body, variables }, overrides, &Limits::default())
}

/// rest-data-plane §5.2 [D, V common/test_input_body_formatting, common/test_input_path_template_formatting]
#[test]
fn input_gives_body_json_paths_and_parameters() {
    const BODY: &str = r#"{"a": {"n": 1.0, "s": "x\"y"}, "l": [{"foo": "bar"}, 2], "e": [], "f": false}"#;
    for (text, output) in [
        ("$input.body", BODY),
        ("$input.body.some", ""),
        ("$input.json('$')", r#"{"a":{"n":1.0,"s":"x\"y"},"l":[{"foo":"bar"},2],"e":[],"f":false}"#),
        ("$input.json('$.a.s')", r#""x\"y""#),
        ("$input.json('$.none')", r#""""#),
        ("$input.path('$.a.s')", r#"x"y"#),
        ("$input.path('$.a')", r#"{n=1.0, s=x"y}"#),
        ("$input.path('$')", r#"{a={n=1.0, s=x"y}, l=[{"foo":"bar"},2], e=[], f=false}"#),
        ("$input.path('$.l')", r#"[{"foo":"bar"},2]"#),
        ("$input.path('$.l')[0] $input.path('$').l.get(0).foo", "{foo=bar} bar"),
        ("[$input.path('$.e')][$input.path('$.none')]", "[[]][]"),
        ("#if($input.path('$.none') == $null && $input.path('$.none') == '')y#end", "y"),
        ("#if($input.path('$.e') == '')y#{else}n#end", "n"),
        ("$input.params('petId') $input.params('sort') $input.params('X-Tenant') [$input.params('z')]", "7 asc t []"),
        ("$input.params().querystring.petId $input.params().header.get('X-Tenant')", "8 t"),
        ("#foreach($p in $input.params().keySet())$p #end", "path querystring header "),
        (
            "$stageVariables.color $stageVariables['color'] $stageVariables.get('color') [${stageVariables.x}]",
            "blue blue blue []",
        ),
    ] {
        assert_eq!(render(BODY, text).as_deref(), Ok(output), "{text}");
    }
    for (body, text, output) in [
        ("", "$input.body $input.json('$') [$input.path('$')][$input.path('$.a')]", "{} {} [][]"),
        ("plain", "$input.body [$input.path('$')]$input.json('$.a')", r#"plain []"""#),
        ("[1, 2]", "#foreach($n in $input.path('$'))$n;#end", "1;2;"),
    ] {
        assert_eq!(render(body, text).as_deref(), Ok(output), "{text}");
    }
}

/// rest-data-plane §5.2
#[test]
fn util_converts_texts() {
    for (text, output) in [
        (r#"$util.escapeJavaScript("it's a $input.body")"#, r#"it\'s a {\"some\": \"value\"}"#),
        ("$util.escapeJavaScript('a\n\u{1}é/\\')", r"a\n\u0001\u00E9\/\\"),
        ("$util.urlEncode($input.body)", "%7B%22some%22%3A+%22value%22%7D"),
        ("$util.urlDecode('a+b%C3%A9')", "a bé"),
        ("$util.base64Encode('hé') $util.base64Decode('aMOp') $util.base64Decode('aA')", "aMOp hé h"),
        ("$util.parseJson('{\"a\": [1]}').a", "[1]"),
        ("$util.parseJson($input.body).some", "value"),
        ("$util.base64Encode($input.path('$'))", "eyJzb21lIjoidmFsdWUifQ=="),
        ("[$util.escapeJavaScript($none)][$util.toJson($input.body)]", "[][]"),
    ] {
        assert_eq!(render(r#"{"some": "value"}"#, text).as_deref(), Ok(output), "{text}");
    }
    for bad in ["$util.parseJson('{')", "$util.urlDecode('%x')", "$input.path('$.[')"] {
        assert!(render("{}", bad).is_err(), "{bad}");
    }
}

/// rest-data-plane §5.4 [V sqs/test_sqs_amz_json_protocol]
#[test]
fn context_has_the_recorded_members_in_the_recorded_order() {
    let keys = render("", "#foreach($k in $context.keySet())$k #end").unwrap();

    assert_eq!(
        keys,
        "resourceId resourcePath httpMethod extendedRequestId requestTime path accountId protocol requestOverride stage \
         domainPrefix requestTimeEpoch requestId identity domainName deploymentId responseOverride apiId "
    );
    let output =
        render("", "$context.stage $context.identity.sourceIp [$context.identity.caller][$context.get('identity')]");
    assert_eq!(output.as_deref(), Ok("dev 127.0.0.1 [][]"));
    assert_eq!(render("", "#set($s = $context.requestTimeEpoch / 1000)$s").as_deref(), Ok("1700000000"));
}

/// What answers one member must answer it as the whole map would.
#[test]
fn members_of_context_are_the_same_with_and_without_the_map() {
    let keys = render(
        "",
        "#foreach($k in $context.keySet())$k #end#foreach($k in $context.identity.keySet())identity.$k #end",
    );
    let keys = keys.unwrap();
    let more =
        "isCanaryRequest awsEndpointRequestId identity.apiKey identity.vpceId identity.none none authorizer.claims.sub";

    for name in keys.split(' ').chain(more.split(' ')).filter(|name| !name.is_empty()) {
        let alone = render("", &format!("[$context.{name}][$context.{name}.x]"));
        let from_map = render("", &format!("#set($c = $context)[$c.{name}][$c.{name}.x]"));
        assert_eq!(alone, from_map, "{name}");
    }
    assert_eq!(
        render("", "$stageVariables.color [$stageVariables.x]$stageVariables.color.length()").as_deref(),
        Ok("blue []4")
    );
}

/// rest-data-plane §5.5 [V integrations/test_integration_mock_with_vtl_map_assignation]
#[test]
fn overrides_are_collected_whatever_way_they_are_made() {
    let mut overrides = Overrides::default();

    let text = r#"#set($context.responseOverride.status = 404)#set($context["responseOverride"].header["x"] = "y")
        $context.responseOverride.header.put("z", ["1", "2"])#set($m = $context.requestOverride.path)$m.put("id", 7)
        #set($q = {"a": "b"})#set($context.requestOverride.querystring = $q)#set($context.requestOverride.header.h = $null)"#;
    overriding("", text, &mut overrides).unwrap();

    let pair =
        |name: &str, values: &[&str]| (name.to_owned(), values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>());
    assert_eq!(overrides.status, Some(404));
    assert_eq!(overrides.response_header, [pair("x", &["y"]), pair("z", &["1", "2"])]);
    assert_eq!((&overrides.path, &overrides.querystring), (&vec![pair("id", &["7"])], &vec![pair("a", &["b"])]));
    assert_eq!(overrides.header, []);
    let seen = overriding("", "$context.requestOverride.path.id $context.responseOverride.status", &mut overrides);
    assert_eq!(seen.as_deref(), Ok("7 404"));
    assert_eq!(overrides.response_header.len(), 2);
}

/// rest-data-plane §5.5: an integer of 100–599, everything else is ignored.
#[test]
fn a_status_that_is_none_is_ignored() {
    for status in ["99", "600", "'404'", "404.0", "true", "[404]", "-1"] {
        let mut overrides = Overrides::default();

        overriding("", &format!("#set($context.responseOverride.status = {status})"), &mut overrides).unwrap();

        assert_eq!(overrides.status, None, "{status}");
    }
}

/// rest-data-plane §5.5 [D overrides]: a template may override a parameter once; the response template may override
/// again what the request template did.
#[test]
fn overriding_a_parameter_twice_fails() {
    let twice = |set: &str| format!("#set($context.{set} = 404)#set($context.{set} = 405)");
    let branches =
        "#if(true)#set($context.responseOverride.status = 404)#{else}#set($context.responseOverride.status = 405)#end";

    for set in ["responseOverride.status", "responseOverride.header.a", "requestOverride.path.a"] {
        assert!(render("", &twice(set)).is_err(), "{set}");
    }
    let mut overrides = Overrides::default();
    for status in [404, 405] {
        let text =
            format!("#set($context.responseOverride.status = {status})#set($context.responseOverride.header.a = 1)");
        overriding("", &text, &mut overrides).unwrap();
        assert_eq!(overrides.status, Some(status));
    }
    assert!(render("", branches).is_ok());
}

/// AWS takes bodies of 10 MB, and so must templates that walk all of one.
#[test]
fn large_bodies_and_long_lists_fit() {
    let pets = format!("[{}]", vec![r#"{"id":1,"name":"abc"}"#; 200_000].join(","));
    let body: &'static str = pets.leak();
    let ids =
        "#set($seen = [])#foreach($i in [1..1000])#if(!$seen.contains($i))#set($x = $seen.add($i))#end#end$seen.size()";

    assert_eq!(render(body, "$input.json('$')").as_deref(), Ok(body));
    assert_eq!(render(body, "$input.path('$..id').size()").as_deref(), Ok("200000"));
    assert_eq!(render("", ids).as_deref(), Ok("1000"));
}
