"""What people read of a validation: the report, its pages, and the Data Docs."""
