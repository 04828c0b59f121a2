"""Small networks as plain pytrees and functions: `init`, `apply`, and a per-example loss."""
