"""SageMaker endpoints, their scaling, alarms and logs: thin. What is asked of them is pure."""
