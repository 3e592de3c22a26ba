"""An object's age is the answer's date less the object's own, on the clock of this AWS."""

import time
from email.utils import parsedate_to_datetime

TIME_SCALE = 600


def test_an_object_ages_on_the_clock_that_dates_it(aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="dated-objects")
    s3.put_object(Bucket="dated-objects", Key="k", Body=b"x")
    began = aws.clock.now()
    time.sleep(0.5)
    answer = s3.get_object(Bucket="dated-objects", Key="k")
    date = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    age = (date - answer["LastModified"]).total_seconds()
    assert 0.5 * TIME_SCALE - 2 <= age <= aws.clock.now() - began + 60
    assert abs(date.timestamp() - aws.clock.now()) < 120
