"""DynamoDB transactions: all or nothing, and as quick on a full table as on an empty one."""

import time

import pytest
from botocore.exceptions import ClientError

TIME_SCALE = 1
TABLE = "transactions"


@pytest.fixture(scope="module")
def dynamodb(aws):
    client = aws.client("dynamodb")
    names = ("pk", "sk")
    client.create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": n, "KeyType": t}
            for n, t in zip(names, ("HASH", "RANGE"), strict=True)
        ],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def key(name):
    return {"pk": {"S": name}, "sk": {"S": "0"}}


def put(name, **conditions):
    return {"Put": {"TableName": TABLE, "Item": {**key(name), "n": {"N": "1"}}, **conditions}}


def add(name):
    return {
        "Update": {
            "TableName": TABLE,
            "Key": key(name),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


def delete(name):
    return {"Delete": {"TableName": TABLE, "Key": key(name)}}


def stands(client):
    items = client.scan(TableName=TABLE, ConsistentRead=True)["Items"]
    return {item["pk"]["S"]: int(item["n"]["N"]) for item in items if len(item["pk"]["S"]) < 5}


def test_a_cancelled_transaction_leaves_everything_as_it_was(dynamodb):
    dynamodb.transact_write_items(TransactItems=[put("old"), put("gone"), add("sum")])
    before = stands(dynamodb)
    assert before == {"old": 1, "gone": 1, "sum": 1}
    refused = put("old", ConditionExpression="attribute_not_exists(pk)")
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(
            TransactItems=[put("new"), add("sum"), delete("gone"), add("made"), refused]
        )
    reasons = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert reasons == ["None"] * 4 + ["ConditionalCheckFailed"]
    assert stands(dynamodb) == before
    with pytest.raises(ClientError, match="multiple operations on one item"):
        dynamodb.transact_write_items(TransactItems=[add("sum"), delete("gone"), add("sum")])
    assert stands(dynamodb) == before
    dynamodb.transact_write_items(TransactItems=[put("new"), add("sum"), delete("gone")])
    assert stands(dynamodb) == {"old": 1, "new": 1, "sum": 2}


def test_a_transaction_costs_what_it_touches(dynamodb):
    def seconds(name):
        begun = time.process_time()
        dynamodb.transact_write_items(TransactItems=[put(f"{name}-{n}") for n in range(50)])
        return time.process_time() - begun

    small = min(seconds(f"small-{n}") for n in range(3))
    for n in range(40):
        seconds(f"filling-{n}")
    large = min(seconds(f"large-{n}") for n in range(3))
    # The table grew from 150 to 2,300 items; copying it for each act cost fifteen times as much.
    assert large < 5 * small
