"""s3fs, pyarrow and prefect-aws on the lake in the box: what data people's own scripts use."""

import io
import os

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs
import pyarrow.parquet as pq
import pytest
import s3fs

from embedded_aws.fixture import _no_faults_left, aws

__all__ = ["_no_faults_left", "aws"]
pytestmark = pytest.mark.timeout(300)

BUCKET = "file-systems"
SALES = pa.table({"month": ["2026-01", "2026-01", "2026-02"], "price": [1.0, 2.0, 4.0]})


@pytest.fixture(scope="module")
def bucket(aws):
    aws.client("s3").create_bucket(Bucket=BUCKET)
    return BUCKET


@pytest.fixture
def by_s3fs(aws, bucket):
    told = aws.environment()
    return s3fs.S3FileSystem(
        key=told["AWS_ACCESS_KEY_ID"], secret=told["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=told["AWS_ENDPOINT_URL"], skip_instance_cache=True,
    )  # fmt: skip


@pytest.fixture
def by_arrow(aws, bucket):
    told = aws.environment()
    return pyarrow.fs.S3FileSystem(
        access_key=told["AWS_ACCESS_KEY_ID"], secret_key=told["AWS_SECRET_ACCESS_KEY"],
        endpoint_override=told["AWS_ENDPOINT_URL"], region="us-east-1",
    )  # fmt: skip


def test_s3fs_writes_reads_lists_moves_and_removes(by_s3fs):
    large = os.urandom(60 * 2**20)  # beyond its block of 50 MB: a multipart upload
    with by_s3fs.open(f"{BUCKET}/raw/large", "wb") as file:
        file.write(large)
    assert by_s3fs.info(f"{BUCKET}/raw/large")["size"] == len(large)
    with by_s3fs.open(f"{BUCKET}/raw/large", "rb") as file:
        file.seek(-1000, io.SEEK_END)
        assert file.read() == large[-1000:], "a range of it"
    by_s3fs.pipe({f"{BUCKET}/raw/day={n}/a.csv": b"x" * n for n in range(1, 4)})
    assert by_s3fs.du(f"{BUCKET}/raw/", total=False)[f"{BUCKET}/raw/day=3/a.csv"] == 3
    assert len(by_s3fs.glob(f"{BUCKET}/raw/day=*/*.csv")) == 3
    by_s3fs.mv(f"{BUCKET}/raw/day=1/a.csv", f"{BUCKET}/raw/day=9/a.csv")
    assert by_s3fs.find(f"{BUCKET}/raw/day=9") == [f"{BUCKET}/raw/day=9/a.csv"]
    by_s3fs.rm(f"{BUCKET}/raw", recursive=True)
    by_s3fs.invalidate_cache()
    assert not by_s3fs.exists(f"{BUCKET}/raw")
    with pytest.raises(FileNotFoundError):
        by_s3fs.cat(f"{BUCKET}/raw/large")


def test_pyarrow_writes_partitions_that_it_reads_back(by_arrow):
    ds.write_dataset(
        SALES, f"{BUCKET}/sales", format="parquet", filesystem=by_arrow,
        partitioning=ds.partitioning(pa.schema([("month", pa.string())]), flavor="hive"),
    )  # fmt: skip
    read = ds.dataset(f"{BUCKET}/sales", format="parquet", filesystem=by_arrow, partitioning="hive")
    of_january = read.to_table(filter=ds.field("month") == "2026-01")
    assert sorted(of_january["price"].to_pylist()) == [1.0, 2.0]
    selector = pyarrow.fs.FileSelector(f"{BUCKET}/sales", recursive=True)
    files = [info.path for info in by_arrow.get_file_info(selector) if info.is_file]
    assert len(files) == 2
    assert all("/month=2026-0" in path for path in files)


def test_what_one_writes_the_other_reads(by_arrow, by_s3fs):
    with by_s3fs.open(f"{BUCKET}/shared/sales.parquet", "wb") as file:
        pq.write_table(SALES, file)
    assert pq.read_table(f"{BUCKET}/shared/sales.parquet", filesystem=by_arrow).equals(SALES)
    with by_arrow.open_output_stream(f"{BUCKET}/shared/by-arrow.csv") as file:
        file.write(b"price\n1\n")
    by_s3fs.invalidate_cache()
    assert by_s3fs.cat(f"{BUCKET}/shared/by-arrow.csv") == b"price\n1\n"


def test_prefect_aws_keeps_files_in_a_bucket(aws, bucket, monkeypatch):
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    from prefect_aws import AwsClientParameters, AwsCredentials, S3Bucket

    told = aws.environment()
    block = S3Bucket(
        bucket_name=bucket,
        bucket_folder="results",
        credentials=AwsCredentials(
            aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
            aws_client_parameters=AwsClientParameters(endpoint_url=told["AWS_ENDPOINT_URL"]),
        ),
    )
    block.write_path("run/one", b"kept")
    assert block.read_path("run/one") == b"kept"
    assert [found["Key"] for found in block.list_objects()] == ["results/run/one"]
    block.upload_from_file_object(io.BytesIO(b"more"), "run/two")
    back = io.BytesIO()
    block.download_object_to_file_object("run/two", back)
    assert back.getvalue() == b"more"
