"""A function behind an API: stagecoach dev examples/hello/api.yaml --function hello=examples/hello/hello.py"""
import json


def handler(event, context):
    name = (event.get("queryStringParameters") or {}).get("name", "world")
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"hello": name, "function": context.function_name}),
    }
