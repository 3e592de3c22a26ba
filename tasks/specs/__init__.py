"""The parts of ``model.yaml``, each with its keys and what they refuse; joined in `model_spec`."""
