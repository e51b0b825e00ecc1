"""What the lecture claims, measured: `make claims` runs every experiment and writes docs/claims.md."""
