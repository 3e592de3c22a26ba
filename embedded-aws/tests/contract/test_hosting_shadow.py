"""Shadow variants and data capture."""

from __future__ import annotations

import base64
import json
import re
import time

import pytest
from customer.shop import BUCKET, Shop, soon

from embedded_aws import EmbeddedAws


@pytest.fixture(scope="module")
def shop(aws: EmbeddedAws) -> Shop:
    return Shop(aws.client)


def capture(prefix: str, percent: int = 100, mode: tuple[str, ...] = ("Input", "Output"), **more):
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": percent,
        "DestinationS3Uri": f"s3://{BUCKET}/{prefix}",
        "CaptureOptions": [{"CaptureMode": one} for one in mode],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
        **more,
    }


def captured(shop, prefix):
    """Keys and decoded lines below a prefix."""
    rows = shop.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    keys = [row["Key"] for row in rows]
    lines = [
        json.loads(line)
        for key in keys
        for line in shop.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().splitlines()
    ]
    return keys, lines


def test_shadow_sees_what_production_sees_and_never_answers(shop):
    name = shop.endpoint(
        shop.variant("main", shop.model()),
        ShadowProductionVariants=[shop.variant("shade", shop.model(SLEEP="0.2"))],
        DataCaptureConfig=capture("shadowed"),
    )
    told = shop.describe(name)
    assert [v["VariantName"] for v in told["ShadowProductionVariants"]] == ["shade"]
    began = time.monotonic()
    ids = [f"id-{i}" for i in range(12)]
    for one in ids:
        assert shop.ask(name, {"echo": one}, InferenceId=one)["InvokedProductionVariant"] == "main"
    assert time.monotonic() - began < 12 * 0.2, "the shadow's slowness reached the caller"

    def both():
        _, lines = captured(shop, f"shadowed/{name}/")
        return len(lines) >= 24 and lines

    lines = soon(both)
    by_id = {}
    for line in lines:
        answer = json.loads(line["captureData"]["endpointOutput"]["data"])
        by_id.setdefault(line["eventMetadata"]["inferenceId"], set()).add(answer["name"])
    assert set(by_id) == set(ids)
    assert all(len(models) == 2 for models in by_id.values()), "each request, both models"
    with pytest.raises(Exception, match="Variant shade"):
        shop.ask(name, TargetVariant="shade")


def test_shadow_weight_is_its_sampling_ratio(shop):
    name = shop.endpoint(
        shop.variant("main", shop.model(), 2.0),
        ShadowProductionVariants=[shop.variant("shade", shop.model(), 0.5)],
        DataCaptureConfig=capture("quarter"),
    )
    shop.variants_asked(name, 200)

    def copies():
        _, lines = captured(shop, f"quarter/{name}/shade/")
        return len(lines)

    # Binomial, n = 200, p = 0.25, mean 50, sd 6.1: five of them either way.
    soon(lambda: copies() >= 19)
    time.sleep(2.5)  # two more writes, should there be more than there may be
    assert copies() <= 81


def test_captured_lines_have_the_layout_of_model_monitor(shop):
    name = shop.endpoint(
        shop.variant("main", shop.model()), DataCaptureConfig=capture("layout/below")
    )
    told = shop.describe(name)["DataCaptureConfig"]
    assert told["CaptureStatus"] == "Started"
    assert told["CurrentSamplingPercentage"] == 100
    shop.ask(name, {"raw": '{"y": 1}'}, InferenceId="seven", CustomAttributes="c=1")
    with pytest.raises(shop.rt.exceptions.ModelError):
        shop.ask(name, {"status": 500})
    shop.rt.invoke_endpoint(EndpointName=name, Body=b"1,2", ContentType="text/csv")

    def both():
        keys, lines = captured(shop, f"layout/below/{name}/main/")
        return len(lines) >= 2 and (keys, lines)

    keys, lines = soon(both)
    pattern = rf"layout/below/{name}/main/\d{{4}}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{{3}}-[0-9a-f-]{{36}}"
    assert all(re.fullmatch(pattern + r"\.jsonl", key) for key in keys)
    assert len(lines) == 2, "a request that the model refused is not captured"
    first, second = sorted(lines, key=lambda line: "inferenceId" not in line["eventMetadata"])
    assert first["eventVersion"] == "0"
    assert first["captureData"]["endpointInput"] == {
        "observedContentType": "application/json",
        "mode": "INPUT",
        "data": '{"raw": "{\\"y\\": 1}"}',
        "encoding": "JSON",
    }
    assert first["captureData"]["endpointOutput"]["data"] == '{"y": 1}'
    metadata = first["eventMetadata"]
    assert metadata["inferenceId"] == "seven"
    assert metadata["customAttributes"] == ["c=1"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["inferenceTime"])
    csv = second["captureData"]["endpointInput"]
    assert (csv["encoding"], base64.b64decode(csv["data"])) == ("BASE64", b"1,2")


def test_capture_takes_the_percentage_and_sides_asked_for(shop):
    name = shop.endpoint(
        shop.variant("main", shop.model()),
        DataCaptureConfig=capture("half", percent=50, mode=("Output",)),
    )
    shop.variants_asked(name, 200)
    shop.sm.delete_endpoint(EndpointName=name)
    soon(lambda: not shop.sm.list_endpoints(NameContains=name)["Endpoints"])
    _, lines = captured(shop, f"half/{name}/main/")  # deleting writes what was kept
    # Binomial, n = 200, p = 0.5, mean 100, sd 7.1: five of them either way.
    assert 64 <= len(lines) <= 136
    assert all(set(line["captureData"]) == {"endpointOutput"} for line in lines)


def test_capture_can_be_retained_over_an_update(shop):
    model = shop.model()
    name = shop.endpoint(shop.variant("main", model), DataCaptureConfig=capture("kept", 7))
    plain = shop.config(shop.variant("main", model))
    shop.update(name, plain, RetainAllVariantProperties=True)
    assert shop.wait(name)["DataCaptureConfig"]["CurrentSamplingPercentage"] == 7
    shop.update(name, plain)
    assert "DataCaptureConfig" not in shop.wait(name)
