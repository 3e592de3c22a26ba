"""A job of a name that was there before finds nothing of its predecessor, and leaves its folder."""

import pytest
from botocore.exceptions import ClientError
from customer.processing import Workshop

from embedded_aws import EmbeddedAws

TIME_SCALE = 60
MANY = "[(output / f'{n}').write_text('old') for n in range(400)]"


def test_a_job_made_again_at_once_loses_nothing_to_the_one_before(aws):
    shop = Workshop(aws, "again")
    for _ in range(3):
        told = shop.run("again", MANY, hosts=3)
        assert told["ProcessingJobStatus"] == "Completed", told
        shop.sagemaker.delete_processing_job(ProcessingJobName="again")
    assert len(shop.stored("out/again")) == 400


def test_what_a_failed_job_left_behind_is_not_the_next_ones(tmp_path):
    with EmbeddedAws(time_scale=60, state_dir=tmp_path, keep_failed_jobs=True) as aws:
        shop = Workshop(aws, "stale")
        failed = shop.run("stale", "(output / 'stale').write_text('x'); sys.exit(1)")
        assert failed["ProcessingJobStatus"] == "Failed"
        shop.s3.delete_object(Bucket="stale", Key="out/stale/stale")
        shop.sagemaker.delete_processing_job(ProcessingJobName="stale")
        shop.run("stale", "pass")
        assert shop.stored("out/stale") == {}


@pytest.mark.parametrize("path", ["/opt//ml/processing/x", "/opt/./ml/processing/x"])
def test_a_path_that_is_written_oddly_stays_in_the_jobs_folder(aws, path):
    name = f"odd-{'dot' if '.' in path else 'slash'}"
    shop = Workshop(aws, name)
    shop.s3.put_object(Bucket=name, Key="in/a", Body=b"x")
    one = {"S3Uri": f"s3://{name}/in/", "LocalPath": path, "S3DataType": "S3Prefix"}
    given = {"InputName": "odd", "S3Input": {**one, "S3InputMode": "File"}}
    told = shop.run(name, "(home / 'processing/x/a').rename(output / 'a')", inputs=[given])
    assert told["ProcessingJobStatus"] == "Completed", told
    assert shop.stored(f"out/{name}") == {"a": "x"}


def test_checkpoints_do_not_lead_out_of_a_folder(lab):
    place = {"S3Uri": f"s3://{lab.bucket}/c", "LocalPath": "/opt/ml/../../etc"}
    with pytest.raises(ClientError, match="must not lead out"):
        lab.submit("leads-out", "pass", CheckpointConfig=place)
