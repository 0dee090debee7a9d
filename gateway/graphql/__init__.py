"""Runs GraphQL documents: limits, cost, execution, and the errors that clients see."""
