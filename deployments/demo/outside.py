"""What somebody outside of Sluice can see: S3, SageMaker and Prefect's API, nothing of our code."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from deployments.laptop.environment import Laptop
from deployments.laptop.processes import StackError
from deployments.laptop.resources import client
from deployments.laptop.sign_in import SignedIn

REGISTRY = "sluice-models"
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}
POLL_SECONDS = 0.5
PATIENT_TRIES = 10


class NotSo(Exception):
    """A step's claim does not hold."""


def claim(holds: bool, what: str) -> None:
    """Verify one fact.

    Raises:
        NotSo: it does not hold.
    """
    if not holds:
        raise NotSo(what)


class Patient(httpx.HTTPTransport):
    """Asks again where Prefect's own client does: a server on a busy SQLite answers 503."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, repeated while the server says that it cannot serve it now."""
        for _ in range(PATIENT_TRIES - 1):
            try:
                answer = super().handle_request(request)
            except httpx.ReadTimeout:
                continue
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer
            answer.close()
            time.sleep(1)
        return super().handle_request(request)


class Prefect:
    """Prefect's REST API: what the UI's buttons call."""

    def __init__(self, laptop: Laptop) -> None:
        variables = laptop.variables()
        api = variables["PREFECT_API_URL"]
        signed_in = SignedIn(api, variables.get("PREFECT_API_AUTH_STRING", ""))
        self._http = httpx.Client(base_url=api, timeout=60, transport=Patient(), auth=signed_in)
        self.ui = laptop.prefect_url

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def start(
        self,
        deployment: str,
        parameters: Mapping[str, Any],
        environment: Mapping[str, str] | None = None,
        validate: bool = True,
    ) -> str:
        """Press Run on a deployment; the run's id.

        Args:
            deployment: ``flow/name``.
            parameters: On top of the deployment's own.
            environment: Variables for this run's process alone.
            validate: Let the server hold the parameters against the form first.
        """
        record = self.deployment(deployment)
        # The key makes a repeated press one run: a busy server may answer 503 after having acted.
        flow_run = self._ok(
            self._http.post(
                f"/deployments/{record['id']}/create_flow_run",
                json={
                    "idempotency_key": str(uuid.uuid4()),
                    "parameters": {**record["parameters"], **parameters},
                    "enforce_parameter_schema": validate,
                    "job_variables": {"env": dict(environment)} if environment else {},
                },
            )
        )
        return str(flow_run["id"])

    def deployment(self, deployment: str) -> dict[str, Any]:
        """A deployment by ``flow/name``."""
        return dict(self._ok(self._http.get(f"/deployments/name/{deployment}")))

    def schedule_once(self, deployment: str, when: datetime, parameters: Mapping[str, Any]) -> None:
        """Add a schedule that comes due once."""
        rule = f"DTSTART:{when:%Y%m%dT%H%M%SZ}\nRRULE:FREQ=DAILY;COUNT=1"
        record = self.deployment(deployment)
        self._ok(
            self._http.post(
                f"/deployments/{record['id']}/schedules",
                json=[
                    {
                        "active": True,
                        "schedule": {"rrule": rule, "timezone": "UTC"},
                        "parameters": dict(parameters),
                    }
                ],
            )
        )

    def cancel(self, run: str) -> None:
        """Press Cancel on a run."""
        state = {"type": "CANCELLING", "name": "Cancelling"}
        self._ok(self._http.post(f"/flow_runs/{run}/set_state", json={"state": state}))

    def events(self, name: str) -> list[dict[str, Any]]:
        """Events of a name in the last hour."""
        page = self._ok(
            self._http.post("/events/filter", json={"filter": {"event": {"name": [name]}}})
        )
        return list(page["events"])

    def artifact(self, kind: str, model: str) -> dict[str, Any]:
        """The newest artifact of a kind of a model, of a run that nobody cancelled half way."""
        query = {
            "artifacts": {"key": {"like_": kind}},
            "flow_runs": {"state": {"type": {"not_any_": ["CANCELLED", "CANCELLING"]}}},
            "sort": "CREATED_DESC",
            "limit": 50,
        }
        artifacts = self._ok(self._http.post("/artifacts/filter", json=query))
        of_data = kind in {"contract", "snapshot"}  # named after the data set, not the model
        of_model = [item for item in artifacts if model in item["key"] or of_data]
        claim(bool(of_model), f"no {kind} page of {model} in the UI")
        return dict(of_model[0])

    def ended(self, run: str, seconds: float = 900) -> dict[str, Any]:
        """Wait for a run to end; the run."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            record = self._ok(self._http.get(f"/flow_runs/{run}"))
            if record["state_type"] in ENDED:
                return dict(record)
            time.sleep(POLL_SECONDS)
        raise NotSo(f"run {run} has not ended after {seconds:.0f} s")

    def completed(self, run: str, seconds: float = 900) -> str:
        """Wait for a run to complete; its message."""
        record = self.ended(run, seconds)
        message = str(record["state"].get("message") or "")
        claim(
            # A candidate that was rejected or taken back is of this type too, under its own name.
            (record["state_type"], record["state_name"]) == ("COMPLETED", "Completed"),
            f"{record['name']} ended {record['state_name']}: {message[:500]}",
        )
        return message

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        """Runs of a deployment, newest first."""
        flow, name = deployment.split("/")
        page = self._ok(
            self._http.post(
                "/flow_runs/filter",
                json={
                    "flows": {"name": {"any_": [flow]}},
                    "deployments": {"name": {"any_": [name]}},
                    "sort": "EXPECTED_START_TIME_DESC",
                    "limit": 50,
                },
            )
        )
        return list(page)

    def wait_for_run(self, deployment: str, earlier: set[str], seconds: float = 600) -> str:
        """Wait for a run that somebody else starts; its id."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            fresh = [
                run
                for run in self.runs(deployment)
                if run["id"] not in earlier and run["state_type"] != "SCHEDULED"
            ]
            if fresh:
                return str(fresh[0]["id"])
            time.sleep(POLL_SECONDS)
        raise NotSo(f"nobody started {deployment} within {seconds:.0f} s")

    def running(self, run: str, seconds: float = 600) -> str:
        """Wait for a run to be under way (or over); its name, which tells model and reason."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            record = self._ok(self._http.get(f"/flow_runs/{run}"))
            if record["state_type"] in {"RUNNING", *ENDED}:
                return str(record["name"])
            time.sleep(POLL_SECONDS)
        raise NotSo(f"run {run} has not begun after {seconds:.0f} s")

    def state(self, run: str) -> str:
        """State type of a run."""
        return str(self._ok(self._http.get(f"/flow_runs/{run}"))["state_type"])

    def artifacts(self, run: str) -> list[str]:
        """Keys of the artifacts of a run and of the runs that it started."""
        runs = [run, *self._children(run)]
        pages = self._ok(
            self._http.post(
                "/artifacts/filter",
                json={"artifacts": {"flow_run_id": {"any_": runs}}, "limit": 200},
            )
        )
        return sorted({item["key"] for item in pages})

    def _children(self, run: str) -> list[str]:
        children = self._ok(
            self._http.post(
                "/flow_runs/filter", json={"flow_runs": {"parent_flow_run_id": {"any_": [run]}}}
            )
        )
        return [item["id"] for item in children]

    def _ok(self, answer: httpx.Response) -> Any:
        if answer.is_error:
            raise StackError(
                f"Prefect answered {answer.status_code} to {answer.request.url}: "
                f"{answer.text[:300]}. Next: read the server's log."
            )
        return answer.json()


class Outside:
    """S3 and SageMaker, asked directly."""

    def __init__(self, laptop: Laptop) -> None:
        variables = laptop.variables()
        self._s3 = client("s3", variables)
        self._sagemaker = client("sagemaker", variables)
        self.runtime = client("sagemaker-runtime", variables)
        self._cloudfront = client("cloudfront", variables)
        self._distribution = variables["SLUICE_DISTRIBUTION_ID"]

    def close(self) -> None:
        """Close the connections."""
        for connection in (self._s3, self._sagemaker, self.runtime, self._cloudfront):
            connection.close()

    def pointer(self, model: str) -> dict[str, Any]:
        """``latest.json`` as a client of the CDN reads it."""
        body = self._s3.get_object(Bucket=REGISTRY, Key=f"{model}/latest.json")["Body"].read()
        return dict(json.loads(body))

    def latest(self, model: str) -> dict[str, Any]:
        """The pointer; empty when nothing serves yet."""
        try:
            return self.pointer(model)
        except self._s3.exceptions.NoSuchKey:
            return {}

    def document(self, model: str, version: str, path: str) -> dict[str, Any]:
        """A JSON file of a version."""
        key = f"{model}/{version}/{path}"
        body = self._s3.get_object(Bucket=REGISTRY, Key=key)["Body"].read()
        return dict(json.loads(body))

    def verified_bundle(self, model: str, version: str) -> int:
        """Download every file of a bundle and compare hashes; number of files."""
        prefix = f"{model}/{version}/"
        body = self._s3.get_object(Bucket=REGISTRY, Key=f"{prefix}manifest.json")["Body"].read()
        files = json.loads(body)["files"]
        for file in files:
            content = self._s3.get_object(Bucket=REGISTRY, Key=prefix + file["path"])["Body"].read()
            claim(
                hashlib.sha256(content).hexdigest() == file["sha256"],
                f"{model} {version}: {file['path']} differs from its manifest",
            )
        return len(files)

    def newest_version(self, model: str) -> str:
        """The newest version with a manifest."""
        return self.versions(model)[-1]

    def versions(self, model: str) -> list[str]:
        """Every version with a manifest, oldest first; what begins with ``vv`` is an alias."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=REGISTRY, Prefix=f"{model}/v"
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        folders = {str(key).split("/")[1] for key in keys if key.endswith("/manifest.json")}
        return sorted(folder for folder in folders if not folder.startswith("vv"))

    def serving(self, model: str) -> dict[str, float]:
        """Weight of each variant of the model's endpoint, which must be in service."""
        endpoint = self._sagemaker.describe_endpoint(EndpointName=f"sluice-{model}")
        claim(
            endpoint["EndpointStatus"] == "InService", f"endpoint is {endpoint['EndpointStatus']}"
        )
        return {
            item["VariantName"]: item["CurrentWeight"] for item in endpoint["ProductionVariants"]
        }

    def only_serves(self, model: str, version: str) -> None:
        """Verify that the endpoint serves one version and nothing else."""
        variants = self.serving(model)
        name = version.replace("_", "-").replace(".", "-")
        variant = name if name.startswith("v") else f"v{name}"  # 1.4.0 serves as v1-4-0
        claim(set(variants) == {variant}, f"endpoint serves {variants}, not {variant} alone")

    def jobs(self) -> list[str]:
        """Names of all training jobs (evaluations left out)."""
        pages = self._sagemaker.get_paginator("list_training_jobs").paginate()
        return [
            item["TrainingJobName"]
            for page in pages
            for item in page["TrainingJobSummaries"]
            if "-eval-" not in item["TrainingJobName"]
        ]

    def invalidations(self) -> int:
        """How often the CDN was told to forget."""
        page = self._cloudfront.list_invalidations(DistributionId=self._distribution)
        return len(page["InvalidationList"].get("Items", []))
