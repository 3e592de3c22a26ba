"""A CDN before the registry, as CloudFront is asked for it."""

from __future__ import annotations

from typing import Any


def distribution(aws: Any, bucket: str, reference: str = "edge") -> str:
    """A distribution before a bucket; each reference makes another one."""
    made = aws.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": reference,
            "Comment": "",
            "Enabled": True,
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "registry",
                        "DomainName": f"{bucket}.s3.us-east-1.amazonaws.com",
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                ],
            },
            "DefaultCacheBehavior": {
                "TargetOriginId": "registry",
                "ViewerProtocolPolicy": "redirect-to-https",
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
                "MinTTL": 0,
            },
        }
    )
    return str(made["Distribution"]["Id"])
