"""The three protocols that CloudWatch speaks: smithy-rpc-v2-cbor, JSON 1.0 and query (XML)."""
