//! What was in doubt, each case with its source.

use super::render;

/// rest-data-plane §3.8 cites the guide's quotas, which read: "Number of iterations in a `#foreach ... #end` loop in mapping
/// templates: 1000". So it is each run of a loop that may have 1,000 rounds, not all loops of a template together.
#[test]
fn d_quotas_a_thousand_rounds_are_for_a_loop() {
    let twice = |rounds: u32| {
        format!("#foreach($i in [1..1000])#end#foreach($i in [1..2])#foreach($j in [1..{rounds}])#end#end")
    };

    assert_eq!(render("", &twice(1000)).as_deref(), Ok(""));
    let failed = render("", &twice(1001)).unwrap_err().to_string();
    assert_eq!(failed, "a #foreach runs more than 1000 times at line 1, column 52");
}

/// rest-data-plane §5.2: JSON text of the match, two quotes without one. Null matches: its JSON text is `null`.
#[test]
fn s52_input_json_tells_null_from_nothing() {
    const BODY: &str = r#"{"a": null, "b": [null], "c": {"d": null}}"#;
    for (path, output) in [
        ("$.a", "null"),
        ("$.b[0]", "null"),
        ("$.b", "[null]"),
        ("$.c", r#"{"d":null}"#),
        ("$.none", r#""""#),
        ("$.a.none", r#""""#),
        ("$..d", "[null]"),
    ] {
        assert_eq!(render(BODY, &format!("$input.json('{path}')")).as_deref(), Ok(output), "{path}");
    }
    // [V common/test_input_path_template_formatting]: through path() both print nothing.
    assert_eq!(render(BODY, "[$input.path('$.a')$input.path('$.none')]").as_deref(), Ok("[]"));
    assert_eq!(render("null", "$input.json('$')").as_deref(), Ok("\"\""));
}

/// rest-data-plane §5.2, §13.2: commons-lang's set, with `\'` [D]: quotes, backslash, slash, control characters by their
/// short names or in hexadecimal, and everything from U+007F on as UTF-16 units in capitals.
#[test]
fn s132_escape_java_script_escapes_the_set_of_commons_lang() {
    let of = |text: &str| render("", &format!("$util.escapeJavaScript('{text}')"));

    assert_eq!(of("\"''\\/").as_deref(), Ok(r#"\"\'\\\/"#));
    assert_eq!(of("\n\r\t\u{8}\u{c}").as_deref(), Ok(r"\n\r\t\b\f"));
    assert_eq!(of("\u{0}\u{1}\u{b}\u{1f}\u{7f}").as_deref(), Ok(r"\u0000\u0001\u000B\u001F\u007F"));
    assert_eq!(of("é ✓ 😀").as_deref(), Ok(r"\u00E9 \u2713 \uD83D\uDE00"));
    assert_eq!(of(" !%&()*+,-.09:;<=>?@AZ[]^_`az{|}~").as_deref(), Ok(" !%&()*+,-.09:;<=>?@AZ[]^_`az{|}~"));
    // The guide's own remedy for the apostrophe.
    assert_eq!(render("", r#"$util.escapeJavaScript("it's").replaceAll("\\'", "'")"#).as_deref(), Ok("it's"));
}

/// Velocity 1.7 skips `#set($a = $none)`. On AWS a reference to nothing is not null but as the empty string: it is true in
/// `#if`, and the key of `{$none: "foo"}` is empty [VT test_if_statement_considers_None_to_be_truthy,
/// test_dict_assign_var_not_found]; so there is something to assign.
#[test]
fn vt_assigning_nothing_replaces_what_was_there() {
    for (text, output) in [
        ("#set($a = 1)#set($a = $none)[$a]", "[]"),
        ("#set($m = {'a': 1})#set($m.a = $none)[$m.a]$m.containsKey('a')", "[]true"),
        ("#foreach($k in ['x', 'y'])#set($v = $input.path('$').get($k))[$v]#end", "[1][]"),
        ("#set($a = 1)#set($a = $none)#if($a == '' && $a == $null)y#end", "y"),
    ] {
        assert_eq!(render(r#"{"x": 1}"#, text).as_deref(), Ok(output), "{text}");
    }
}

/// rest-data-plane §5.6, §5.8: Velocity 1.7 lets the exception of `List.get` end the rendering, also for `$list[9]`;
/// indexes below zero count from the end, methods do not know them.
#[test]
fn s58_positions_outside_a_list_end_the_rendering() {
    for text in
        ["$l.get(2)", "$l.get(-1)", "$l[2]", "$l[-3]", "$input.path('$.e')[0]", "#set($l[2] = 1)", "$l.remove(2)"]
    {
        let failed = render(r#"{"e": []}"#, &format!("#set($l = [1, 2]){text}")).unwrap_err();
        assert!(failed.to_string().starts_with("an index is out of bounds at line 1"), "{text}: {failed}");
    }
    let inside = render(r#"{"e": []}"#, "#set($l = [1, 2])$l[-1]$l[-2]$l.get(0) [$none[9]][$input.path('$.none')[0]]");
    assert_eq!(inside.as_deref(), Ok("211 [][]"));
}

/// rest-data-plane §5.2, §3.1: parameters of paths and query strings by their exact name; headers whatever the case, in
/// `params('x')` and in `params().header`, since HTTP/2 and what parses HTTP/1 leave names in lower case.
#[test]
fn s52_only_headers_are_found_whatever_their_case() {
    for (text, output) in [
        ("$input.params('X-TENANT')$input.params('x-tenant')", "tt"),
        (
            "$input.params().header.X-Tenant$input.params().header['x-TENANT']$input.params().header.get('x-tenant')",
            "ttt",
        ),
        ("[$input.params('PetId')][$input.params('Sort')]", "[][]"),
        ("[$input.params().path.petid$input.params().querystring.get('SORT')]", "[]"),
    ] {
        assert_eq!(render("", text).as_deref(), Ok(output), "{text}");
    }
}

/// The guide on `$input.path(x)` and on `$util.parseJson()` [D api-gateway-mapping-template-reference].
#[test]
fn d_mapping_template_reference_examples_render() {
    let pets = r#"{"pets": [{"id": 1, "price": 249.99}, {"id": 2, "price": 124.99}, {"id": 3, "price": 0.99}]}"#;
    let error = r#"{"errorMessage":"{\"key1\":\"var1\",\"key2\":{\"arr\":[1,2,3]}}"}"#;
    let parse = "#set ($errorMessageObj = $util.parseJson($input.path('$.errorMessage')))$errorMessageObj.key2.arr[0]";
    let things = r#"{"things": {"1": {}, "2": {}, "3": {}}}"#;

    assert_eq!(render(pets, "$input.path('$.pets').count()").as_deref(), Ok("3"));
    assert_eq!(render(error, parse).as_deref(), Ok("1"));
    assert_eq!(
        render(things, "$input.path('$.things').size()$input.json('$.things')").as_deref(),
        Ok(r#"3{"1":{},"2":{},"3":{}}"#)
    );
}
