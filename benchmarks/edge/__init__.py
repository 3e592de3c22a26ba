"""A staged rollout to simulated clients, through the judge, with the default ladder."""
