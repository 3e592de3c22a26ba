"""Flows as ECS tasks: the worker starts what the pool says, the pool what an installation says."""

import asyncio

import pytest
import yaml

from deployments.ecs import pool
from deployments.ecs.__main__ import VALUES, main
from tasks.errors import InvalidSetting
from tasks.settings import Settings, settings

NAME = "sluice-ecs"
ENVIRONMENT = {"SLUICE_LAKE_BUCKET": "our-lake"}


@pytest.fixture(scope="module")
def prefect_server():
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=300):
        yield


def values(**changes):
    return {**yaml.safe_load(VALUES.read_text("utf-8")), **changes}


def on_server():
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.read_work_pool(NAME)


def test_the_values_in_the_box_are_ones_that_the_worker_takes() -> None:
    assert pool.read(VALUES)["env"]["SLUICE_HOME"] == "/opt/sluice"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cpu: 1024\ncpu: 2048\n", "'cpu' stands in line 1 already"),
        ("env: {A: '1', A: '2'}\n", "'A' stands in line 1 already"),
        ("env: &e {A: *e}\n", "inside the value that it names"),
    ],
)
def test_values_that_say_two_things_are_refused_with_their_line(tmp_path, text, message) -> None:
    (tmp_path / "pool.yaml").write_text(text)
    with pytest.raises(InvalidSetting, match=rf"pool\.yaml: .*{message}"):
        pool.read(tmp_path / "pool.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"imagge": "x"}, "'imagge', which Prefect's ECS worker does not know"),
        ({"cpu": "many"}, r"cpu='many'"),
        ({"launch_type": "LAMBDA"}, r"launch_type='LAMBDA'"),
        ({"aws_credentials": {"aws_access_key_id": "a"}}, "'aws_credentials': the worker finds"),
        ({"env": {"AWS_SECRET_ACCESS_KEY": "x"}}, "the secret AWS_SECRET_ACCESS_KEY in env"),
        ({"env": {"PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true"}}, "with its first look"),
    ],
)
def test_what_the_worker_would_not_take_is_refused(changes, message) -> None:
    with pytest.raises(InvalidSetting, match=message):
        pool.checked(values(**changes), "pool.yaml")


@pytest.mark.parametrize(
    ("image", "by_digest", "message"),
    [
        ("registry/flows:latest", False, "pushed last"),
        ("registry/flows:1", True, "by its digest"),
        (None, False, "no address"),
    ],
)
def test_an_image_that_moves_is_refused(image, by_digest, message) -> None:
    with pytest.raises(InvalidSetting, match=message):
        pool.require_fixed_image(values(image=image), "pool.yaml", by_digest=by_digest)
    pool.require_fixed_image(values(), "pool.yaml", by_digest=False)


@pytest.mark.parametrize("text", ["- a list", "a: [", None])
def test_a_file_that_is_none_is_refused(tmp_path, text) -> None:
    path = tmp_path / "pool.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InvalidSetting, match=r"pool\.yaml"):
        pool.read(path)


def test_a_container_gets_the_settings_that_somebody_set_and_no_machine_of_its_own(monkeypatch):
    monkeypatch.setenv("SLUICE_LAKE_BUCKET", "our-lake")
    monkeypatch.setenv("SLUICE_TIME_SCALE", "60")
    monkeypatch.setenv("SLUICE_CACHE_DIR", "/here/only")
    assert pool.environment(Settings()) == ENVIRONMENT


def test_the_template_is_prefects_with_our_values_and_a_files_environment_wins() -> None:
    from prefect_aws import ECSWorker

    made = pool.template(values(env={"SLUICE_LAKE_BUCKET": "another"}), ENVIRONMENT)
    variables = made["variables"]["properties"]
    assert variables["cluster"]["default"] == "sluice"
    assert variables["env"]["default"] == {"SLUICE_LAKE_BUCKET": "another"}
    assert (
        made["job_configuration"]
        == (ECSWorker.get_default_base_job_template()["job_configuration"])
    )


@pytest.mark.timeout(600)  # starts a Prefect server
def test_applied_twice_there_is_one_pool_and_what_a_person_set_stays(
    prefect_server, monkeypatch, capsys
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolUpdate

    assert main(["--pool", NAME]) == 0
    assert "created" in capsys.readouterr().out
    with get_client(sync_client=True) as client:
        client.update_work_pool(NAME, WorkPoolUpdate(concurrency_limit=3))
    monkeypatch.setenv("SLUICE_LAKE_BUCKET", "our-lake")
    settings.cache_clear()
    assert main(["--pool", NAME]) == 0
    assert "updated" in capsys.readouterr().out
    there = on_server()
    assert (there.type, there.concurrency_limit) == ("ecs", 3)
    told = there.base_job_template["variables"]["properties"]["env"]["default"]
    assert told == {**values()["env"], **ENVIRONMENT}


@pytest.mark.timeout(600)
def test_a_pool_of_another_kind_and_values_that_do_not_fit_are_refused(
    prefect_server, tmp_path, capsys
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate

    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="by-process", type="process"))
    assert main(["--pool", "by-process"]) == 1
    assert "starts runs as 'process'" in capsys.readouterr().err
    lacking = {k: v for k, v in values().items() if k != "execution_role_arn"}
    path = tmp_path / "pool.yaml"
    path.write_text(yaml.safe_dump(lacking))
    assert main(["--pool", "lacking", "--values", str(path)]) == 1
    assert "execution_role_arn" in capsys.readouterr().err
    with get_client(sync_client=True) as client:
        assert "lacking" not in {there.name for there in client.read_work_pools()}


@pytest.mark.timeout(600)
def test_the_worker_starts_on_aws_what_the_pool_says(prefect_server, aws, aws_environment) -> None:
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName="sluice")
    pool.apply("started", pool.template(values(), ENVIRONMENT))

    task = asyncio.run(_start("started"))

    cluster, arn = task.split("::")
    [told] = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
    definition = ecs.describe_task_definition(taskDefinition=told["taskDefinitionArn"])
    [container] = definition["taskDefinition"]["containerDefinitions"]
    assert container["image"] == values()["image"]
    assert container["logConfiguration"]["logDriver"] == "awslogs"
    assert definition["taskDefinition"]["executionRoleArn"] == values()["execution_role_arn"]
    [override] = told["overrides"]["containerOverrides"]
    variables = {entry["name"]: entry["value"] for entry in override["environment"]}
    assert variables.items() >= {**ENVIRONMENT, **values()["env"]}.items()
    assert told["overrides"]["taskRoleArn"] == values()["task_role_arn"]


@pytest.mark.timeout(600)
def test_a_kept_result_would_answer_a_second_look(prefect_server) -> None:
    """Why results are not kept; when it fails, the decision can be looked at again."""
    from prefect import flow, task

    looks = iter(range(10))

    @task
    def look(name: str) -> int:
        return next(looks)

    def watch() -> list[int]:
        return [look("endpoint") for _ in range(3)]

    assert flow(watch)() == [0, 1, 2]
    assert flow(watch, persist_result=True)() == [3, 3, 3]


async def _start(name: str) -> str:
    """A flow run as the pool's worker would start it; the task that it became."""
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect_aws import ECSWorker
    from prefect_aws.workers.ecs_worker import ECSJobConfiguration

    @flow(name="nothing")
    def nothing() -> None:
        pass

    async with get_client() as client:
        run = await client.create_flow_run(nothing)
        there = await client.read_work_pool(name)
        configuration = await ECSJobConfiguration.from_template_and_values(
            there.base_job_template, {}
        )
        configuration.prepare_for_flow_run(run, work_pool=there)
        worker = ECSWorker(work_pool_name=name)
        await worker.setup()
        try:
            return (await worker.run(run, configuration)).identifier
        finally:
            await worker.teardown(None, None, None)
