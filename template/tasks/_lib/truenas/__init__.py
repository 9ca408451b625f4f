"""What deploying to TrueNAS needs: its API, a stack that stands alone, and releases in the stored YAML."""
