"""The enclosed layer: posterior integrals as balls that contain the truth."""
