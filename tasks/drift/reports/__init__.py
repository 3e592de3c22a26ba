"""What people read of drift: the report, its pictures, and Great Expectations beside it."""
