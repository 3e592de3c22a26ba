"""What a company's account holds: CloudFormation."""
