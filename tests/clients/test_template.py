"""`stagecoach template render`: a mapping template tried offline, with what it sees given on the command line."""
import json
import subprocess

import pytest
from conftest import BIN


def render(directory, text, *flags, body=None):
    template = directory / "template.vtl"
    template.write_text(text)
    words = [BIN, "template", "render", str(template), *flags] + (["--body", "-"] if body is not None else [])
    return subprocess.run(words, input=body, capture_output=True, text=True, timeout=20)


def test_a_template_sees_everything_that_is_given(tmp_path):
    body = tmp_path / "body.json"
    body.write_text('{"pets": [{"name": "Rex"}, {"name": "Bella"}]}')
    text = """#set($context.responseOverride.status = 201)
#set($context.requestOverride.header["x-pets"] = ["a", "b"])
{"pets": [#foreach($pet in $input.path('$.pets'))"$pet.name"#if($foreach.hasNext),#end#end],
"id": "$input.params('id')", "sort": "$input.params().querystring.sort", "tenant": "$input.params('X-Tenant')",
"who": "$context.authorizer.claims.sub", "from": "$context.identity.sourceIp", "verb": "$context.httpMethod", "stage": "$stageVariables.host"}"""

    done = render(tmp_path, text, "--body", str(body),
                  "--params", '{"path": {"id": 7}, "querystring": {"sort": "asc"}, "header": {"x-tenant": "t"}}',
                  "--context", '{"httpMethod": "GET", "identity": {"sourceIp": "192.0.2.1"}, "authorizer": {"claims": {"sub": "u1"}}}',
                  "--stage-variables", '{"host": "h"}')

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"pets": ["Rex", "Bella"], "id": "7", "sort": "asc", "tenant": "t", "who": "u1", "from": "192.0.2.1",
                                       "verb": "GET", "stage": "h"}
    assert done.stderr.splitlines() == ["requestOverride.header.x-pets: a, b", "responseOverride.status: 201"]


def test_the_body_may_come_from_standard_input(tmp_path):
    done = render(tmp_path, "$input.json('$.a') $input.body", body='{"a": [1, 2.50]}')

    assert (done.returncode, done.stdout) == (0, '[1,2.50] {"a": [1, 2.50]}')


@pytest.mark.parametrize("text, problem", [
    ("{\n  #if($x)\n}", "`#if` without `#end` at line 3, column 2"),
    ("a\n$util.parseJson('{')", "$util.parseJson was given no JSON at line 2, column 1"),
    ("#foreach($i in [1..3])\n  $i $input.path('$[')#end", "the JSON path `$[` is malformed at line 2, column 6"),
    ("#foreach($i in [1..2000])$i#end", "a #foreach runs more than 1000 times at line 1, column 1"),
])
def test_what_is_wrong_is_told_with_its_place(tmp_path, text, problem):
    done = render(tmp_path, text)

    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.strip() == f"stagecoach: {tmp_path / 'template.vtl'}: {problem}"


@pytest.mark.parametrize("flags, problem", [
    (("--params", "{"), "--params is not JSON"), (("--context", "[]"), "--context is not a JSON object"),
    (("--params", '{"query": {}}'), "`query` is not one of path, querystring and header"), (("--body", "nowhere.json"), "cannot read nowhere.json")])
def test_flags_that_make_no_sense_are_named(tmp_path, flags, problem):
    done = render(tmp_path, "x", *flags)

    assert done.returncode == 1 and problem in done.stderr
