"""A training job and an endpoint, driven by the SageMaker SDK v3: each `# %%` is a cell."""

# %% What is needed
import json
import pathlib

import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig, SourceCode
from sagemaker.serve import ModelBuilder
from sagemaker.train import ModelTrainer

SOURCE = pathlib.Path(__file__).with_name("source")
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sluice-training:1"
BUCKET = "sdk-notebook"

# %% Where the data lie, and who the job is
s3, iam = boto3.client("s3"), boto3.client("iam")
s3.create_bucket(Bucket=BUCKET)
s3.put_object(Bucket=BUCKET, Key="prices/a.csv", Body=b"price\n100000\n300000\n")
trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}
services = ["s3:*", "logs:*", "ecr:*", "cloudwatch:*", "ec2:*NetworkInterface*", "ec2:Describe*"]
may = {"Effect": "Allow", "Action": services, "Resource": "*"}
version = {"Version": "2012-10-17"}
try:
    role = iam.get_role(RoleName="sdk-notebook")["Role"]["Arn"]
except iam.exceptions.NoSuchEntityException:
    role = iam.create_role(
        RoleName="sdk-notebook",
        AssumeRolePolicyDocument=json.dumps(
            {**version, "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
        ),
    )["Role"]["Arn"]
iam.put_role_policy(
    RoleName="sdk-notebook",
    PolicyName="jobs",
    PolicyDocument=json.dumps({**version, "Statement": [may]}),
)

# %% The training job
session = Session(default_bucket=BUCKET)
trainer = ModelTrainer(
    training_image=IMAGE,
    source_code=SourceCode(source_dir=str(SOURCE), entry_script="train.py"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    hyperparameters={"column": "price"},
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{BUCKET}/jobs"),
    base_job_name="sdk-notebook",
    role=role,
    sagemaker_session=session,
)
trainer.train(
    input_data_config=[InputData(channel_name="train", data_source=f"s3://{BUCKET}/prices/")],
    logs=False,
)
job = trainer._latest_training_job  # noqa: SLF001  the SDK names it nowhere else
artefact = job.model_artifacts.s3_model_artifacts
print(f"trained: {artefact}")

# %% The endpoint
builder = ModelBuilder(
    image_uri=IMAGE.replace("training", "serving"),
    s3_model_data_url=artefact,
    env_vars={"SAGEMAKER_PROGRAM": "serve.py"},
    role_arn=role,
    sagemaker_session=session,
    instance_type="ml.m5.large",
)
builder.build(model_name="sdk-notebook")
endpoint = builder.deploy(
    endpoint_name="sdk-notebook", initial_instance_count=1, instance_type="ml.m5.large"
)
answer = endpoint.invoke(body=json.dumps([{}, {}]).encode(), content_type="application/json")
print(f"answered: {json.loads(answer.body.read())}")

# %% What was made goes
sagemaker = boto3.client("sagemaker")
config = sagemaker.describe_endpoint(EndpointName="sdk-notebook")["EndpointConfigName"]
sagemaker.delete_endpoint(EndpointName="sdk-notebook")
sagemaker.delete_endpoint_config(EndpointConfigName=config)
sagemaker.delete_model(ModelName="sdk-notebook")
