"""ECS is moto's: tasks are told, and nothing runs."""

import pytest

CONTAINER = {"name": "flow", "image": "image"}


@pytest.mark.parametrize(
    "containers", [[CONTAINER], [CONTAINER, {**CONTAINER, "name": "side", "memory": 128}]]
)
def test_a_task_on_fargate_names_its_memory_for_all_its_containers(aws, containers) -> None:
    ecs, ec2 = aws.client("ecs"), aws.client("ec2")
    ecs.create_cluster(clusterName="shop")
    ecs.register_task_definition(
        family="flow",
        containerDefinitions=containers,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
    )
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    started = ecs.run_task(
        cluster="shop",
        taskDefinition="flow",
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}},
    )
    [task] = started["tasks"]
    assert (started["failures"], task["launchType"]) == ([], "FARGATE")
    definition = ecs.describe_task_definition(taskDefinition="flow")["taskDefinition"]
    assert "memory" not in definition["containerDefinitions"][0]
