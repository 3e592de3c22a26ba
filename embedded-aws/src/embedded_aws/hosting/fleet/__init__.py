"""What serves behind an endpoint: variants, their generations, and the table of routes."""
