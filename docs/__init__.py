"""The documentation, and the code that renders the parts of it that come from the contract and the models."""
