"""Pictures: encoded images into pixels."""
