// Lake, job, endpoint, canary and back, by AWS's own SDK for JavaScript. Tells what it saw as JSON.

import { readFile } from "node:fs/promises";
import { CloudWatchClient, GetMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import {
  CreateBucketCommand, DeleteObjectsCommand, GetObjectCommand, ListObjectsV2Command,
  PutObjectCommand, S3Client, paginateListObjectsV2,
} from "@aws-sdk/client-s3";
import {
  CreateEndpointCommand, CreateEndpointConfigCommand, CreateModelCommand,
  CreateTrainingJobCommand, DeleteEndpointCommand, DescribeEndpointCommand,
  DescribeTrainingJobCommand, ListEndpointsCommand, SageMakerClient, UpdateEndpointCommand,
  UpdateEndpointWeightsAndCapacitiesCommand, waitUntilEndpointInService,
  waitUntilTrainingJobCompletedOrStopped,
} from "@aws-sdk/client-sagemaker";
import { InvokeEndpointCommand, SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import { Upload } from "@aws-sdk/lib-storage";

const asked = JSON.parse(await readFile(process.argv[2], "utf-8"));
const where = { endpoint: process.env.AWS_ENDPOINT_URL };
const s3 = new S3Client({ ...where, forcePathStyle: true });
const sagemaker = new SageMakerClient(where);
const runtime = new SageMakerRuntimeClient(where);
const cloudwatch = new CloudWatchClient(where);
const told = {};
const patience = { maxWaitTime: 240, minDelay: 1, maxDelay: 2 };

const put = (Key, Body, more) =>
  s3.send(new PutObjectCommand({ Bucket: asked.bucket, Key, Body, ...more }));

async function lake() {
  await s3.send(new CreateBucketCommand({ Bucket: asked.bucket }));
  await put("numbers/a.csv", "1\n2\n");
  await put("code/sourcedir.tar.gz", Buffer.from(asked.code, "base64"));
  const large = Buffer.alloc(12 * 2 ** 20, "sluice");
  await new Upload({
    client: s3, params: { Bucket: asked.bucket, Key: "large", Body: large },
    partSize: 5 * 2 ** 20,
  }).done();
  const back = await s3.send(new GetObjectCommand({ Bucket: asked.bucket, Key: "large" }));
  told.large = Buffer.from(await back.Body.transformToByteArray()).equals(large);
  told.second = await put("numbers/a.csv", "other", { IfNoneMatch: "*" }).catch(
    (error) => [error.name, error.$metadata.httpStatusCode],
  );
  for (let n = 0; n < 25; n += 1) await put(`many/${n}`, "x");
  const pages = paginateListObjectsV2(
    { client: s3, pageSize: 10 }, { Bucket: asked.bucket, Prefix: "many/" },
  );
  told.pages = [];
  for await (const page of pages) told.pages.push(page.KeyCount);
  const listed = await s3.send(
    new ListObjectsV2Command({ Bucket: asked.bucket, Prefix: "many/" }),
  );
  const Objects = listed.Contents.map(({ Key }) => ({ Key }));
  const gone = await s3.send(
    new DeleteObjectsCommand({ Bucket: asked.bucket, Delete: { Objects } }),
  );
  told.deleted = gone.Deleted.length;
}

async function trained(job) {
  await sagemaker.send(new CreateTrainingJobCommand(job));
  const named = { TrainingJobName: job.TrainingJobName };
  await waitUntilTrainingJobCompletedOrStopped({ client: sagemaker, ...patience }, named);
  const ended = await sagemaker.send(new DescribeTrainingJobCommand(named));
  await sagemaker.send(new CreateModelCommand({
    ModelName: job.TrainingJobName, ExecutionRoleArn: job.RoleArn,
    PrimaryContainer: {
      Image: "any", ModelDataUrl: ended.ModelArtifacts.S3ModelArtifacts,
    },
  }));
  return [ended.TrainingJobStatus, ended.CreationTime instanceof Date];
}

async function inService() {
  const named = { EndpointName: "times" };
  await waitUntilEndpointInService({ client: sagemaker, ...patience }, named);
  const now = await sagemaker.send(new DescribeEndpointCommand(named));
  return Object.fromEntries(now.ProductionVariants.map((v) => [v.VariantName, v.CurrentWeight]));
}

async function answer(TargetVariant) {
  const got = await runtime.send(new InvokeEndpointCommand({
    EndpointName: "times", Body: "7", ContentType: "text/plain", TargetVariant,
  }));
  return `${got.InvokedProductionVariant} ${Buffer.from(got.Body).toString()}`;
}

async function met(most, wanted) {
  const seen = {};
  for (let n = 0; n < most && Object.keys(seen).length < wanted; n += 1) {
    const one = await answer();
    seen[one] = (seen[one] ?? 0) + 1;
  }
  return seen;
}

async function counted() {
  const [told] = (await cloudwatch.send(new GetMetricDataCommand({
    StartTime: new Date("2020-01-01"), EndTime: new Date("2099-01-01"),
    MetricDataQueries: [{
      Id: "asked",
      MetricStat: {
        Metric: {
          Namespace: "AWS/SageMaker", MetricName: "Invocations",
          Dimensions: [
            { Name: "EndpointName", Value: "times" }, { Name: "VariantName", Value: "times-3" },
          ],
        },
        Period: 60, Stat: "Sum",
      },
    }],
  }))).MetricDataResults;
  return told.Values.reduce((sum, value) => sum + value, 0);
}

await lake();
told.jobs = [];
for (const job of asked.jobs) told.jobs.push(await trained(job));
for (const [EndpointConfigName, ProductionVariants] of Object.entries(asked.configs)) {
  await sagemaker.send(new CreateEndpointConfigCommand({ EndpointConfigName, ProductionVariants }));
}
await sagemaker.send(
  new CreateEndpointCommand({ EndpointName: "times", EndpointConfigName: "both" }),
);
told.first = await inService();
told.stable = await met(5, 2);
told.target = await answer("times-3");
await sagemaker.send(new UpdateEndpointWeightsAndCapacitiesCommand({
  EndpointName: "times",
  DesiredWeightsAndCapacities: [
    { VariantName: "times-2", DesiredWeight: 1 }, { VariantName: "times-3", DesiredWeight: 1 },
  ],
}));
told.canary = await inService();
told.shared = Object.keys(await met(60, 2)).sort();
await sagemaker.send(
  new UpdateEndpointCommand({ EndpointName: "times", EndpointConfigName: "stable" }),
);
told.back = await inService();
told.after = await met(5, 2);
// An invocation is counted a moment after it was answered.
told.counted = false;
for (let n = 0; n < 200 && !told.counted; n += 1) told.counted = (await counted()) >= 2;
told.refused = await sagemaker
  .send(new DescribeTrainingJobCommand({ TrainingJobName: "nobody" }))
  .catch((error) => [error.name, error.message]);
await sagemaker.send(new DeleteEndpointCommand({ EndpointName: "times" }));
let left = 1;
for (let n = 0; n < 100 && left; n += 1) {
  left = (await sagemaker.send(new ListEndpointsCommand({}))).Endpoints.length;
}
told.left = left;
console.log(JSON.stringify(told));
