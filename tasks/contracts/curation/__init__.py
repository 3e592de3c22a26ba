"""raw → processed → training-data: one row a record, however late its versions arrive."""
