"""Does jobs from a queue; a bad one fails alone."""

from typing import Any

from shared import table  # type: ignore[import-not-found]  # a layer of the stack


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = []
    for record in event["Records"]:
        if record["body"] == "bad":
            failed.append({"itemIdentifier": record["messageId"]})
        else:
            table().put_item(Item={"pk": "JOBS", "sk": record["body"]})
    return {"batchItemFailures": failed}
