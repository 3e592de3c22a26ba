"""What stands on the wire: requests read, held to the service's model, answers written."""
