"""What came with an artefact does its work where it hurts nobody: apart from here, or as a job."""
