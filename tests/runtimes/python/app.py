"""Handlers for test_runtime_clients.py: the event says what to do."""
import json
import os
import sys
import time

if os.environ.get("INIT") == "raise":
    raise ValueError("init as told")
if os.environ.get("INIT") == "exit":
    os._exit(7)
print("loaded")


def command(event, context):
    print("got", json.dumps(event))
    what = event.get("do") if isinstance(event, dict) else None
    if what == "raise":
        raise ValueError("as told")
    if what == "exit":
        os._exit(event["code"])
    if what == "sleep":
        began = time.time()
        time.sleep(event["seconds"])
        return {"began": began, "ended": time.time(), "process": os.getpid(), "log_stream": context.log_stream_name}
    if what == "large":
        return "x" * event["size"]
    if what == "context":
        return {"request_id": context.aws_request_id, "arn": context.invoked_function_arn, "name": context.function_name,
                "version": context.function_version, "memory": int(context.memory_limit_in_mb), "log_group": context.log_group_name,
                "log_stream": context.log_stream_name, "deadline": time.time() * 1000 + context.get_remaining_time_in_millis(),
                "trace": os.environ.get("_X_AMZN_TRACE_ID"), "custom": context.client_context and context.client_context.custom, "process": os.getpid(),
                "client": sys.modules["__main__"].__file__}
    return event
